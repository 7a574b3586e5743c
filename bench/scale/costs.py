"""The measured costs, as `bench.costs` wrote them, and what a rate of each kind asks of each part."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.processes import ROOT

FILE: Final = ROOT / "bench" / "costs.json"
REQUESTS: Final = ("landing", "start", "callback", "outcome", "poll")
JOBS: Final = ("event", "check", "late")
COLD: Final = {"callback": "cold_install", "late": "cold_event", "event": "cold_event", "check": "cold_check"}
"""Where the WAL is counted as it is right after a checkpoint: in a large ledger, nearly every page is touched once in
between. That of an install's start is in its callback."""

Rates = Mapping[str, float]
"""So many of each kind a second."""


@dataclass(frozen=True, slots=True)
class Costs:
    measured: Mapping[str, Any]

    def of(self, kind: str, what: str) -> float:
        """Of one. What is within the noise of the measurement may be below zero."""
        if what in {"wal", "pages"} and kind in COLD:
            kind = COLD[kind]
        elif what in {"wal", "pages"} and kind == "start":
            return 0.0
        return max(0.0, float(self.measured[kind].get(what, 0)))

    def of_all(self, rates: Rates, what: str) -> float:
        """What so many of each kind take in a second."""
        return sum(rate * self.of(kind, what) for kind, rate in rates.items())

    def idle(self, what: str) -> float:
        """What one set-up of two web processes and a worker takes in a second in which nothing happens."""
        return max(0.0, float(self.measured["idle"].get(what, 0)))

    def bytes_in(self, tables: Iterable[str]) -> float:
        return sum(max(0.0, float(self.measured["bytes"].get(table, 0))) for table in tables)

    @property
    def tables(self) -> frozenset[str]:
        return frozenset(self.measured["bytes"])


def load(file: Path = FILE) -> Costs:
    return Costs(json.loads(file.read_text("utf-8")))
