"""Picks the message that says what became of an attempt."""

from __future__ import annotations

from dataclasses import replace

from onboarding.model import Attempt, InstallLink, Reason, Status
from onboarding.model.destinations import Destination, MadeConnection
from onboarding.web.pages.messages import destination as words
from onboarding.web.pages.messages.landing import ALREADY_CONNECTED
from onboarding.web.pages.messages.message import Message
from onboarding.web.pages.messages.outcomes import (
    CHECKING,
    CONNECTED,
    CONNECTED_ORGANISATION,
    ENDED_BEFORE,
    FINISHING,
    INTERRUPTED,
    KEPT_SAFE,
    OUTCOMES,
    TIMED_OUT,
    WAITING,
)


def outcome(attempt: Attempt) -> Message:
    """The page for an attempt as it stands."""
    match attempt.status:
        case Status.STARTED:
            return CHECKING if attempt.is_claimed else WAITING
        case Status.GRANTED:
            return FINISHING
        case Status.CONNECTED if attempt.reason is None:
            return _connected(attempt)
        case Status.EXPIRED if attempt.reason is Reason.TIMED_OUT:
            return INTERRUPTED if attempt.is_claimed else TIMED_OUT
        case _:
            return _ended(attempt)


def already_connected(link: InstallLink, connection: MadeConnection) -> Message:
    if not link.has_destination:
        return ALREADY_CONNECTED
    told = words.NOTIFICATIONS_GO if connection.destination else words.NOBODY_CHOSE
    return replace(ALREADY_CONNECTED, body=(*ALREADY_CONNECTED.body, told), also=words.CHANGE)


def with_destination(attempt: Attempt, destination: Destination | None, *, is_theirs: bool) -> Message:
    """The page of a connection whose destination is chosen here. Only `is_theirs` may change it."""
    if destination is None:
        open_ = words.DESTINATION_OPEN if is_theirs else words.DESTINATION_OPEN_ELSEWHERE
        return replace(open_, body=(*_history(attempt, is_set=False), *open_.body))
    if not is_theirs:
        return words.DESTINATION_SET_ELSEWHERE
    return replace(words.DESTINATION_SET, body=(*_history(attempt, is_set=True), *words.DESTINATION_SET.body))


def _history(attempt: Attempt, *, is_set: bool) -> tuple[str, ...]:
    """What happened to where notifications go when this attempt connected."""
    events = {event.name for event in attempt.timeline}
    if is_set:
        return () if "destination_set" in events else (words.DESTINATION_KEPT,)
    if "destination_refused" in events:
        return (words.DESTINATION_REFUSED,)
    return (words.DESTINATION_REMOVED,) if "destination_removed" in events and "destination_set" not in events else ()


def place(destination: Destination, *, is_theirs: bool) -> tuple[str, bool]:
    """Where notifications go, in words, and whether those are a name."""
    if destination.is_person:
        return (words.YOUR_MESSAGES if is_theirs else words.THEIR_MESSAGES), False
    if destination.name:
        return f"#{destination.name}", True
    return (words.YOUR_CHANNEL if is_theirs else words.THEIR_CHANNEL), False


def _connected(attempt: Attempt) -> Message:
    is_organisation = attempt.workspace is not None and attempt.workspace.is_organisation
    return CONNECTED_ORGANISATION if is_organisation else CONNECTED


def _ended(attempt: Attempt) -> Message:
    """All of Novu's refusals share a page: what matters to people is whether their approval is still there."""
    if attempt.was_fenced:
        return ENDED_BEFORE
    if attempt.reason in OUTCOMES:
        return OUTCOMES[attempt.reason]
    return KEPT_SAFE if attempt.has_grant else OUTCOMES[Reason.GRANT_LOST]
