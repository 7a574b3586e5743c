"""Every sentence that operators read about where notifications go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from onboarding.model.destinations import Destination, EndpointType
from onboarding.model.errors import (
    ConnectionChanged,
    DestinationRefused,
    NoDestination,
    NotRecorded,
    NotThere,
    NovuError,
    OnboardingError,
    RateLimited,
    Remedy,
    SlackSaysNo,
    StoreUnavailable,
    TokenHidden,
    TooOften,
)
from onboarding.settings.apps import Brand
from onboarding.web.pages import render

UNKNOWN: Final = (
    "This service does not know this connection: something else made it, or it was ended here. So nothing can be "
    "changed or tested. If the customer connects with a link of this service, it can."
)
NO_SUBSCRIBER: Final = (
    "This link has no subscriber, so nothing can be delivered: Novu sends to subscribers only. Send the customer a "
    "link that names one."
)
NOBODY_CHOSE: Final = "Nobody has chosen yet, so notifications go nowhere."
PUBLIC_CHANNEL: Final = "To the public channel"
OTHER_CHANNEL: Final = "To a channel whose name only its members know:"
PERSON: Final = "To the app's direct messages with"
NOT_AS_SAID: Final = (
    "Novu holds something else at this moment. If it still does in a minute, change it to the same place once more."
)
NOT_LISTED: Final = "Novu does not say what it holds here ({error})."
NOTHING_HELD: Final = "Novu holds nothing on this connection: no notification would arrive."
HELD: Final = "What Novu holds on this connection"
KINDS: Final = {EndpointType.CHANNEL.value: "Channel", EndpointType.PERSON.value: "Person"}

CHOSEN: Final = "Notifications go {where} now."
REMOVED: Final = "Removed: notifications go nowhere until somebody chooses."
TEST_SENT: Final = "The test message was sent {where}."
TO_CHANNEL: Final = "to the channel {channel}"
TO_PERSON: Final = "to the direct messages of {person}"

TIMELINE: Final[Mapping[str, str]] = {
    EndpointType.CHANNEL.value: "channel {id}",
    EndpointType.PERSON.value: "the direct messages of {id}",
}
REFUSED_WITH_CONNECTION: Final = (
    "The customer is connected, but notifications go nowhere: they were to go to whoever approved, and that was "
    "refused ({why}). Fix what it names if it is yours, then choose a place on the connection's page."
)


@dataclass(frozen=True, slots=True)
class Attempted:
    """What to say if a change or a test failed (`nothing`), and if it is not known whether it did (`unclear`)."""

    nothing: str
    unclear: str


CHANGE: Final = Attempted(
    "Nothing was changed.",
    "{who} did not answer in the end, so it is not clear what is saved. Look at this page again in a minute.",
)
TEST: Final = Attempted(
    "Nothing was sent.",
    "{who} did not answer in the end, so the message may have arrived. Look in Slack before you send another.",
)

INVITED: Final = "Somebody who is in it types “{invite}” there."
NOT_THERE: Final[Mapping[NotThere, str]] = {
    NotThere.NOT_FOUND: "Slack knows no such channel or person, or the app is not in that private channel. " + INVITED,
    NotThere.ARCHIVED: "That channel is archived. Choose another, or let the customer unarchive it.",
    NotThere.NOT_INVITED: "The app is not in that channel. " + INVITED + " Then choose it again.",
    NotThere.OTHER_WORKSPACE: "That link leads to another workspace. Copy the link of a channel in this one.",
    NotThere.NO_LINK: "That is neither a channel's link or id nor a person's id. In Slack, the channel's menu has Copy "
    "link, a person's profile has Copy member ID.",
    NotThere.NO_CHANNEL: "That is the id of something else in Slack. Paste a channel's link or id, or a person's id.",
    NotThere.NO_INSTALLER: "Slack did not say who approved. Choose a channel, or paste a person's id.",
    NotThere.NO_CHOICE: "Paste a channel's link or id, or a person's id.",
}
SLACK_WORDS: Final[Mapping[str, str]] = {
    "not_in_channel": "The app is not in that channel. " + INVITED,
    "messages_tab_disabled": "The app takes no direct messages: in your Slack app's settings, under App Home, switch "
    "on the Messages tab.",
    "missing_scope": "The customer did not grant a scope that this needs. Add it to the Slack app and to SLACK_SCOPES, "
    "then let the customer add the app again.",
    "message_limit_exceeded": "The workspace has reached its limit of messages. Its admin can change that.",
}
SLACK_REMEDIES: Final[Mapping[Remedy, str]] = {
    Remedy.RECONNECT: "The token no longer works, so the customer has to connect again: send a new link.",
    Remedy.CHOOSE_AGAIN: "Nothing can be posted there any more. Choose another place.",
    Remedy.ASK_IN_SLACK: "A rule of the workspace does not allow it. Choose another place, or let the customer ask "
    "their Slack admin.",
    Remedy.OURS: "That is ours to fix: look the word up in Slack's documentation of chat.postMessage.",
    Remedy.LATER: "Try again{wait}.",
}
SLACK_SAID: Final = "{nothing} Slack says {word}. {todo}"
TOO_OFTEN: Final = "A test message can be sent three times a minute, by customers and operators together. Wait {wait}."
HIDDEN: Final = "Novu does not show tokens, so Slack cannot be asked. Send a notification through Novu instead."
NOTHING_TO_TEST: Final = "Nobody has chosen where notifications go. Choose a place first."
CHANGED_MEANWHILE: Final = (
    "The connection was made anew or disconnected since you opened this page. Look at it again, then decide."
)
NOVU_KEY: Final = (
    "Novu does not accept NOVU_SECRET_KEY. Check it with “onboarding check-config --live”, fix it and restart."
)
NOVU_SILENT: Final = "Novu did not do it ({error}). Try again in a moment."
NOVU_REFUSED: Final = "Novu refused ({error}). Fix what it names, then try again."
NOT_RECORDED: Final = (
    "Novu has taken it, and PostgreSQL did not answer in the end. A worker writes it down; until then this page shows "
    "what was there before."
)


class Impossible(OnboardingError):
    """Nothing can be changed here, whatever is chosen. `why` says so in words."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


