"""The pages before Slack, and the words on every page."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from onboarding.web.pages.messages.message import BACK, OPEN_AGAIN, QUIET_CONTACT, Action, Button, Message

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
LANDING_FOR_ONE: Final = replace(
    LANDING,
    body=(
        "{product} will post notifications to {expected}. No other workspace can be connected with this link. You can "
        "disconnect at any time.",
    ),
)
"""For a link that names its workspace."""
THAT_WORKSPACE: Final = "the workspace this link is for"
FOR_ANOTHER: Final = "This link is for another workspace, and for that one only."
ADD_TO_SLACK: Final = ("Add to", "Slack")
ADD_TO_SLACK_AGAIN: Final = "again"
ASK_AN_ADMIN: Final = "Your workspace may ask an admin to approve; come back to this same link afterwards."
PERMISSIONS_HEADING: Final = "What it can do, and why"
LINK_LIFE: Final = ("This link works for another", ".")
WRONG_ACCOUNT: Final = (
    "Not the right account?",
    "Just close this page: nothing has been connected. Then ask {product} for a link for the right account.",
)
USE_ANOTHER: Final = "Use another workspace"
USE_THAT: Final = "Connect that workspace"
SET_UP: Final = "Slack set-up"
SUPPORT_CODE: Final = "Support code"
PRIVACY: Final = "Privacy policy"
MARKS: Final = {
    "good": ("✓", "Connected"),
    "wait": ("…", "In progress"),
    "stop": ("!", "Not finished"),
    "lost": ("!", "Disconnected"),
}
FOR_LINK_MAKERS: Final = "For whoever makes these links"
FOR_YOUR_ADMIN: Final = "A message for your admin"
COPIED: Final = "Copied."
COPY_BY_HAND: Final = "Press Ctrl+C or ⌘C to copy."
BROKEN: Final = Message(
    "Slack disconnected {account}",
    ("{product} can no longer post to {workspace}, since {date}: {why}. Adding it again puts that right.",),
    primary=Button(Action.TRY_AGAIN, "Add to Slack again", OPEN_AGAIN),
    quiet=Button(Action.BACK, "Back to {product}"),
    tone="lost",
)
BROKEN_BECAUSE: Final = {
    "app_uninstalled": "the app was removed from the workspace",
    "token_revoked": "its access was revoked",
    "account_inactive": "the app was removed, or its account was switched off",
    "token_expired": "its access has run out",
}
BROKEN_SOMEHOW: Final = "Slack no longer accepts its access"
ALREADY_CONNECTED: Final = Message(
    "{account} is connected to {workspace}",
    ("Since {date}.",),
    primary=BACK,
    tone="good",
)

TO_ADMIN: Final = (
    "Hello! I would like to connect {product} to our Slack workspace, so that it can post notifications there. "
    "Slack says that an admin has to approve the app first. Could you approve {product} under “Manage apps”?"
)
TO_ADMIN_LINK: Final = "Once it is approved, anybody with this link can finish in one click, until {date}:"
TO_ADMIN_THANKS: Final = "Thank you!"
