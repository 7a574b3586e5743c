"""Every sentence that operators read about an attempt: where it stands, what happened, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from onboarding.ledger.lists import Standing
from onboarding.model import Attempt, Reason, Status
from onboarding.web.admin.reason_words import REASONS

MARKS: Final[Mapping[Status, tuple[str, str, str]]] = {
    Status.STARTED: ("wait", "…", "Started"),
    Status.GRANTED: ("wait", "…", "Finishing"),
    Status.CONNECTED: ("good", "✓", "Connected"),
    Status.AWAITING_APPROVAL: ("wait", "…", "Awaiting approval"),
    Status.CANCELLED: ("plain", "–", "Cancelled"),
    Status.FAILED: ("stop", "!", "Failed"),
    Status.EXPIRED: ("plain", "–", "Expired"),
    Status.UNCLAIMED: ("wait", "…", "Unclaimed"),
}
DISCONNECTED: Final = ("plain", "–", "Disconnected")
REPLACED: Final = ("plain", "–", "Replaced")
STANDINGS: Final[Mapping[Standing, str]] = {
    Standing.STARTED: "Started: in Slack right now",
    Standing.GRANTED: "Finishing: Slack said yes, Novu not yet",
    Standing.CONNECTED: "Connected",
    Standing.AWAITING_APPROVAL: "Awaiting approval",
    Standing.CANCELLED: "Cancelled",
    Standing.FAILED: "Failed",
    Standing.EXPIRED: "Expired: nobody finished in time",
    Standing.UNCLAIMED: "Unclaimed: added in Slack without a link",
    Standing.PENDING: "Started or finishing",
    Standing.WAITING: "Waiting for a person: failed, can be retried",
}
EVENTS: Final[Mapping[str, str]] = {
    "started": "Pressed Add to Slack and was sent to Slack",
    "returned": "Came back from Slack",
    "granted": "Slack granted access",
    "connected": "Novu has the connection",
    "delivery_postponed": "Novu did not take it; to be tried again",
    "awaiting_approval": "Slack did not let this person install the app",
    "cancelled": "Ended without a grant",
    "failed": "Failed",
    "retried_by_person": "Somebody pressed Retry",
    "broken": "The connection broke",
    "recovered": "The connection works again",
    "disconnected": "The connection was ended",
    "not_disconnected": "Disconnecting was given up",
    "destination_set": "Notifications go to",
    "destination_removed": "Notifications go nowhere until somebody chooses",
    "destination_refused": "Notifications could not be led to whoever approved",
    "replaced": "The customer connected another workspace",
    "expired": "Expired",
    "unclaimed": "Slack granted access, and there was no link: kept until somebody connects it",
    "claimed": "Connected with a link in the same browser",
    "claimed_by_operator": "Connected by an operator",
    "grant_revoked": "The token was revoked at Slack, and the grant erased",
    "grant_erased": "The grant was erased without revoking its token",
}
TRIES_AGAIN: Final = "Nothing: the service keeps trying for a day, at growing intervals. Retry tries at once."
RETRIED: Final[Mapping[Status, str]] = {
    Status.CONNECTED: "Retried: connected.",
    Status.GRANTED: "Retried: not there yet. The service keeps trying.",
    Status.FAILED: "Retried: it failed again. {happened}",
}
RETRIED_ALL: Final = "Retrying {attempts}…"
EVERYTHING: Final = "everything that waits for a person"
NOT_RETRIED: Final = "There is nothing to retry: {why}."
UNCLAIMED: Final = "Somebody added the app to {where} in Slack without a link. It belongs to no customer yet."
UNCLAIMED_TODO: Final = (
    "Nothing: the person finishes with any link of yours in the same browser, within seven days. If you know whose it "
    "is, connect it below."
)
CLAIMED: Final = "Given to {who}: {state}."
NOT_CLAIMED: Final = "It was not connected: somebody else was faster, or its time is over."
WITHOUT_LINK: Final = "somebody without a link"
SINCE_CONNECTED: Final[Mapping[Reason | None, str]] = {
    None: "is connected to {where}",
    Reason.DISCONNECTED: "was connected to {where}, and was disconnected again",
    Reason.REPLACED: "was connected to {where}, and to another workspace after that",
}


def summary(attempt: Attempt) -> str:
    """What became of an attempt, in one sentence."""
    who = attempt.link.account or attempt.link.subscriber_id or "The customer"
    where = attempt.workspace.name if attempt.workspace else "a workspace"
    if attempt.was_fenced:
        return f"{who} was disconnected after this approval, so it is no longer used."
    match attempt.status:
        case Status.STARTED:
            return f"{who} was sent to Slack and has not come back yet."
        case Status.GRANTED:
            return f"{who} approved the app in {where}. It is on its way to Novu."
        case Status.UNCLAIMED:
            return UNCLAIMED.format(where=where)
        case Status.CONNECTED:
            return f"{who} {SINCE_CONNECTED[attempt.reason].format(where=where)}."
        case _:
            return REASONS[attempt.reason].happened if attempt.reason else ""


def todo(attempt: Attempt) -> str:
    """What an operator can do about it; empty if there is nothing to do."""
    if attempt.is_disconnected:
        return "" if attempt.status is Status.CONNECTED else "To connect the customer again, send a new link."
    if attempt.status is Status.UNCLAIMED:
        return UNCLAIMED_TODO
    if attempt.status is Status.GRANTED:
        return TRIES_AGAIN if attempt.tries else ""
    return REASONS[attempt.reason].todo if attempt.reason else ""


def retried(attempt: Attempt) -> tuple[str, str]:
    """What came of a retry, and the tone of it."""
    happened = REASONS[attempt.reason].happened if attempt.reason else ""
    outcome = RETRIED.get(attempt.status, RETRIED[Status.FAILED]).format(happened=happened)
    return outcome, {Status.CONNECTED: "good", Status.GRANTED: "wait"}.get(attempt.status, "stop")


def claimed(attempt: Attempt) -> tuple[str, str]:
    """What came of connecting an unclaimed install to a customer, and the tone of it."""
    who = attempt.link.account or attempt.link.subscriber_id or "the customer"
    _, _, state = MARKS[attempt.status]
    outcome = CLAIMED.format(who=who, state=state.lower())
    return outcome, {Status.CONNECTED: "good", Status.GRANTED: "wait"}.get(attempt.status, "stop")
