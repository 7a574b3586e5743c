"""Every sentence that operators read about the events that the host product is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from onboarding.ledger.events import PING, Delivery, Sending
from onboarding.remote.webhook import Answered

TYPES: Final[Mapping[str, str]] = {
    "connection.connected": "Connected",
    "connection.updated": "Connected again",
    "connection.broken": "Connection broke",
    "connection.recovered": "Connection works again",
    "connection.disconnected": "Connection ended",
    "destination.set": "Destination chosen",
    "attempt.awaiting_approval": "Attempt awaits approval",
    "attempt.cancelled": "Attempt cancelled",
    "attempt.failed": "Attempt failed",
    "attempt.expired": "Attempt expired",
    PING: "Ping",
}
MARKS: Final[Mapping[Sending, tuple[str, str, str]]] = {
    Sending.PENDING: ("wait", "…", "Waiting"),
    Sending.DELIVERED: ("good", "✓", "Delivered"),
    Sending.FAILED: ("stop", "!", "Not delivered"),
    Sending.PAUSED: ("plain", "–", "Kept"),
}
"""Tone, sign and word of each."""

NO_ENDPOINT: Final = (
    "No WEBHOOK_URL is set, so nothing is sent. Events are kept for 30 days and can be read over the API."
)
GOES_TO: Final = "Sent to {host}, and kept for 30 days, newest first."
PAUSED: Final = (
    "Nothing is sent since {since}: your product's endpoint answered 410, which means that it is gone. Events are "
    "kept. Make sure that WEBHOOK_URL is right, then resume."
)
KEPT: Final = (
    "Events since {since} are kept, because there was no endpoint for them when they happened. Resume to send them."
)
PAUSED_IN_SHORT: Final = "Your product's endpoint answered 410 {ago}. Events are kept until somebody resumes."
NOT_PAUSED: Final = "Nothing was paused."
RESUMED: Final = "Resumed. {number} will be sent in the next seconds."
SENT_AGAIN: Final = "It will be sent again in the next seconds, under the same id."
ALL_SENT_AGAIN: Final = "Resumed: it and everything else that was kept will be sent in the next seconds."
NOWHERE: Final = "Nothing was sent: no WEBHOOK_URL is set."
PING_TAKEN: Final = "The endpoint answered {status}: it took the ping."
PING_REFUSED: Final = "The endpoint answered {status}. Only 200 to 299 count as delivered."
PING_SILENT: Final = "The endpoint did not answer: {why}."
WHY: Final[Mapping[str, str]] = {
    "name_unknown": "its host name is not known",
    "not_public": "its address is not public, and WEBHOOK_ALLOWED_HOSTS does not name its host",
    "no_connection": "no connection could be made",
    "timed_out": "it took longer than 15 seconds",
    "certificate_not_trusted": "its certificate is not trusted",
    "certificate_expired": "its certificate has expired",
    "certificate_of_another_host": "its certificate is another host's",
}
NO_ANSWER: Final = "no answer"
FOR_OPERATORS: Final = "(shown to operators only)"


def answered(delivery: Delivery) -> str:
    """What came of one try."""
    return NO_ANSWER if delivery.status is None else f"HTTP {delivery.status}"


def pinged(answer: Answered | None) -> tuple[str, str]:
    """What came of a ping, and the tone of it."""
    if answer is None:
        return NOWHERE, "stop"
    if answer.status is None:
        return PING_SILENT.format(why=WHY.get(answer.why, answer.why.replace("_", " "))), "stop"
    return (PING_TAKEN if answer.is_good else PING_REFUSED).format(status=answer.status), (
        "good" if answer.is_good else "stop"
    )
