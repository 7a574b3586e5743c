"""What a page is made of, and the buttons that many pages share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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
    CHOOSE = "choose"
    SEND_TO_ME = "send_to_me"
    TEST = "test"
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
    also: Button | None = None
    tone: str = "info"
    polls: bool = False


OPEN_AGAIN: Final = "To try again, open your connect link again."
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
RELOAD_PAGE: Final = Button(Action.RELOAD, "Open this page again")
TO_ATTEMPT: Final = Button(Action.CHECK_AGAIN, "Back to your connection")
