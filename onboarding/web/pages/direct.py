"""For people who come without a link: Slack's Direct Install URL, and the claim that connects what it brought."""

from __future__ import annotations

import re
from typing import Final

from flask import Blueprint, abort, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from onboarding.settings.apps import App
from onboarding.web import network
from onboarding.web.context import wiring
from onboarding.web.pages import cookies, render
from onboarding.web.pages.install import refuse_preview

TEAM: Final = re.compile(r"[TE][A-Z0-9]{1,63}")

direct_pages = Blueprint("direct", __name__)


@direct_pages.get("/slack/install")
def install() -> ResponseReturnValue:
    if not wiring().settings.direct_install:
        abort(404)
    app = _app() or abort(404)
    refuse_preview()
    _refuse_embedding()
    started = wiring().install.start_direct(app.integration, _team(), network.address())
    # Slack's Marketplace takes nothing but a 302.
    response = Response(status=302, headers={"Location": started.authorize_url}, mimetype="text/plain")
    cookies.remember(response, started)
    return response


@direct_pages.post("/install/<token>/claim")
def claim(token: str) -> ResponseReturnValue:
    link = wiring().minting.open(token)
    wiring().minting.connection(link)
    attempt_id = request.form.get("attempt", "")
    wiring().claims.claim(link, attempt_id, cookies.browser_of(attempt_id))
    return render.see_other(url_for("outcome.attempt", attempt_id=attempt_id))


def _refuse_embedding() -> None:
    """What a page loads by itself, as an image or in a frame, is nobody's click. Slack's own check says nothing."""
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        abort(400)


def _app() -> App | None:
    """The one that `?app=` names or, without it, the default."""
    apps, named = wiring().settings.apps, request.args.getlist("app")
    if not named:
        return apps.default
    return apps.by_integration.get(named[0]) if len(named) == 1 else None


def _team() -> str | None:
    """The workspace that Slack's page is to begin with, if it is named as Slack names one."""
    named = request.args.getlist("team")
    return named[0] if len(named) == 1 and TEAM.fullmatch(named[0]) else None
