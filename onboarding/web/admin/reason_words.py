"""Why attempts end, for operators: in short, what happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from onboarding.model import Reason


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
        "Needs approval",
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
        "The attempt's last error is Novu's own. Fix what it names, then press Retry.",
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
        "If you know the customer, send a link: adding the app again is one click.",
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
