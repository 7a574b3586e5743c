"""Turns a message of the catalogue into a page: fills in the names, finds the buttons' addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import Response, make_response, render_template, url_for
from markupsafe import Markup, escape

from onboarding.model import Attempt, InstallLink, Status, Workspace
from onboarding.model.destinations import Destination, MadeConnection
from onboarding.web.context import request_id, wiring
from onboarding.web.pages import messages
from onboarding.web.pages.messages import Action, Button, Message

SLACK_ID: Final = re.compile(r"[TECADGUW][A-Z0-9]+")
UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
RETURN_STATUS: Final = {
    Status.STARTED: "pending",
    Status.GRANTED: "pending",
    Status.CONNECTED: "connected",
    Status.AWAITING_APPROVAL: "pending",
    Status.CANCELLED: "cancelled",
}


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a sentence. One that is not somebody's own takes a capital at the start of the sentence."""

    text: str
    is_own: bool = True

    def at(self, position: int) -> Markup:
        if self.is_own:
            return Markup("<bdi>{}</bdi>").format(self.text)
        return escape(self.text[:1].upper() + self.text[1:] if position == 0 else self.text)


@dataclass(frozen=True, slots=True)
class About:
    """What a page is about. Only the browser that made the attempt `may_restart` it."""

    link: InstallLink | None = None
    attempt: Attempt | None = None
    connection: MadeConnection | None = None
    workspace: Workspace | None = None
    may_restart: bool = False
    support_code: str | None = None
    names: Mapping[str, str | Name] = field(default_factory=dict)


def about_attempt(attempt: Attempt, *, may_restart: bool) -> About:
    return About(attempt.link, attempt, may_restart=may_restart, support_code=attempt.id)


def show(
    message: Message, status: int = 200, about: About | None = None, template: str = "message.html", **extra: object
) -> Response:
    """The page of a message."""
    page = render(template, message.heading, about or About(), message=message, **extra)
    return make_response(page, status)


def see_other(url: str) -> Response:
    """A redirect without a body: what lies in an address does not belong on a page."""
    return Response(status=303, headers={"Location": url}, mimetype="text/plain")


def render(template: str, heading: str, about: About, **extra: object) -> str:
    """Any page: `heading` becomes its title and its h1."""
    names = _names(about)

    def filled(text: str) -> Markup:
        return fill(text, names)

    def address(button: Button) -> str | None:
        return _address(button.action, about)

    return render_template(
        template,
        heading=filled(heading),
        say=filled,
        address=address,
        about=about,
        words=messages,
        product=wiring().settings.product_name,
        support_code=about.support_code or request_id(),
        to_admin=lambda: _to_admin(about, filled),
        **extra,
    )


def _to_admin(about: About, filled: Callable[[str], Markup]) -> str:
    """What a person can send to the admin of their workspace. Only the browser that has the link may pass it on."""
    may = "\n".join(f"- {what}, {why}" for what, why in permissions(wiring().settings.slack.scopes))
    parts = [filled(messages.TO_ADMIN).striptags(), f"{messages.PERMISSIONS_HEADING}:\n{may}"]
    if place := _try_again(about):
        parts.append(f"{messages.TO_ADMIN_LINK} {wiring().settings.public_url}{place}")
    return "\n\n".join([*parts, messages.TO_ADMIN_THANKS])


def invite() -> str:
    """What a member types in a channel to let the app in. Slack's names of apps have no line breaks either."""
    return messages.INVITE.format(product=wiring().settings.product_name)


def fill(text: str, names: Mapping[str, Name]) -> Markup:
    """`text` with its names in place. Names keep their own writing direction and stay text."""
    return Markup(re.sub(r"\{(\w+)\}", lambda m: names[m[1]].at(m.start()), str(escape(text))))  # noqa: S704


def permissions(scopes: tuple[str, ...]) -> list[tuple[str, str]]:
    """What each scope lets the app do, and why it is asked."""
    return [messages.PERMISSIONS.get(scope, (f"Use {scope}", "to deliver your notifications")) for scope in scopes]


def in_words(span: timedelta) -> str:
    """A span, rounded, in the largest unit that it holds twice: `7 days`, `25 hours`, `90 seconds`."""
    seconds = max(span.total_seconds(), 1)
    unit, size = next((each for each in UNITS if seconds >= 2 * each[1] - 1), UNITS[-1])
    count = round(seconds / size)
    return f"{count} {unit}" + ("s" if count > 1 else "")


def place(destination: Destination, *, is_theirs: bool) -> Name:
    """Where notifications go, for whoever looks at the page."""
    text, is_name = messages.place(destination, is_theirs=is_theirs)
    return Name(text, is_own=is_name)


def breakage(connection: MadeConnection) -> dict[str, str | Name]:
    """Since when a connection is broken, and why."""
    why = messages.BROKEN_BECAUSE.get(connection.reason or "", messages.BROKEN_SOMEHOW)
    return {"date": date(connection.since), "why": why}


def date(moment: datetime) -> str:
    return f"{moment:%-d %B %Y}"


def return_address(link: InstallLink, attempt: Attempt | None) -> str | None:
    """The host's return URL; after an attempt, told what became of it."""
    if link.return_url is None or attempt is None:
        return link.return_url
    parts = urlsplit(link.return_url)
    kept = [pair for pair in parts.query.split("&") if pair and pair.split("=")[0] not in {"status", "attempt"}]
    told = urlencode({"status": RETURN_STATUS.get(attempt.status, "failed"), "attempt": attempt.id})
    return urlunsplit(parts._replace(query="&".join([*kept, told])))


def _names(about: About) -> dict[str, Name]:
    product = wiring().settings.product_name
    made = about.attempt or about.connection
    workspace = about.workspace or (made.workspace if made else None)
    account = about.link.account if about.link else None
    return {
        "product": Name(product, is_own=product != "this app"),
        "account": Name(account) if account else Name("your account", is_own=False),
        "workspace": Name(workspace.name) if workspace else Name("your workspace", is_own=False),
        **{name: Name(given, is_own=False) if isinstance(given, str) else given for name, given in about.names.items()},
    }


def _address(action: Action, about: About) -> str | None:
    """Where a button leads, or None if this page has no such place. An empty address is this very page."""
    return _ADDRESSES[action](about)


def _try_again(about: About) -> str | None:
    if about.link is None or not about.may_restart:
        return None
    return url_for("install.landing", token=wiring().links.sign(about.link))


def _back(about: About) -> str | None:
    return return_address(about.link, about.attempt) if about.link else None


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
        return f"{wiring().settings.slack.url}/app_redirect?{urlencode({'app': ids[0], 'team': ids[1]})}"
    return None


def _add_to_workspaces(about: About) -> str | None:
    """Where an organisation's admin puts an org-wide app into workspaces."""
    if ids := _slack_ids(about):
        host = urlsplit(wiring().settings.slack.url).hostname
        return f"https://app.{host}/manage/{ids[1]}/integrations/profile/{ids[0]}/workspaces/add"
    return None


def _slack_ids(about: About) -> tuple[str, str] | None:
    """App and workspace, if both are fit to stand in an address."""
    made = about.attempt or about.connection
    if made is None or made.workspace is None or made.app_id is None:
        return None
    ids = (made.app_id, made.workspace.id)
    return ids if all(SLACK_ID.fullmatch(slack_id) for slack_id in ids) else None


def _contact(_: About) -> str | None:
    contact = wiring().settings.support_contact
    return f"mailto:{contact}" if contact and "://" not in contact else contact


_ADDRESSES: Final[Mapping[Action, Callable[[About], str | None]]] = {
    Action.TRY_AGAIN: _try_again,
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