def where_now(destination: Destination | None) -> str:
    """What stands before its name and id."""
    if destination is None:
        return NOBODY_CHOSE
    if destination.is_person:
        return PERSON
    return PUBLIC_CHANNEL if destination.name else OTHER_CHANNEL


def where(destination: Destination) -> str:
    """As part of a sentence."""
    if destination.is_person:
        return TO_PERSON.format(person=destination.id)
    name = f"#{destination.name} ({destination.id})" if destination.name else destination.id
    return TO_CHANNEL.format(channel=name)


def told(detail: str) -> str:
    """What a timeline says of a destination."""
    kind, _, target = detail.partition(" ")
    return TIMELINE[kind].format(id=target) if kind in TIMELINE else detail


def problem(error: OnboardingError, attempted: Attempted, brand: Brand) -> str:
    """What went wrong, and what to do about it."""
    match error:
        case NotRecorded():
            return NOT_RECORDED
        case StoreUnavailable() if attempted is TEST:
            return f"{attempted.nothing} {error.store} does not answer. Try again in a moment."
        case StoreUnavailable():
            return attempted.unclear.format(who=error.store)
        case SlackSaysNo():
            return _slack(error, attempted, brand)
        case NovuError():
            return f"{attempted.nothing} {_novu(error)}"
        case _:
            return f"{attempted.nothing} {_todo(error, brand)}"


def _todo(error: OnboardingError, brand: Brand) -> str:
    match error:
        case DestinationRefused():
            return NOT_THERE[error.why].format(invite=render.invite(brand))
        case Impossible():
            return error.why
        case TooOften():
            return TOO_OFTEN.format(wait=render.in_words(timedelta(seconds=error.retry_after)))
        case TokenHidden():
            return HIDDEN
        case NoDestination():
            return NOTHING_TO_TEST
        case ConnectionChanged():
            return CHANGED_MEANWHILE
        case _:
            raise error


def _slack(error: SlackSaysNo, attempted: Attempted, brand: Brand) -> str:
    if error.remedy is Remedy.LATER and attempted is TEST and not isinstance(error, RateLimited):
        return attempted.unclear.format(who="Slack")
    wait = f" in {render.in_words(timedelta(seconds=error.retry_after))}" if error.retry_after else " in a moment"
    todo = SLACK_WORDS.get(error.word, SLACK_REMEDIES[error.remedy]).format(invite=render.invite(brand), wait=wait)
    return SLACK_SAID.format(nothing=attempted.nothing, word=error.word, todo=todo)


def _novu(error: NovuError) -> str:
    if error.is_about_key:
        return NOVU_KEY
    return (NOVU_SILENT if error.is_transient else NOVU_REFUSED).format(error=error)
