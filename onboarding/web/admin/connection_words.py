"""Every sentence that operators read about the state of a connection, and the one table of states and reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from onboarding.flows.check import Silence
from onboarding.model.destinations import ConnectionState, MadeConnection
from onboarding.web.pages import render

MARKS: Final[Mapping[ConnectionState, tuple[str, str, str]]] = {
    ConnectionState.WORKING: ("good", "✓", "Works"),
    ConnectionState.BROKEN: ("stop", "!", "Broken"),
    ConnectionState.UNKNOWN: ("wait", "?", "Unknown"),
    ConnectionState.ENDED: ("plain", "–", "Ended"),
}
"""Tone, sign and word of each state."""
STATES: Final[Mapping[str, str]] = {state: word for state, (_, _, word) in MARKS.items()}


@dataclass(frozen=True, slots=True)
class Why:
    """A reason in a word or two, and in plain words."""

    short: str
    told: str


REASONS: Final[Mapping[str, Why]] = {
    "token_revoked": Why("Access revoked", "The app's access was revoked in Slack"),
    "account_inactive": Why(
        "Removed or switched off", "The app was removed from the workspace, or its account was switched off"
    ),
    "invalid_auth": Why("Token refused", "Slack no longer accepts the token"),
    "token_expired": Why("Token expired", "The token has expired, and Novu could not refresh it"),
    "app_uninstalled": Why("App removed", "The app was removed from the workspace"),
    "deleted_at_novu": Why("Deleted at Novu", "Novu no longer has it: somebody deleted it there"),
    "disconnected": Why("Disconnected", "It was disconnected on purpose, here or by your product"),
    "token_hidden": Why("Token hidden", "Novu hides the token, so Slack cannot be asked"),
}
NO_REASON: Final = "No reason is known"

NOT_OURS: Final = "Something else made this connection, so this service does not check it."
ENDED_HERE: Final = (
    "Novu holds a connection of this identifier, but as far as this service knows it has ended. Something else may "
    "have created it anew."
)
NOT_AT_NOVU: Final = (
    "Novu no longer has this connection, so no notification reaches Slack. What you see is what this service "
    "remembers. “Check now” writes down that it has ended."
)
ONLY_REMEMBERED: Final = "Novu no longer has this connection. What you see is what this service remembers of it."
NOT_KNOWN: Final = "This service did not make this connection, so there is nothing to check, and no link that fits it."
HAS_ENDED: Final = "This connection has ended, so there is nothing to check."

STILL: Final[Mapping[ConnectionState, str]] = {
    ConnectionState.WORKING: "Checked: it works.",
    ConnectionState.BROKEN: "Checked: it is broken. {why}.",
    ConnectionState.UNKNOWN: "Checked, but it stays unknown: {why}.",
    ConnectionState.ENDED: "Checked: it has ended. {why}.",
}
TONES: Final[Mapping[ConnectionState, str]] = {ConnectionState.WORKING: "good", ConnectionState.UNKNOWN: "wait"}
SILENT: Final = "Nothing was changed: {who} gave no clear answer ({detail}). Check again in {wait}."
UNDER_WAY: Final = (
    "Nothing was changed: the customer is being connected or disconnected at this moment. Check again in a minute."
)
A_MOMENT: Final = "a moment"
LINK_READY: Final = "The reconnect link is ready. Copy it and send it to the customer."
NO_LINK: Final = "No link was created: {problems}."


def reason(connection: MadeConnection) -> str:
    """Why it is as it is, in plain words; empty if it works."""
    return why(connection.reason) if connection.state is not ConnectionState.WORKING else ""


def in_short(connection: MadeConnection) -> str:
    """The same in a word or two, for a row of a table."""
    return _explained(connection.reason).short if connection.state is not ConnectionState.WORKING else ""


def reasons(chosen: str) -> dict[str, str]:
    """Every reason in a word or two, and the chosen one if it is another."""
    known = {word: told.short for word, told in REASONS.items()}
    return {**known, chosen: _explained(chosen).short} if chosen else known


def why(word: str | None) -> str:
    """A reason in plain words."""
    return _explained(word).told


def _explained(word: str | None) -> Why:
    """A word that is not in the table is Slack's own."""
    unknown = f"Slack says {word}" if word else NO_REASON
    return REASONS.get(word or "", Why(unknown, unknown))


def checked(connection: MadeConnection) -> tuple[str, str]:
    """What a check found, and the tone of it."""
    told = STILL[connection.state].format(why=why(connection.reason))
    return told, TONES.get(connection.state, "stop")


def silent(silence: Silence) -> str:
    wait = render.in_words(timedelta(seconds=silence.retry_after)) if silence.retry_after else A_MOMENT
    return SILENT.format(who=silence.who, detail=silence.detail, wait=wait)
