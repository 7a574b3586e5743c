"""What mail programs, chats and people put around the token of an install link, taken off again."""

from __future__ import annotations

import re
from typing import Final

SOFT_BREAK: Final = re.compile(r"=\r?\n")
"""How quoted-printable mail breaks a long line."""
BLANK: Final = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff]+")
TOKEN: Final = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z0-9_-]")


def clean(token: str) -> str:
    """The token alone: a good one is not changed, and a bad one does not become good."""
    joined = BLANK.sub("", SOFT_BREAK.sub("", token))
    found = TOKEN.search(joined)
    return found[0] if found else token
