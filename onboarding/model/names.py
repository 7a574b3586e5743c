"""Names that somebody else chose, made fit to be shown."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST_NAME: Final = 80
DIRECTIONS: Final = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS: Final = "\u200e\u200f\u061c"


def clean_name(name: str) -> str:
    """A name that stays on its line and is not too long."""
    short = one_line(name)
    return short if len(short) <= LONGEST_NAME else f"{short[: LONGEST_NAME - 1].rstrip()}…"


def one_line(text: str) -> str:
    """Text that stays on its line: no control and direction characters, no runs of spaces. Empty if nothing shows."""
    line = " ".join("".join(filter(_is_harmless, text)).split())
    return line if any(map(_shows, line)) else ""


def _shows(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS"


def _is_harmless(character: str) -> bool:
    if character.isspace():
        return True
    if unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"}:
        return False
    return unicodedata.bidirectional(character) not in DIRECTIONS and character not in MARKS
