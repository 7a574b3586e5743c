"""What came of renaming, verifying and disconnecting a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from onboarding.flows.disconnect import Disconnected, Outcome
from onboarding.model.errors import NovuError

AT_SLACK: Final[Mapping[Outcome, str]] = {
    Outcome.DONE: "Slack: the token was revoked.",
    Outcome.ALREADY_GONE: "Slack: the token no longer worked.",
    Outcome.NOT_ASKED: "Slack: not asked, the token was left alone.",
    Outcome.HIDDEN: "Slack: Novu does not show the token, so it could not be revoked. Remove the app in Slack.",
    Outcome.FAILED: "Slack: the token was not revoked ({detail}).",
}
AT_SLACK_SO_FAR: Final[Mapping[Outcome, str]] = {
    **AT_SLACK,
    Outcome.NOT_ASKED: "Slack: not asked yet.",
    Outcome.FAILED: "Slack: the token was not revoked yet ({detail}).",
}
"""If a worker goes on, and revokes."""
AT_NOVU: Final[Mapping[Outcome, str]] = {
    Outcome.DONE: "Novu: the connection was deleted.",
    Outcome.ALREADY_GONE: "Novu: there was no such connection any more.",
    Outcome.NOT_ASKED: "Novu: the connection was kept. Fix what Slack names, then disconnect again.",
    Outcome.FAILED: "Novu: the connection was not deleted ({detail}). Fix what it names, then disconnect again.",
}
AT_NOVU_SO_FAR: Final[Mapping[Outcome, str]] = {
    Outcome.NOT_ASKED: "Novu: the connection is kept until the token is revoked. A worker goes on until it is.",
    Outcome.BUSY: "Novu: not deleted yet, because something else for this customer is under way. A worker goes on "
    "right after it.",
    Outcome.FAILED: "Novu: not deleted yet ({detail}). A worker goes on until it is.",
}
"""If a worker goes on."""
NOT_NOTED: Final = "PostgreSQL did not answer in the end: pages here may be wrong until a worker has put them right."
VERIFIED_AT_SLACK: Final[Mapping[Outcome, str]] = {
    Outcome.DONE: "Slack: the token works.",
    Outcome.ALREADY_GONE: "Slack: the token no longer works. The customer has to connect again.",
    Outcome.NOT_ASKED: "Slack: not asked.",
    Outcome.HIDDEN: "Slack: not asked, because Novu does not show the token.",
    Outcome.FAILED: "Slack: no clear answer ({detail}).",
}
VERIFIED_AT_NOVU: Final[Mapping[Outcome, str]] = {
    Outcome.DONE: "Novu: the connection is there, and its token refreshes if it rotates.",
    Outcome.FAILED: "Novu: it cannot use this connection ({detail}).",
}
RENAMED: Final = "Renamed to {name}."
NAME_MISSING: Final = "A name needs at least one character."
CONNECTION_GONE: Final = "Neither Novu nor this service knows a connection of this identifier."
NOVU_SILENT: Final = "Novu does not answer ({message}). Everything but the connections goes on without it."
NOVU_REFUSED: Final = "Novu refused: {status}, {message}."


def novu_problem(error: NovuError) -> str:
    """What Novu said, or that it said nothing."""
    return (NOVU_REFUSED if error.status else NOVU_SILENT).format(status=error.status, message=error.message)


def disconnected(done: Disconnected, *, revokes: bool) -> tuple[str, str]:
    """What came of a disconnect, and the tone of it."""
    at_slack = AT_SLACK_SO_FAR if done.goes_on and revokes else AT_SLACK
    at_novu = AT_NOVU_SO_FAR if done.goes_on else AT_NOVU
    told = f"{at_slack[done.slack]} {at_novu[done.novu]}".format(detail=done.detail)
    if not done.is_noted:
        return f"{told} {NOT_NOTED}", "wait"
    return told, "good" if done.is_done else "wait" if done.goes_on else "stop"
