"""What mail programs, chats and people put around the token of an install link, taken off again."""

from __future__ import annotations

import re
from typing import Final

SOFT_BREAK: Final = re.compile(r"=\r?\n")
"""How quoted-printable mail breaks a long line."""
BLANK: Final = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff]+")
TOKEN: Final = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z0-9_-]")
SHORT: Final = r"[A-Za-z0-9_-]{22}"
LONG: Final = r"\.?[A-Za-z0-9][A-Za-z0-9_-]*\.[A-Za-z0-9_-]{6}"
"""A payload, which begins with a dot if it is compressed, and the moment of signing."""
SIGNED: Final = re.compile(rf"[._-]*?((?:{SHORT}|{LONG})\.[A-Za-z0-9_-]{{27}})[._-]*")
"""Dots, hyphens and underscores may stand around it, although tokens have them too."""


def readings(token: str) -> list[str]:
    """What the token may be, likeliest first. Whether it is one, only its signature tells."""
    text = SOFT_BREAK.sub("", token)
    found = [match[0] for part in (BLANK.sub("", text), *BLANK.split(text)) if (match := TOKEN.search(part))]
    shaped = [match[1] for each in found if (match := SIGNED.fullmatch(each))]
    return list(dict.fromkeys([*found[:1], *shaped, *(each.lstrip(".") for each in shaped)])) or [token]
