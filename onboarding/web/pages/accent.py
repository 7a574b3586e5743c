"""The product's colour, made to read in both themes and delivered as a stylesheet: a page has no inline style."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Final

from onboarding.settings.colors import BLACK, WHITE, contrast

LIGHT: Final = ("#ffffff", "#f6f6f8")
"""A card and the page behind it, as in tokens.css."""
DARK: Final = ("#1c1c21", "#131316")
STANDS_OUT: Final = 3.0
READS: Final = 4.5
READS_WELL: Final = 7.0
"""At night a link that only just reads looks switched off."""


@cache
def stylesheet(color: str) -> str:
    dark = _until(STANDS_OUT, color, WHITE, DARK)
    by_day = _properties(color, _until(READS, color, BLACK, LIGHT))
    by_night = _properties(dark, _until(READS_WELL, dark, WHITE, DARK))
    return f":root {{ {by_day} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {by_night} }} }}\n"


def name(color: str | None) -> str:
    """What the stylesheet of a colour is called: other colours, or another release, have another. Empty if none."""
    return hashlib.sha256(stylesheet(color).encode()).hexdigest()[:16] if color else ""


def _properties(accent: str, link: str) -> str:
    on_accent = WHITE if contrast(WHITE, accent) >= READS else BLACK
    return f"--accent: {accent}; --on-accent: {on_accent}; --link: {link};"


def _until(least: float, color: str, other: str, pages: Iterable[str]) -> str:
    """The colour, mixed with as little of another as makes it stand out from the pages."""
    mixed = (_mix(color, other, percent) for percent in range(101))
    return next(each for each in mixed if all(contrast(each, page) >= least for page in pages))


def _mix(color: str, other: str, percent: int) -> str:
    pairs = ((int(color[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(one + (two - one) * percent / 100):02x}" for one, two in pairs)
