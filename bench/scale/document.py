"""docs/scale.md: its tables lie between two comments each, and are written from the costs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bench.processes import ROOT

FILE: Final = ROOT / "docs" / "scale.md"
TABLE: Final = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def tables(text: str) -> dict[str, str]:
    return {found[2]: found[0].removeprefix(found[1]).removesuffix(f"\n{found[3]}") for found in TABLE.finditer(text)}


def filled(text: str, made: Mapping[str, str]) -> str:
    return TABLE.sub(lambda found: f"{found[1]}{made[found[2]]}\n{found[3]}", text)
