"""Where notifications go: chosen by whoever approved, and tried with a test message."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, session, url_for
from flask.typing import ResponseReturnValue

from onboarding.model.errors import (
    ConnectionChanged,
    DestinationRefused,
    NoDestination,
    NotRecorded,
    NovuError,
    SlackSaysNo,
    StoreUnavailable,
    TokenHidden,
    TooOften,
)
from onboarding.settings.log import LOGGER
from onboarding.web.context import wiring
from onboarding.web.pages import choosing, messages, render
from onboarding.web.pages.destination_problems import later, not_sent, problem, slack_says_no
from onboarding.web.pages.opened import NotNow, Opened, open_attempt

destination_pages = Blueprint("destination", __name__)


@destination_pages.get("/attempts/<attempt_id>/destination")
def choose(attempt_id: str) -> ResponseReturnValue:
    try:
        return choosing.show(open_attempt(attempt_id))
    except NotNow:
        return _to_attempt(attempt_id)


@destination_pages.post("/attempts/<attempt_id>/destination")
def save(attempt_id: str) -> ResponseReturnValue:
    return _doing(attempt_id, _save)


@destination_pages.post("/attempts/<attempt_id>/destination/test")
def test(attempt_id: str) -> ResponseReturnValue:
    return _doing(attempt_id, _test)


def _doing(attempt_id: str, do: Callable[[Opened], ResponseReturnValue]) -> ResponseReturnValue:
    """Do it, or show the page that says why it did not work."""
    try:
        opened = open_attempt(attempt_id)
    except NotNow as error:
        return problem(messages.NOT_CONNECTED_NOW, 409, error.attempt)
    try:
        return do(opened)
    except ConnectionChanged:
        return problem(messages.NOT_CONNECTED_NOW, 409, opened.attempt)
    except SlackSaysNo as error:
        return slack_says_no(error, opened)
    except NovuError as error:
        LOGGER.warning("destination not changed attempt=%s error=%s", attempt_id, error)
        return problem(messages.NOVU_SILENT if error.is_transient else messages.NOVU_REFUSED, 503, opened.attempt)


def _save(opened: Opened) -> ResponseReturnValue:
    try:
        destination = choosing.chosen(opened)
    except DestinationRefused as refused:
        return choosing.show(opened, refused.why)
    try:
        wiring().choosing.choose(opened.connection, destination)
    except (NotRecorded, StoreUnavailable) as error:
        LOGGER.error("choice maybe not saved attempt=%s error=%s", opened.attempt.id, error)
        return problem(messages.MAYBE_SAVED, 503, opened.attempt)
    return _to_attempt(opened.attempt.id)


def _test(opened: Opened) -> ResponseReturnValue:
    try:
        wiring().proof.send(opened.connection)
    except NoDestination:
        return problem(messages.NOTHING_TO_TEST, 409, opened.attempt)
    except TokenHidden:
        return problem(messages.CANNOT_TEST, 409, opened.attempt)
    except SlackSaysNo as error:
        return not_sent(error, opened)
    except TooOften as error:
        return later(messages.TOO_MANY_TESTS, 429, opened.attempt, error.retry_after)
    session["tested"] = opened.attempt.id
    return _to_attempt(opened.attempt.id)


def _to_attempt(attempt_id: str) -> Response:
    return render.see_other(url_for("outcome.attempt", attempt_id=attempt_id))
