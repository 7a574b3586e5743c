"""The pages for everything else that can go wrong."""

from __future__ import annotations

from typing import Final

from onboarding.web.pages.messages.message import CONTACT, HOME, QUIET_CONTACT, RELOAD, Action, Button, Message

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
    ("Links work for {life} at most. Nothing was changed. Ask {product} for a new one.",),
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
        "If you never changed browsers, yours does not keep cookies, or the link was opened under another address. "
        "Allow cookies for this site, then open your connect link in this browser to start again.",
    ),
    primary=HOME,
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
    "Please press the button again",
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
OVERLOADED: Final = Message(
    "We are very busy",
    ("Nothing was changed. Your link is still good. Please try again in a few seconds.",),
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
