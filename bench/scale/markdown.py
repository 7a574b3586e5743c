"""How numbers and tables are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def after(minute: int, back: int) -> str:
    """How long after whoever was away is back."""
    late = max(0, minute - back)
    return f"{late} min" if late < 120 else f"{late / 60:.1f} h"


def two_digits(value: float) -> int | float:
    rounded = float(f"{value:.2g}")
    return int(rounded) if rounded >= 10 or rounded == 0 else rounded


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
