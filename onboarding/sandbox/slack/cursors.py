"""Pages of a list, by cursor. A page may be short, or empty, before the end; only the cursor tells."""

from __future__ import annotations

import base64
import re
from typing import Final

from onboarding.sandbox.slack.model import SlackError

USUAL: Final = 100
_CURSOR: Final = re.compile(r"team:([0-9]{1,9}):([0-9]{1,9})")


def limit_of(given: dict[str, str], most: int) -> int:
    text = given.get("limit") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 9) or int(text) > most:
        raise SlackError("invalid_limit")
    return int(text) or USUAL


def cut(total: int, limit: int, cursor: str, *, uneven: bool = False) -> tuple[range, str]:
    """The positions on this page, and the cursor of the next one, empty at the end."""
    start, page = _read(cursor) if cursor else (0, 0)
    if start > max(0, total - 1):
        raise SlackError("invalid_cursor")
    end = min(total, start + (_uneven(limit, page) if uneven else limit))
    return range(start, end), write(end, page + 1) if end < total else ""


def write(start: int, page: int) -> str:
    return base64.b64encode(f"team:{start}:{page}".encode()).decode()


def _uneven(limit: int, page: int) -> int:
    if page % 7 == 3:
        return 0
    return max(1, limit // 2) if page % 4 == 1 else limit


def _read(cursor: str) -> tuple[int, int]:
    try:
        text = base64.b64decode(cursor, validate=True).decode()
    except ValueError:
        text = ""
    if not (found := _CURSOR.fullmatch(text)):
        raise SlackError("invalid_cursor")
    return int(found[1]), int(found[2])
