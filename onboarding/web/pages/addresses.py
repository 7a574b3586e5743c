"""Where the buttons of a page lead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import url_for

from onboarding.model import Attempt, InstallLink, Status
from onboarding.web.context import wiring
from onboarding.web.pages.about import About
from onboarding.web.pages.messages import Action

SLACK_ID: Final = re.compile(r"[TECADGUW][A-Z0-9]+")
RETURN_STATUS: Final = {
    Status.STARTED: "pending",
    Status.GRANTED: "pending",
    Status.CONNECTED: "connected",
    Status.AWAITING_APPROVAL: "pending",
    Status.CANCELLED: "cancelled",
}


def address(action: Action, about: About) -> str | None:
    """Where a button leads, or None if this page has no such place. An empty address is this very page."""
    return _ADDRESSES[action](about)


def try_again(about: About) -> str | None:
    """The install link, for the browser that made the attempt; for anybody where it began if there was no link."""
    if about.link and about.link.is_direct:
        return direct_install(about.link.integration)
    if about.link is None or not about.may_restart:
        return None
    return url_for("install.landing", token=wiring().links.sign(about.link))


def direct_install(integration: str) -> str | None:
    """Where an installation without a link begins."""
    settings = wiring().settings
    app = settings.apps.of(integration)
    if not settings.direct_install or app is None:
        return None
    return url_for("direct.install", app=None if app is settings.apps.default else integration)


def _back(about: About) -> str | None:
    return _return_address(about.link, about.attempt) if about.link else None


def _return_address(link: InstallLink, attempt: Attempt | None) -> str | None:
    """The host's return URL; after an attempt, told what became of it."""
    if link.return_url is None or attempt is None:
        return link.return_url
    parts = urlsplit(link.return_url)
    kept = [pair for pair in parts.query.split("&") if pair and pair.split("=")[0] not in {"status", "attempt"}]
    told = urlencode({"status": RETURN_STATUS.get(attempt.status, "failed"), "attempt": attempt.id})
    return urlunsplit(parts._replace(query="&".join([*kept, told])))


def _check_again(about: About) -> str | None:
    return url_for("outcome.attempt", attempt_id=about.attempt.id) if about.attempt else None


def _choose(about: About) -> str | None:
    """Where notifications go is chosen by whoever approved, in their own browser."""
    if about.attempt:
        return url_for("destination.choose", attempt_id=about.attempt.id)
    if about.connection and about.may_restart:
        return url_for("destination.choose", attempt_id=about.connection.attempt_id)
    return None


def _send_to_me(about: About) -> str | None:
    return _choose(about) if about.attempt and about.attempt.installer_id else None


def _test(about: About) -> str | None:
    return url_for("destination.test", attempt_id=about.attempt.id) if about.attempt else None


def _open_slack(about: About) -> str | None:
    if ids := _slack_ids(about):
        return f"{wiring().settings.apps.first.slack.url}/app_redirect?{urlencode({'app': ids[0], 'team': ids[1]})}"
    return None


def _add_to_workspaces(about: About) -> str | None:
    """Where an organisation's admin puts an org-wide app into workspaces."""
    if ids := _slack_ids(about):
        host = urlsplit(wiring().settings.apps.first.slack.url).hostname
        return f"https://app.{host}/manage/{ids[1]}/integrations/profile/{ids[0]}/workspaces/add"
    return None


def _slack_ids(about: About) -> tuple[str, str] | None:
    """App and workspace, if both are fit to stand in an address."""
    made = about.attempt or about.connection
    if made is None or made.workspace is None or made.app_id is None:
        return None
    ids = (made.app_id, made.workspace.id)
    return ids if all(SLACK_ID.fullmatch(slack_id) for slack_id in ids) else None


def _contact(about: About) -> str | None:
    contact = about.brand.support_contact
    return f"mailto:{contact}" if contact and "://" not in contact else contact


_ADDRESSES: Final[Mapping[Action, Callable[[About], str | None]]] = {
    Action.TRY_AGAIN: try_again,
    Action.BACK: _back,
    Action.OPEN_SLACK: _open_slack,
    Action.ADD_TO_WORKSPACES: _add_to_workspaces,
    Action.CHECK_AGAIN: _check_again,
    Action.CONTACT: _contact,
    Action.HOME: lambda _: url_for("home.home"),
    Action.RELOAD: lambda _: "",
    Action.ADMIN_MESSAGE: lambda _: "",
    Action.CHOOSE: _choose,
    Action.SEND_TO_ME: _send_to_me,
    Action.TEST: _test,
}
