"""Picks the message that says what became of an attempt."""

from __future__ import annotations

from dataclasses import replace

from onboarding.model import Attempt, InstallLink, Reason, Status
from onboarding.model.destinations import Destination, MadeConnection
from onboarding.web.pages.messages import destination as words
from onboarding.web.pages.messages.direct import WITHOUT_LINK
from onboarding.web.pages.messages.landing import (
    ALREADY_CONNECTED,
    BROKEN,
    FOR_ANOTHER,
    LANDING,
    LANDING_FOR_ONE,
    USE_ANOTHER,
    USE_THAT,
)
from onboarding.web.pages.messages.message import ADD_AGAIN, Message
from onboarding.web.pages.messages.outcomes import (
    CHECKING,
    CONNECTED,
    CONNECTED_ORGANISATION,
    ENDED_BEFORE,
    FINISHING,
    INTERRUPTED,
    KEPT_SAFE,
    OUTCOMES,
    SEVERAL_MISSING,
    STILL_FINISHING,
    TIMED_OUT,
    WAITING,
)


def outcome(attempt: Attempt) -> Message:
    """The page for an attempt as it stands, unless it is unclaimed."""
    if attempt.link.is_direct and attempt.reason in WITHOUT_LINK and not _was_interrupted(attempt):
        return WITHOUT_LINK[attempt.reason]
    match attempt.status:
        case Status.STARTED:
            return CHECKING if attempt.is_claimed else WAITING
        case Status.GRANTED:
            return STILL_FINISHING if attempt.tries else FINISHING
        case Status.CONNECTED if attempt.reason is None:
            return _connected(attempt)
        case Status.EXPIRED if attempt.reason is Reason.TIMED_OUT:
            return INTERRUPTED if _was_interrupted(attempt) else TIMED_OUT
        case _:
            return _ended(attempt)


def landing(link: InstallLink, connection: MadeConnection | None) -> Message:
    """The page of a link whose owner is not connected, or no longer."""
    if connection:
        return replace(BROKEN, body=(*BROKEN.body, *_elsewhere(link, connection)))
    return LANDING_FOR_ONE if link.workspace_id else LANDING


def _was_interrupted(attempt: Attempt) -> bool:
    return attempt.reason is Reason.TIMED_OUT and attempt.is_claimed


def already_connected(link: InstallLink, connection: MadeConnection) -> Message:
    message = replace(ALREADY_CONNECTED, body=(*ALREADY_CONNECTED.body, *_elsewhere(link, connection)))
    if not link.has_destination:
        return message
    told = words.NOTIFICATIONS_GO if connection.destination else words.NOBODY_CHOSE
    return replace(message, body=(*message.body, told), also=words.CHANGE)


def connecting_again(link: InstallLink, connection: MadeConnection) -> str:
    """What a link does once its owner is connected. One that names a workspace is for no other."""
    if link.workspace_id is None:
        return USE_ANOTHER
    return USE_THAT if _elsewhere(link, connection) else ADD_AGAIN.label


def _elsewhere(link: InstallLink, connection: MadeConnection) -> tuple[str, ...]:
    return () if link.workspace_id in {None, connection.workspace.id} else (FOR_ANOTHER,)


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
    if attempt.reason is Reason.SCOPES_MISSING and "," in (attempt.detail or ""):
        return replace(OUTCOMES[attempt.reason], heading=SEVERAL_MISSING)
    if attempt.reason in OUTCOMES:
        return OUTCOMES[attempt.reason]
    return KEPT_SAFE if attempt.has_grant else OUTCOMES[Reason.GRANT_LOST]
