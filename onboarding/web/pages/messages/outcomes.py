"""The pages for what became of an attempt."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from onboarding.model import Reason
from onboarding.web.pages.messages.message import (
    ADD_AGAIN,
    ADMIN_MESSAGE,
    ASK_SUPPORT,
    BACK,
    CONTACT,
    OPEN_AGAIN,
    QUIET_BACK,
    QUIET_CONTACT,
    RELOAD_PAGE,
    START_AGAIN,
    TRY_AGAIN,
    Action,
    Button,
    Message,
)

WAITING: Final = Message(
    "Waiting for your answer in Slack",
    ("Slack is asking whether {product} may post for {account}. Nothing was connected yet.",),
    primary=Button(Action.CHECK_AGAIN, "Check again"),
    quiet=Button(Action.TRY_AGAIN, "Start again"),
    tone="wait",
    polls=True,
)
CHECKING: Final = Message(
    "Checking Slack's answer",
    ("Usually a few seconds. This page shows the result as soon as it is there.",),
    primary=Button(Action.CHECK_AGAIN, "Check again"),
    tone="wait",
    polls=True,
)
FINISHING: Final = Message(
    "Slack approved. Finishing setup…",
    ("Usually a few seconds. You can leave; we keep going.",),
    primary=Button(Action.CHECK_AGAIN, "Check again"),
    quiet=QUIET_BACK,
    tone="wait",
    polls=True,
)
STILL_FINISHING: Final = replace(
    FINISHING, body=("Taking longer than usual. We keep trying for 24 hours; you can close this page.",)
)
CONNECTED: Final = Message(
    "{workspace} is connected",
    ("Back in {product}, choose which notifications to send.",),
    primary=BACK,
    quiet=Button(Action.OPEN_SLACK, "Open Slack"),
    tone="good",
)
CONNECTED_ORGANISATION: Final = Message(
    "{workspace} is connected",
    ("Slack approved this for the whole organisation. Choose the workspaces it may be used in.",),
    primary=Button(Action.ADD_TO_WORKSPACES, "Choose workspaces in Slack"),
    quiet=QUIET_BACK,
    tone="good",
)
CONNECTED_UNRECORDED: Final = Message(
    "{workspace} is connected",
    ("We are still writing that down. Open this page again in a minute to see what comes next.",),
    primary=RELOAD_PAGE,
    tone="good",
)

UNUSED: Final = (
    "The approval that you have just given in Slack was not used: this attempt was over before. What this page says "
    "still holds. To use another workspace, open your connect link and start again."
)
ENDED: Final = Message(
    "{workspace} is no longer connected",
    (
        "{account} was connected, and was disconnected again. To connect again, open your connect link; if it no "
        "longer works, ask {product} for a new one.",
    ),
    primary=BACK,
    quiet=QUIET_CONTACT,
)
ENDED_BEFORE: Final = Message(
    "{account} was disconnected after this",
    (
        "This approval is no longer used. To connect, open your connect link; if it no longer works, ask {product} for "
        "a new one.",
    ),
    primary=BACK,
    quiet=QUIET_CONTACT,
)
TIMED_OUT: Final = Message(
    "This took too long",
    ("Nothing was connected. The link still works.",),
    primary=START_AGAIN,
    quiet=QUIET_BACK,
    tone="stop",
)
INTERRUPTED: Final = Message(
    "This took too long",
    ("We were interrupted before we knew Slack's answer. Starting again is safe: nothing can be connected twice.",),
    primary=START_AGAIN,
    quiet=QUIET_BACK,
    tone="stop",
)

OUTCOMES: Final[dict[Reason, Message]] = {
    Reason.DENIED_BY_PERSON: Message(
        "Nothing was connected",
        ("You chose Cancel in Slack. No changes were made.",),
        primary=TRY_AGAIN,
        quiet=QUIET_BACK,
    ),
    Reason.NOT_PERMITTED: Message(
        "Your Slack admin has to approve this first",
        (
            "Nothing was connected yet. If Slack asked you to send a request, you did the right thing.",
            "When it's approved, you or anybody else with this link finishes in one click; it works until {date}. We "
            "can't see the request: Slack doesn't tell apps.",
        ),
        primary=Button(Action.TRY_AGAIN, "It's approved: continue", OPEN_AGAIN),
        quiet=ADMIN_MESSAGE,
        tone="wait",
    ),
    Reason.APPROVAL_NOT_GIVEN: Message(
        "This link has expired",
        (
            "Nothing was connected: nobody finished before the link expired. If your admin has approved the app by "
            "now, ask {product} for a new link.",
        ),
        primary=QUIET_CONTACT,
        quiet=QUIET_BACK,
    ),
    Reason.DISCONNECTED: ENDED,
    Reason.REPLACED: Message(
        "Another workspace took its place",
        ("{account} was connected to {workspace}, and to another workspace after that. The newer one counts.",),
        primary=BACK,
        quiet=QUIET_CONTACT,
    ),
    Reason.SLACK_REFUSED: Message(
        "Slack stopped before the end",
        ("Nothing was connected, and you did nothing wrong. Trying again is safe.",),
        primary=TRY_AGAIN,
        quiet=Button(Action.CONTACT, "Contact support", ASK_SUPPORT),
        tone="stop",
    ),
    Reason.CODE_REFUSED: Message(
        "Slack did not accept this approval",
        ("Nothing was connected. The approval was too old or had been used before; your link is still good.",),
        primary=START_AGAIN,
        quiet=QUIET_CONTACT,
        tone="stop",
    ),
    Reason.SLACK_MISCONFIGURED: Message(
        "We could not finish",
        ("Nothing was connected. You did nothing wrong: our set-up with Slack needs to be fixed by our team.",),
        primary=CONTACT,
        tone="stop",
    ),
    Reason.SLACK_UNAVAILABLE: Message(
        "Slack did not answer",
        ("Nothing was connected. Your link is still good.",),
        primary=TRY_AGAIN,
        quiet=QUIET_BACK,
        tone="stop",
    ),
    Reason.WORKSPACE_POLICY: Message(
        "{workspace} does not allow this",
        ("Nothing was connected. {policy} An owner or admin of the workspace can change it.",),
        primary=ADMIN_MESSAGE,
        quiet=QUIET_BACK,
        tone="stop",
    ),
    Reason.NO_BOT_TOKEN: Message(
        "One permission is missing",
        ("Nothing was connected. Slack did not give {product} the permission to post by itself.",),
        primary=ADD_AGAIN,
        quiet=QUIET_BACK,
        tone="stop",
    ),
    Reason.WRONG_WORKSPACE: Message(
        "That was a different workspace",
        (
            "This link is for {expected}; you chose {workspace}. Nothing was connected.",
            "Try again, and choose {expected} at the top of Slack's page. If it is not in that list, sign in to it in "
            "this browser first.",
        ),
        primary=TRY_AGAIN,
        quiet=QUIET_BACK,
        tone="stop",
    ),
    Reason.SCOPES_MISSING: Message(
        "One permission is missing",
        ("Nothing was connected. {product} needs this, and Slack did not give it:",),
        primary=ADD_AGAIN,
        quiet=QUIET_BACK,
        tone="stop",
    ),
    Reason.SUPERSEDED: Message(
        "A newer approval took its place",
        ("{account} was connected again after this.",),
        primary=BACK,
    ),
    Reason.GRANT_LOST: Message(
        "We could not finish",
        ("Slack said yes, but we can no longer use that approval. Please add to Slack again; that is safe.",),
        primary=ADD_AGAIN,
        quiet=QUIET_CONTACT,
        tone="stop",
    ),
}
KEPT_SAFE: Final = Message(
    "We could not finish",
    ("Slack said yes and your approval is kept safe; our team has to fix something. There is no need to do it again.",),
    primary=CONTACT,
    quiet=QUIET_BACK,
    tone="stop",
)

SEVERAL_MISSING: Final = "Some permissions are missing"

ORG_WIDE_POLICY: Final = "The app is already installed for the whole organisation."
POLICIES: Final = {
    "cannot_install_an_org_installed_app": ORG_WIDE_POLICY,
    "enterprise_is_restricted": "Its organisation does not let this workspace install apps.",
    "ekm_access_denied": "Its administrators have suspended apps for now.",
    "org_login_required": "The workspace is being moved into an organisation; try again when that is done.",
    "team_access_not_granted": "Its organisation has not given the app access to this workspace.",
    "two_factor_setup_required": "It asks for two-factor authentication, which is not set up yet.",
    "user_email_unverified": "Slack first wants the e-mail address of your account confirmed.",
    "account_inactive": "The Slack account is no longer active.",
    "invalid_auth": "It only accepts apps from addresses on its list.",
}
ANY_POLICY: Final = "Slack says that its rules do not permit the app."
