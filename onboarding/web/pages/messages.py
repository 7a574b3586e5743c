"""Every word that people read. `{product}`, `{account}` and `{workspace}` are filled in, safely, by `pages`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from onboarding.model import Attempt, Reason, Status


class Action(StrEnum):
    """What a button does. A page leaves out what it has no address for."""

    TRY_AGAIN = "try_again"
    BACK = "back"
    OPEN_SLACK = "open_slack"
    ADD_TO_WORKSPACES = "add_to_workspaces"
    CHECK_AGAIN = "check_again"
    RELOAD = "reload"
    CONTACT = "contact"
    ADMIN_MESSAGE = "admin_message"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Button:
    action: Action
    label: str
    otherwise: str = ""
    """Said instead if the button has no address."""


@dataclass(frozen=True, slots=True)
class Message:
    """One page: the result, why, one thing to do and one quiet alternative. `tone` picks its mark."""

    heading: str
    body: tuple[str, ...]
    primary: Button | None = None
    quiet: Button | None = None
    tone: str = "info"
    polls: bool = False


OPEN_AGAIN: Final = "To try again, open your connect link once more."
CLOSE_PAGE: Final = "You can close this page."
ASK_SUPPORT: Final = "Please tell the support of {product}, with the code below."

BACK: Final = Button(Action.BACK, "Back to {product}", CLOSE_PAGE)
QUIET_BACK: Final = Button(Action.BACK, "Back to {product}")
TRY_AGAIN: Final = Button(Action.TRY_AGAIN, "Try again", OPEN_AGAIN)
START_AGAIN: Final = Button(Action.TRY_AGAIN, "Start again", OPEN_AGAIN)
ADD_AGAIN: Final = Button(Action.TRY_AGAIN, "Add to Slack again", OPEN_AGAIN)
CONTACT: Final = Button(Action.CONTACT, "Contact support", ASK_SUPPORT)
QUIET_CONTACT: Final = Button(Action.CONTACT, "Contact support")
ADMIN_MESSAGE: Final = Button(Action.ADMIN_MESSAGE, "Copy a message for your admin")
HOME: Final = Button(Action.HOME, "How to get a link")
RELOAD: Final = Button(Action.RELOAD, "Try again")

HOME_PAGE: Final = Message(
    "Connect Slack with a link from {product}",
    (
        "This service lets {product} post notifications into your Slack workspace.",
        "It works with a personal connect link. Nothing can be started from this page: please open the link that "
        "{product} gave you, or ask for one.",
    ),
    quiet=QUIET_CONTACT,
)

LANDING: Final = Message(
    "Connect {account} to Slack",
    ("{product} will post notifications to the Slack workspace you choose. You can disconnect at any time.",),
)
ADD_TO_SLACK: Final = ("Add to", "Slack")
ASK_AN_ADMIN: Final = "Your workspace may ask an admin to approve; come back to this same link afterwards."
PERMISSIONS_HEADING: Final = "What it can do, and why"
LINK_LIFE: Final = ("This link works for another", ".")
WRONG_ACCOUNT: Final = (
    "Not the right account?",
    "Just close this page: nothing has been connected. Then ask {product} for a link for the right account.",
)
RECONNECT: Final = "Reconnect or use another workspace"
SET_UP: Final = "Slack set-up"
SUPPORT_CODE: Final = "Support code"
MARKS: Final = {"good": ("✓", "Connected"), "wait": ("…", "In progress"), "stop": ("!", "Not finished")}
FOR_LINK_MAKERS: Final = "For whoever makes these links"
FOR_YOUR_ADMIN: Final = "A message for your admin"
COPIED: Final = "Copied."
COPY_BY_HAND: Final = "Press Ctrl+C or ⌘C to copy."

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
    ("Usually a few seconds. This page turns into the result by itself.",),
    primary=Button(Action.CHECK_AGAIN, "Check again"),
    tone="wait",
    polls=True,
)
FINISHING: Final = Message(
    "Slack said yes. Finishing set-up",
    ("Usually a few seconds. You can leave; we keep going.",),
    primary=Button(Action.CHECK_AGAIN, "Check again"),
    quiet=QUIET_BACK,
    tone="wait",
    polls=True,
)
CONNECTED: Final = Message(
    "{workspace} is connected",
    ("Notifications for {account} will arrive in Slack.",),
    primary=BACK,
    quiet=Button(Action.OPEN_SLACK, "Open Slack"),
    tone="good",
)
CONNECTED_ORGANISATION: Final = Message(
    "{workspace} is connected",
    (
        "Slack approved this for the whole organisation. Choose the workspaces it may be used in; notifications for "
        "{account} arrive there.",
    ),
    primary=Button(Action.ADD_TO_WORKSPACES, "Choose workspaces in Slack"),
    quiet=QUIET_BACK,
    tone="good",
)
ENDED: Final = Message(
    "{workspace} is no longer connected",
    ("{account} was connected, and was disconnected again. To connect once more, ask {product} for a new link.",),
    primary=BACK,
    quiet=QUIET_CONTACT,
)
ENDED_BEFORE: Final = Message(
    "{account} was disconnected after this",
    ("This approval is no longer used. To connect, ask {product} for a new link.",),
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
    Reason.SCOPES_MISSING: Message(
        "One permission is missing",
        ("Nothing was connected. These permissions were not given, and {product} needs them:",),
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

ALREADY_CONNECTED: Final = Message(
    "{account} is connected to {workspace}",
    ("Since {date}. There is nothing to do.",),
    primary=BACK,
    tone="good",
)

FORGED_LINK: Final = Message(
    "We don't know this link",
    (
        "It may have been cut off when it was copied. Nothing was changed.",
        "Please open the link from where you got it, or ask {product} for a new one.",
    ),
    quiet=QUIET_CONTACT,
)
MALFORMED_LINK: Final = Message(
    "This link was made with a mistake",
    ("You did nothing wrong, and nothing was changed. Please ask {product} for a new link.",),
    primary=QUIET_CONTACT,
)
EXPIRED_LINK: Final = Message(
    "This link has expired",
    ("Links work for {life}. Nothing was changed. Ask {product} for a new one.",),
    primary=QUIET_CONTACT,
)
REVOKED_LINK: Final = Message(
    "This link is no longer valid",
    ("It was withdrawn. Nothing was changed. If you still want to connect Slack, ask {product} for a new one.",),
    primary=QUIET_CONTACT,
)
OTHER_BROWSER: Final = Message(
    "Please finish where you started",
    (
        "For your safety the last step has to happen in the same browser. Nothing was connected, and the attempt in "
        "the other browser can still be finished.",
        "To start again here, open your connect link in this browser.",
    ),
    tone="stop",
)
NO_STATE: Final = Message(
    "Let's start from the right place",
    ("Slack sent you here without a connect link. Nothing was connected.",),
    primary=HOME,
)
UNKNOWN_STATE: Final = Message(
    "Let's start from the right place",
    ("We are not waiting for this answer from Slack. Nothing was connected. Please open your connect link again.",),
    primary=HOME,
)
INCOMPLETE_RETURN: Final = Message(
    "Let's start from the right place",
    ("Slack's answer arrived incomplete. Nothing was connected. Please open your connect link again.",),
    primary=HOME,
)
NO_CSRF: Final = Message(
    "Please press the button once more",
    (
        "We could not tell that the click was yours; cookies may be switched off, or the page was open for long. "
        "Nothing was changed.",
    ),
    primary=Button(Action.RELOAD, "Open the page again"),
)
TOO_MANY_STARTS: Final = Message(
    "Please wait a little",
    ("This link was used many times in a short while. Nothing was changed; it works again in {wait}.",),
    primary=RELOAD,
    tone="stop",
)
STORE_UNAVAILABLE: Final = Message(
    "We are having trouble",
    ("Nothing was changed. Your link is still good.",),
    primary=RELOAD,
    tone="stop",
)
NOT_FOUND: Final = Message(
    "There is nothing here",
    ("The address may be wrong, or what was here is gone by now. Nothing was changed.",),
    primary=HOME,
)
REQUEST_REFUSED: Final = Message(
    "We did not understand that",
    ("Your browser asked for something we do not offer. Nothing was changed.",),
    primary=HOME,
)
UNEXPECTED: Final = Message(
    "Something went wrong on our side",
    ("You did nothing wrong. Your link is still good, and opening it again is safe.",),
    primary=CONTACT,
    tone="stop",
)

TO_ADMIN: Final = (
    "Hello! I would like to connect {product} to our Slack workspace, so that it can post notifications there. "
    "Slack says that an admin has to approve the app first. Could you approve {product} under “Manage apps”?"
)
TO_ADMIN_LINK: Final = "Once it is approved, anybody with this link can finish in one click:"
TO_ADMIN_THANKS: Final = "Thank you!"

PERMISSIONS: Final = {
    "chat:write": ("Post messages", "to deliver your notifications"),
    "chat:write.public": (
        "Post in public channels without being invited",
        "so that you can pick any of them",
    ),
    "chat:write.customize": ("Post under a name of its own", "so that you see what a message is about"),
    "channels:read": ("See the list of public channels", "to let you choose where notifications go"),
    "channels:join": ("Join public channels", "to post where you want notifications"),
    "groups:read": ("See private channels it was added to", "to let you choose where notifications go"),
    "im:write": ("Start direct messages", "to send a notification to one person"),
    "im:read": ("See its own direct messages", "to send a notification to one person"),
    "users:read": ("See who is in the workspace", "to let you choose who gets notifications"),
    "users:read.email": ("See e-mail addresses", "to match people with their accounts here"),
    "team:read": ("See the name of the workspace", "to show you where you are connected"),
    "incoming-webhook": ("Post to one channel that you choose", "to deliver your notifications"),
    "commands": ("Add slash commands", "to let you steer notifications from Slack"),
    "files:write": ("Upload files", "to attach them to notifications"),
}


def outcome(attempt: Attempt) -> Message:
    """The page for an attempt as it stands."""
    match attempt.status:
        case Status.STARTED:
            return CHECKING if attempt.is_claimed else WAITING
        case Status.GRANTED:
            return FINISHING
        case Status.CONNECTED if attempt.reason is None:
            is_organisation = attempt.workspace is not None and attempt.workspace.is_organisation
            return CONNECTED_ORGANISATION if is_organisation else CONNECTED
        case Status.EXPIRED if attempt.reason is Reason.TIMED_OUT:
            return INTERRUPTED if attempt.is_claimed else TIMED_OUT
        case _:
            return _ended(attempt)


def _ended(attempt: Attempt) -> Message:
    """Every refusal of Novu's reads the same: what matters to people is whether their approval is still there."""
    if attempt.was_fenced:
        return ENDED_BEFORE
    if attempt.reason in OUTCOMES:
        return OUTCOMES[attempt.reason]
    return KEPT_SAFE if attempt.has_grant else OUTCOMES[Reason.GRANT_LOST]
