"""Turns what went wrong at Slack or Novu, or with a connection, into answers to the host."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from onboarding.flows.check import Silence
from onboarding.model.errors import (
    ConnectionChanged,
    NoDestination,
    NotRecorded,
    NotThere,
    NovuError,
    OnboardingError,
    Remedy,
    SlackSaysNo,
    TokenHidden,
)
from onboarding.settings.log import LOGGER
from onboarding.web.api.problems import Refused
from onboarding.web.context import request_id

NO_SUBSCRIBER: Final = "no_subscriber"
BROKEN: Final = "broken"
TOKEN_HIDDEN: Final = "token_hidden"  # noqa: S105
NO_DESTINATION: Final = "no_destination"
SHARED_TOKEN: Final = "shared_token"  # noqa: S105
CONFLICTS: Final[Mapping[str, str]] = {
    NO_SUBSCRIBER: "The link of this connection named no subscriberId, and Novu sends to subscribers only.",
    BROKEN: "Slack no longer accepts the token of this connection. The customer has to connect again: send a new link.",
    TOKEN_HIDDEN: "Novu does not show the token of this connection, so that Slack cannot be asked.",
    SHARED_TOKEN: "Others are connected by the same token: revoking it would disconnect all of them. If that is meant, "
    "send force=true.",
    NO_DESTINATION: "Nobody has chosen yet where the notifications of this connection go.",
}
REMEDIES: Final[Mapping[Remedy, str]] = {
    Remedy.RECONNECT: "The customer has to connect again: send a new link.",
    Remedy.CHOOSE_AGAIN: "Choose another destination.",
    Remedy.ASK_IN_SLACK: "Somebody has to allow it in Slack.",
    Remedy.OURS: "Look at the settings of the Slack app.",
}
NOT_THERE: Final[Mapping[NotThere, str]] = {
    NotThere.NOT_FOUND: "is not known to Slack, or private and the app is not a member",
    NotThere.ARCHIVED: "is an archived channel",
    NotThere.NOT_INVITED: "is a channel that the app cannot post to until somebody invites it",
}
GONE: Final = "There is no such connection, or it has ended."
GONE_AT_NOVU: Final = "Novu does not have this connection, or its subscriber, any more."
MAYBE_SENT: Final = (
    "Slack did not say whether it took the message: it may have arrived. Please look before trying again."
)
SLACK_SILENT: Final = "Slack does not answer as it should right now. Nothing was changed. Please try again in a moment."
NOVU_SILENT: Final = "Novu does not answer as it should right now. Nothing was changed. Please try again in a moment."
NOVU_REFUSED: Final = "Novu refused. Nothing was changed. Whoever runs this service finds why by the X-Request-ID."
NOT_REVOKED: Final = (
    "Slack refused to revoke the token. Nothing was changed. Whoever runs this service finds why by the X-Request-ID."
)
NOT_ENDED: Final = (
    "Novu refused, so that the connection is still there. A token that was to be revoked may have been. Whoever runs "
    "this service finds why by the X-Request-ID."
)
NOT_RECORDED: Final = "Done at Novu, and not yet recorded here. To make sure, ask for the same again in a moment."


@contextmanager
def translated() -> Iterator[None]:
    """Turn the errors of the use cases into answers."""
    try:
        yield
    except (SlackSaysNo, NovuError, TokenHidden, NoDestination, ConnectionChanged, NotRecorded) as error:
        LOGGER.warning("call refused error=%s %s request=%s", type(error).__name__, error, request_id())
        raise _answer(error) from error


def conflict(reason: str, **more: object) -> Refused:
    return Refused(409, CONFLICTS[reason], reason=reason, more=more)


def by_silence(silence: Silence) -> Refused:
    """To a check: Slack or Novu did not say whether the connection works."""
    LOGGER.warning("not checked who=%s error=%s request=%s", silence.who, silence.detail, request_id())
    said = SLACK_SILENT if silence.who == "Slack" else NOVU_SILENT
    return Refused(503, said, retry_after=silence.retry_after)


def by_slack(error: SlackSaysNo, silence: str = SLACK_SILENT) -> Refused:
    """409 with Slack's own word, or 503 if trying again will do."""
    if error.remedy is Remedy.LATER:
        return Refused(503, SLACK_SILENT if error.retry_after else silence, retry_after=error.retry_after)
    return Refused(409, f"Slack refused. {REMEDIES[error.remedy]}", reason=error.word)


def _answer(error: OnboardingError) -> Refused:
    match error:
        case SlackSaysNo():
            return conflict(BROKEN) if error.remedy is Remedy.RECONNECT else by_slack(error)
        case NovuError():
            return _by_novu(error)
        case TokenHidden() | NoDestination():
            return conflict(TOKEN_HIDDEN if isinstance(error, TokenHidden) else NO_DESTINATION)
        case NotRecorded():
            return Refused(503, NOT_RECORDED)
        case _:
            return Refused(404, GONE)


def _by_novu(error: NovuError) -> Refused:
    if error.status == 404:
        return Refused(404, GONE_AT_NOVU)
    if not error.is_transient:
        return Refused(503, NOVU_REFUSED)
    return Refused(503, NOVU_SILENT, retry_after=math.ceil(error.retry_after or 0))
