"""The pages for problems with choosing or testing: each says what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from flask import Response

from onboarding.model import Attempt
from onboarding.model.errors import Remedy, SlackSaysNo
from onboarding.settings.log import LOGGER
from onboarding.web.pages import messages, render
from onboarding.web.pages.about import about_attempt
from onboarding.web.pages.messages import Message
from onboarding.web.pages.opened import Opened

LONGEST_RETRY_AFTER: Final = 120


def slack_says_no(error: SlackSaysNo, opened: Opened) -> Response:
    """It was not saved."""
    LOGGER.warning("Slack refused attempt=%s word=%s", opened.attempt.id, error.word)
    return _refused(messages.NOT_SAVED, error, opened)


def not_sent(error: SlackSaysNo, opened: Opened) -> Response:
    """A test message. If Slack did not answer, it may have arrived; if Slack says when to try again, it did not."""
    LOGGER.warning("test message not sent attempt=%s word=%s", opened.attempt.id, error.word)
    if error.remedy is Remedy.LATER and not error.retry_after:
        name = opened.connection.destination
        place = render.place(name, is_theirs=True) if name else ""
        about = replace(opened.about, names={"place": place})
        return render.show(messages.MAYBE_SENT, 503, about, attempt=opened.attempt)
    return _refused(messages.NOT_SENT, error, opened)


def later(message: Message, status: int, attempt: Attempt, seconds: int) -> Response:
    wait = render.in_words(timedelta(seconds=seconds))
    response = problem(message, status, attempt, wait=wait)
    if seconds:
        response.headers["Retry-After"] = str(seconds)
    return response


def problem(message: Message, status: int, attempt: Attempt, **names: str) -> Response:
    about = about_attempt(attempt, may_restart=True)
    return render.show(message, status, replace(about, names=names), attempt=attempt)


def _refused(message: Message, error: SlackSaysNo, opened: Opened) -> Response:
    """The message with what to do about it, unless trying again will do."""
    if error.remedy is Remedy.LATER:
        return later(messages.SLACK_SILENT, 503, opened.attempt, min(error.retry_after, LONGEST_RETRY_AFTER))
    todo = messages.SLACK_WORDS.get(error.word, messages.SLACK_REMEDIES[error.remedy])
    return problem(replace(message, body=(todo,)), 422, opened.attempt)
