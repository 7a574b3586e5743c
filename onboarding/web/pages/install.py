"""From the install link to Slack and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import MethodNotAllowed

from onboarding.clock.deadline import Deadline
from onboarding.flows.install import attempt_id
from onboarding.model import InstallLink, Secret
from onboarding.model.destinations import MadeConnection
from onboarding.model.errors import OnboardingError
from onboarding.web.context import wiring
from onboarding.web.pages import cookies, messages, outcome, render
from onboarding.web.pages.about import About, Name

install_pages = Blueprint("install", __name__)

CALLBACK_SECONDS: Final = 22.0
STATE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
CODE: Final = re.compile(r"[\x21-\x7e]{1,2048}")


class NoState(OnboardingError):
    """Somebody came from Slack without a state of ours."""


class IncompleteReturn(OnboardingError):
    """Neither a code nor an error, or one of them twice."""


@install_pages.get("/install/<token>")
def landing(token: str) -> ResponseReturnValue:
    link = _open(token)
    connection = wiring().minting.connection(link)
    if connection and not connection.is_broken:
        return _already_connected(link, connection)
    app = wiring().parties.of(link.integration).app
    scopes = render.permissions(app.slack.scopes)
    left = render.in_words(link.expires_at - wiring().clock())
    message, about = messages.LANDING, About(link)
    if connection:
        message, about = messages.BROKEN, About(link, connection=connection, names=render.breakage(connection))
    return render.show(message, about=about, template="landing.html", permissions=scopes, left=left)


@install_pages.post("/install/<token>")
def start(token: str) -> ResponseReturnValue:
    started = wiring().install.start(_open(token))
    response = render.see_other(started.authorize_url)
    cookies.remember(response, started)
    return response


@install_pages.get("/slack/oauth_redirect")
def oauth_redirect() -> ResponseReturnValue:
    _refuse_preview()
    deadline = Deadline(CALLBACK_SECONDS)
    came = _read_return()
    browser = cookies.browser_of(came.attempt_id)
    if came.error:
        wiring().install.decline(came.attempt_id, browser, came.error, is_described=came.is_described)
    else:
        outcome.remember(came.attempt_id, wiring().install.complete(came.attempt_id, browser, came.code, deadline))
    return render.see_other(url_for("outcome.attempt", attempt_id=came.attempt_id))


@dataclass(frozen=True, slots=True)
class _Return:
    attempt_id: str
    code: Secret
    error: str
    is_described: bool


def _already_connected(link: InstallLink, connection: MadeConnection) -> ResponseReturnValue:
    is_theirs = cookies.is_browser_of(connection.attempt_id)
    names: dict[str, str | Name] = {"date": render.date(connection.connected_at)}
    if connection.destination:
        names["place"] = render.place(connection.destination, is_theirs=is_theirs)
    about = About(link, connection=connection, may_restart=is_theirs, names=names)
    return render.show(messages.already_connected(link, connection), about=about, template="connected.html")


def _open(token: str) -> InstallLink:
    return wiring().minting.open(token)


def _refuse_preview() -> None:
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
    """The value of a query parameter, empty when absent. Repeating one is against RFC 6749, section 3.1."""
    values = request.args.getlist(name)
    if len(values) > 1:
        raise NoState if name == "state" else IncompleteReturn
    return values[0] if values else ""
