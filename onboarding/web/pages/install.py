"""From the install link to Slack and back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import MethodNotAllowed

from onboarding.clock.deadline import Deadline
from onboarding.flows.browsers import attempt_id
from onboarding.model import Attempt, InstallLink, Secret
from onboarding.model.destinations import MadeConnection
from onboarding.model.errors import ApprovalUnused, OnboardingError
from onboarding.web.context import wiring
from onboarding.web.pages import cookies, messages, outcome, render
from onboarding.web.pages.about import About, Name, expected

install_pages = Blueprint("install", __name__)

CALLBACK_SECONDS: Final = 22.0
STATE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
COPIED_ALONG: Final = " \t\r\n\u00a0\u200b\ufeff.,;:!?'\"<>()[]{}*\u201d\u2026"
CODE: Final = re.compile(r"[\x21-\x7e]{1,2048}")


class NoState(OnboardingError):
    """Somebody came from Slack without a state of ours."""


class IncompleteReturn(OnboardingError):
    """Neither a code nor an error, or one of them twice."""


@install_pages.get("/install/<token>")
def landing(token: str) -> ResponseReturnValue:
    link = wiring().minting.open(token)
    connection = wiring().minting.connection(link)
    if waiting := wiring().claims.offered(link, cookies.of_direct_attempts()):
        return _waiting(link, connection, waiting)
    if connection and not connection.is_broken:
        return _already_connected(link, connection)
    app = wiring().parties.of(link.integration).app
    return render.show(
        messages.landing(link, connection),
        about=About(link, connection=connection, names=_landing_names(link, connection)),
        template="landing.html",
        scopes=app.slack.scopes,
        left=render.in_words(link.expires_at - wiring().clock()),
    )


@install_pages.post("/install/<token>")
def start(token: str) -> ResponseReturnValue:
    started = wiring().install.start(wiring().minting.open(token))
    response = render.see_other(started.authorize_url)
    cookies.remember(response, started)
    return response


@install_pages.get("/slack/oauth_redirect")
def oauth_redirect() -> ResponseReturnValue:
    refuse_preview()
    deadline = Deadline(CALLBACK_SECONDS)
    came = _read_return()
    browser = cookies.browser_of(came.attempt_id)
    if came.error:
        wiring().install.decline(came.attempt_id, browser, came.error, is_described=came.is_described)
    else:
        _complete(came, browser, deadline)
    return render.see_other(url_for("outcome.attempt", attempt_id=came.attempt_id))


@dataclass(frozen=True, slots=True)
class _Return:
    attempt_id: str
    code: Secret
    error: str
    is_described: bool


def _complete(came: _Return, browser: Secret | None, deadline: Deadline) -> None:
    try:
        outcome.remember(came.attempt_id, wiring().install.complete(came.attempt_id, browser, came.code, deadline))
    except ApprovalUnused:
        outcome.note_unused(came.attempt_id)


def _already_connected(link: InstallLink, connection: MadeConnection) -> ResponseReturnValue:
    is_theirs = cookies.is_browser_of(connection.attempt_id)
    names: dict[str, str | Name] = {"date": render.date(connection.connected_at)}
    if connection.destination:
        names["place"] = render.place(connection.destination, is_theirs=is_theirs)
    about = About(link, connection=connection, may_restart=is_theirs, names=names)
    return render.show(messages.already_connected(link, connection), about=about, template="connected.html")


def _landing_names(link: InstallLink, connection: MadeConnection | None) -> dict[str, str | Name]:
    if connection:
        return render.breakage(connection)
    return {"expected": expected(link) or messages.THAT_WORKSPACE} if link.workspace_id else {}


def _waiting(link: InstallLink, connection: MadeConnection | None, waiting: Attempt) -> ResponseReturnValue:
    """This browser added the app in Slack before it had a link: one click connects that."""
    message = messages.CLAIM_PAGE
    names: dict[str, str | Name] = {"ago": f"{render.in_words(wiring().clock() - waiting.granted_at)} ago"}
    about = About(link, waiting, names=names)
    if connection and waiting.workspace and connection.workspace.id != waiting.workspace.id:
        message = replace(message, body=(*message.body, messages.REPLACES))
        about = replace(about, names={**names, "current": Name(connection.workspace.name)})
    token = wiring().links.sign(link)
    return render.show(message, about=about, template="waiting.html", token=token, waiting=waiting)


def refuse_preview() -> None:
    """Link scanners and prefetching browsers must not spend what the person is about to."""
    purposes = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    if request.method == "HEAD" or any("prefetch" in purpose for purpose in purposes):
        raise MethodNotAllowed(valid_methods=["GET"])


def _read_return() -> _Return:
    state, code, error = _once("state"), _once("code"), _once("error")
    if not STATE.fullmatch(state):
        raise NoState
    if not error and not CODE.fullmatch(code):
        raise IncompleteReturn
    described = bool(request.args.get("error_description", "").strip())
    return _Return(attempt_id(Secret(state)), Secret(code), error, described)


def _once(name: str) -> str:
    """The value of a query parameter, without what copying puts behind it; empty when absent.

    Repeating one is against RFC 6749, section 3.1.
    """
    values = request.args.getlist(name)
    if len(values) > 1:
        raise NoState if name == "state" else IncompleteReturn
    return values[0].rstrip(COPIED_ALONG) if values else ""
