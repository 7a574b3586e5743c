"""The pages for people who added the app in Slack without a link, and for what they brought along."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from onboarding.model import Reason
from onboarding.web.pages.messages.message import (
    ADD_AGAIN,
    ADMIN_MESSAGE,
    CONTACT,
    QUIET_CONTACT,
    TO_ATTEMPT,
    Action,
    Button,
    Message,
)
from onboarding.web.pages.messages.outcomes import OUTCOMES, TIMED_OUT

HOME_DIRECT: Final = Message(
    "Connect {product} to Slack",
    (
        "{product} posts notifications into the Slack workspace you choose.",
        "Add it to Slack, then open {product} and connect your account in its Slack settings.",
    ),
    quiet=QUIET_CONTACT,
)
ADD_PRODUCT: Final = "Add {product} to Slack"
ASK_AN_ADMIN_HERE: Final = "Your workspace may ask an admin to approve; come back to this page afterwards."

HOW_TO: Final = Button(Action.CONTACT, "How to connect")
UNCLAIMED: Final = Message(
    "{product} was added to {workspace}",
    (
        "One more step: open {product}, go to its Slack settings and connect; this browser will be recognised for "
        "{left}.",
    ),
    primary=HOW_TO,
    tone="wait",
)
UNCLAIMED_ELSEWHERE: Final = replace(
    UNCLAIMED,
    body=(
        "One more step: open {product}, go to its Slack settings and connect. The browser that added it will be "
        "recognised for {left}.",
    ),
)
CLAIM_PAGE: Final = Message(
    "Connect {workspace} to {account}?", ("You added {product} to {workspace} in Slack {ago}. One click finishes it.",)
)
CLAIM: Final = "Connect {workspace}"
REPLACES: Final = "{account} is connected to {current} now; {workspace} takes its place."

START_OVER: Final = Button(Action.TRY_AGAIN, "Start again")
WITHOUT_LINK: Final[dict[Reason, Message]] = {
    Reason.TIMED_OUT: replace(
        TIMED_OUT, body=("Nothing was connected. You can start again at any time.",), primary=START_OVER
    ),
    Reason.NOT_PERMITTED: Message(
        "Your Slack admin has to approve this first",
        (
            "Nothing was connected yet. If Slack asked you to send a request, you did the right thing.",
            "When it's approved, add {product} to Slack again. We can't see the request: Slack doesn't tell apps.",
        ),
        primary=Button(Action.TRY_AGAIN, "It's approved: continue"),
        quiet=ADMIN_MESSAGE,
        tone="wait",
    ),
    Reason.APPROVAL_NOT_GIVEN: Message(
        "Nobody approved this in time",
        ("Nothing was connected. If your admin has approved the app by now, start again.",),
        primary=START_OVER,
        quiet=QUIET_CONTACT,
    ),
    Reason.CODE_REFUSED: replace(
        OUTCOMES[Reason.CODE_REFUSED],
        body=("Nothing was connected. The approval was too old or had been used before.",),
        primary=START_OVER,
    ),
    Reason.SLACK_UNAVAILABLE: replace(
        OUTCOMES[Reason.SLACK_UNAVAILABLE], body=("Nothing was connected. Trying again is safe.",)
    ),
    Reason.NOT_CLAIMED: Message(
        "This was not finished in time",
        (
            "{product} was added to {workspace}, and nobody connected it to an account within 7 days. Nothing is "
            "connected. You can add it again.",
        ),
        primary=ADD_AGAIN,
        quiet=QUIET_CONTACT,
        tone="stop",
    ),
}
"""Where the words for an attempt with a link would speak of the link."""

GRANT_LOST_DIRECT: Final = replace(
    OUTCOMES[Reason.GRANT_LOST], primary=Button(Action.HOME, "Start again"), quiet=QUIET_CONTACT
)
OPEN_LINK: Final = Button(Action.TRY_AGAIN, "Open your connect link")
NOT_CLAIMABLE: Final = Message(
    "This can no longer be connected here",
    ("It was connected before, or it waited for too long. Nothing was changed now.",),
    primary=OPEN_LINK,
    quiet=TO_ATTEMPT,
    tone="stop",
)
OTHER_WORKSPACE: Final = Message(
    "That is a different workspace",
    (
        "This link is for {expected}; you added {product} to {workspace}. Nothing was connected.",
        "Open your connect link, and choose {expected} at the top of Slack's page.",
    ),
    primary=OPEN_LINK,
    quiet=QUIET_CONTACT,
    tone="stop",
)
TOO_MANY_INSTALLS: Final = Message(
    "Please wait a little",
    ("This was started many times from your network in a short while. Nothing was changed; try again in {wait}.",),
    primary=Button(Action.RELOAD, "Try again"),
    quiet=CONTACT,
    tone="stop",
)
