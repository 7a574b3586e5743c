"""Every sentence that operators read, apart from labels and headings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from onboarding.flows.disconnect import Disconnected, Outcome
from onboarding.ledger.audit import Action
from onboarding.ledger.lists import Standing
from onboarding.model import Attempt, Reason, Status
from onboarding.model.errors import NovuError

WRONG_PASSWORD: Final = "That is not the password. It is the service's ADMIN_PASSWORD."  # noqa: S105
TOO_MANY_SIGN_INS: Final = "Too many tries from your network. Wait a minute, then try again."
ISSUER_SILENT: Final = "Your identity provider does not answer as it should. Nothing was changed; try again."
REFUSED_BY_ISSUER: Final = "The sign-in did not come to its end. Please start again from this page."
ADDRESS_UNPROVEN: Final = (
    "Your identity provider does not vouch for your e-mail address. Verify it there: starting again does not help."
)
NOT_ALLOWED: Final = "You are who you say, but your e-mail address is not among OIDC_ALLOWED_EMAILS."

STORE_SILENT: Final = {
    "PostgreSQL": "Without PostgreSQL this page can show nothing. What is on its way to Novu goes on when it is back; "
    "nothing is lost. “onboarding check-config --live” says whether DATABASE_URL is right.",
    "Redis": "Without Redis nobody can sign in. Customers who start now are asked to try again; nothing is lost. "
    "“onboarding check-config --live” says whether REDIS_URL is right.",
}
ONLY_LOOK: Final = (
    "Nothing was changed. You may look at everything here; OIDC_OPERATOR_EMAILS says who may change things."
)

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


@dataclass(frozen=True, slots=True)
class Explained:
    """A reason for operators: in short, what happened, and what to do about it."""

    short: str
    happened: str
    todo: str


FIX_SETTINGS: Final = "Check it with “onboarding check-config --live”, fix it, restart the service, then press Retry."
ASK_AGAIN: Final = "Ask the customer to open the link again, or send a new one."
REASONS: Final[Mapping[Reason, Explained]] = {
    Reason.DENIED_BY_PERSON: Explained("Chose Cancel", "The person pressed Cancel in Slack.", ASK_AGAIN),
    Reason.NOT_PERMITTED: Explained(
        "Needs an admin",
        "Slack did not let this person install the app. Usually an admin of the workspace has to approve it first.",
        "Ask the customer whether their Slack admin has received the request. Once it is approved, the same link works "
        "for anybody who has it. Slack does not tell apps, so this page cannot show it.",
    ),
    Reason.SLACK_REFUSED: Explained(
        "Slack refused",
        "Slack came back with an error before it gave a grant.",
        "The last error below is Slack's own word for it. " + ASK_AGAIN,
    ),
    Reason.CODE_REFUSED: Explained(
        "Code refused",
        "Slack did not accept the authorization code: it was too old, or had been used before.",
        ASK_AGAIN,
    ),
    Reason.SLACK_MISCONFIGURED: Explained(
        "Slack settings wrong",
        "Slack does not accept this service as your app. Nobody can connect until that is fixed.",
        "Compare SLACK_CLIENT_ID, SLACK_CLIENT_SECRET and the redirect URL with the app's page at Slack. Then ask the "
        "customer to open the link again.",
    ),
    Reason.SLACK_UNAVAILABLE: Explained("Slack unavailable", "Slack did not answer as it should.", ASK_AGAIN),
    Reason.WORKSPACE_POLICY: Explained(
        "Workspace policy",
        "A rule of the customer's workspace or organisation does not allow the app.",
        "Only an owner or admin of that workspace can change it. The last error below names the rule.",
    ),
    Reason.NO_BOT_TOKEN: Explained(
        "No bot token",
        "Slack granted something, but no token to post with.",
        "Make sure that the Slack app has a bot user and asks for bot scopes. " + ASK_AGAIN,
    ),
    Reason.SCOPES_MISSING: Explained(
        "Scopes missing",
        "The grant lacks scopes that SLACK_SCOPES asks for.",
        "Add the scopes below to the Slack app, or take them out of SLACK_SCOPES. " + ASK_AGAIN,
    ),
    Reason.WRONG_WORKSPACE: Explained(
        "Wrong workspace",
        "The link was for one workspace, and the person chose another in Slack. Nothing was stored at Novu.",
        "Ask the customer to open the link again and choose the right workspace. If the other one is right, send a "
        "new link without a workspace.",
    ),
    Reason.NOVU_UNAUTHORIZED: Explained(
        "Novu key wrong", "Novu does not accept NOVU_SECRET_KEY. The grant is kept sealed.", FIX_SETTINGS
    ),
    Reason.INTEGRATION_NOT_FOUND: Explained(
        "Integration unknown",
        "Novu has no integration of that identifier. The grant is kept sealed.",
        "Create the integration at Novu, or fix NOVU_INTEGRATION_IDENTIFIER for new links. Then press Retry.",
    ),
    Reason.SUBSCRIBER_NOT_FOUND: Explained(
        "Subscriber unknown",
        "Novu does not know this subscriber. The grant is kept sealed.",
        "Create the subscriber at Novu, then press Retry. The customer need not do anything.",
    ),
    Reason.IDENTIFIER_TAKEN: Explained(
        "Identifier taken",
        "The connection identifier that the link asks for belongs to somebody else at Novu. It was left alone.",
        "Delete that connection if it is stale and press Retry, or create a link with another identifier.",
    ),
    Reason.NOVU_REJECTED: Explained(
        "Novu refused",
        "Novu refused the connection. The grant is kept sealed.",
        "The last error below is Novu's own. Fix what it names, then press Retry.",
    ),
    Reason.NOVU_UNREACHABLE: Explained(
        "Novu unreachable",
        "Novu could not be reached for a whole day. The grant is kept sealed.",
        "When Novu answers again, press Retry. The customer need not do anything.",
    ),
    Reason.SUPERSEDED: Explained(
        "Superseded", "A newer approval for the same customer was delivered first.", "Nothing: the newer one stands."
    ),
    Reason.GRANT_LOST: Explained(
        "Grant lost",
        "The stored grant is gone, or no SECRET_KEY of this service opens it.",
        "If you changed SECRET_KEY, put the old one into SECRET_KEY_FALLBACKS. Otherwise send the customer a new link.",
    ),
    Reason.TIMED_OUT: Explained(
        "Never came back", "The person did not come back from Slack within ten minutes.", ASK_AGAIN
    ),
    Reason.APPROVAL_NOT_GIVEN: Explained(
        "Approval not given",
        "Nobody finished before the link expired. Slack does not tell whether an admin approved the app.",
        "Ask the customer whether their Slack admin has approved the app, and send a new link.",
    ),
    Reason.NOT_CLAIMED: Explained(
        "Not claimed",
        "Somebody added the app in Slack without a link, and nobody connected it within seven days.",
        "If you know the customer, send a link: adding the app once more is one click.",
    ),
    Reason.REPLACED: Explained(
        "Replaced",
        "The customer connected another workspace after this one.",
        "Nothing: the newer connection stands.",
    ),
    Reason.DISCONNECTED: Explained(
        "Disconnected",
        "The customer was connected, and was disconnected again.",
        "To connect the customer again, send a new link.",
    ),
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

ACTIONS: Final[Mapping[Action, str]] = {
    Action.SIGNED_IN: "Signed in",
    Action.SIGN_IN_FAILED: "Sign-in failed",
    Action.SIGNED_OUT: "Signed out",
    Action.MINTED: "Created a link",
    Action.REVOKED: "Revoked a link",
    Action.RETRIED: "Retried an attempt",
    Action.CLAIMED: "Connected an unclaimed install",
    Action.RENAMED: "Renamed a connection",
    Action.VERIFIED: "Verified a connection",
    Action.CHECKED: "Checked a connection",
    Action.RECONNECT_MINTED: "Created a reconnect link",
    Action.DISCONNECTED: "Disconnected",
    Action.DESTINATION_SET: "Chose where notifications go",
    Action.DESTINATION_REMOVED: "Removed where notifications go",
    Action.TEST_SENT: "Sent a test message",
    Action.REDELIVERED: "Sent an event again",
    Action.RESUMED: "Resumed the sending of events",
    Action.PINGED: "Sent a ping",
    Action.EXPORTED: "Exported",
}

DESTINATIONS: Final[Mapping[str, str]] = {
    "choose": "Where the person chooses",
    "installer": "Direct messages to the person",
    "none": "Nowhere: my product creates the endpoint",
}
"""What a link may say, by its own word."""

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
    Outcome.NOT_ASKED: "Novu: the connection was kept. Fix what Slack names, then disconnect once more.",
    Outcome.FAILED: "Novu: the connection was not deleted ({detail}). Fix what it names, then disconnect once more.",
}
AT_NOVU_SO_FAR: Final[Mapping[Outcome, str]] = {
    Outcome.NOT_ASKED: "Novu: the connection is kept until the token is revoked. A worker goes on until it is.",
    Outcome.BUSY: "Novu: not deleted yet, because something else for this customer is under way. A worker goes on "
    "right after it.",
    Outcome.FAILED: "Novu: not deleted yet ({detail}). A worker goes on until it is.",
}
"""If a worker goes on."""
NOT_NOTED: Final = "PostgreSQL did not answer in the end: pages here may be wrong until a worker has put them right."

TRIES_AGAIN: Final = "Nothing: the service keeps trying for a day, at growing intervals. Retry tries at once."
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
RETRIED: Final[Mapping[Status, str]] = {
    Status.CONNECTED: "Retried: connected.",
    Status.GRANTED: "Retried: not there yet. The service keeps trying.",
    Status.FAILED: "Retried: it failed again. {happened}",
}
RETRIED_ALL: Final = "{number} will be delivered again in the next seconds."
NOT_RETRIED: Final = "There is nothing to retry: {why}."
RENAMED: Final = "Renamed to {name}."
UNCLAIMED: Final = "Somebody added the app to {where} in Slack without a link. It belongs to no customer yet."
UNCLAIMED_TODO: Final = (
    "Nothing: the person finishes with any link of yours in the same browser, within seven days. If you know whose it "
    "is, connect it below."
)
CLAIMED: Final = "Given to {who}: {state}."
NOT_CLAIMED: Final = "It was not connected: somebody else was faster, or its time is over."
WITHOUT_LINK: Final = "somebody without a link"
NAME_MISSING: Final = "A name needs at least one character."
SEND_NEW_LINK: Final = (
    "Ask the customer how they got there. If their link was cut off, has expired or was revoked, create a new one "
    "under Links; if cookies are blocked, another browser helps."
)
LINK_READY: Final = "The link is ready. Copy it and send it to the customer."
REVOKED: Final = "The link was revoked: it answers that it is no longer valid."
NOVU_SILENT: Final = "Novu does not answer ({message}). Everything but the connections goes on without it."
NOVU_REFUSED: Final = "Novu refused: {status}, {message}."
CONNECTION_GONE: Final = "Neither Novu nor this service knows a connection of this identifier."
BAD_FILTERS: Final = "Some filters make no sense, so nothing is shown."
SEARCH_TOO_LONG: Final = "A search takes at most 200 characters."
NO_WORKERS: Final = "Nothing is delivered after the first try. Start “python -m onboarding.worker”."
OLDEST_DUE: Final = "The oldest was due {ago}."
OLDEST_UNDELIVERED: Final = "The oldest attempt on its way to Novu was started {ago}."
WORK: Final[Mapping[str, str]] = {
    "deliver": "Delivery to Novu",
    "destination": "Telling Novu where notifications go",
    "disconnect": "Disconnecting a customer",
    "webhook": "Telling your product of an event",
    "check": "Checking a connection",
    "revoke": "Revoking what nobody claimed",
    "expire": "Marking attempts as expired",
    "forget": "Deleting old records",
}
WORK_FOR: Final[Mapping[str, str]] = {
    "deliver": "Delivery for {who}",
    "destination": "Where notifications for {who} go",
    "disconnect": "Disconnecting {who}",
    "check": "Checking the connection of {who}",
}
BROKE: Final = "started {tries} times and never finished: {error}."
NO_ERROR_NOTED: Final = "the worker ended before it could say why"
STUCK_TODO: Final = (
    "Look for “job failed” in the worker's log and fix what it, or the error below, names. Then press Retry on the "
    "attempt; other work is tried again by itself."
)


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
