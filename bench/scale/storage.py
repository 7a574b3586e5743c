"""What lies on PostgreSQL's disk in the long run. History lies in parts, one a month; a part goes when its last day is
old enough, so up to a month more than the retention is kept.
"""

from __future__ import annotations

from typing import Final

from bench.scale.costs import Costs
from bench.scale.scenario import Scenario

A_MONTH: Final = 31
KEPT: Final = {"attempt": 30, "attempt_context": 30, "event": 30, "audit": 90}
"""Days: the settings as they come."""
FOLDED: Final = {"tally", "worker", "problem"}
"""Stays small, however many installs there are."""
ABANDONED_DAYS: Final = 0.5
IN_USE_DAYS: Final = 2


def history(costs: Costs, scenario: Scenario) -> float:
    """Bytes, at the end of the longest month."""
    abandoned = (scenario.starts - 1) * ABANDONED_DAYS * scenario.installs * costs.bytes_in(["attempt"])
    return abandoned + sum(
        (days + A_MONTH) * _a_day(scenario, table) * costs.bytes_in([table]) for table, days in KEPT.items()
    )


def connections(costs: Costs, scenario: Scenario) -> float:
    """Bytes of what lives as long as the connections: they, their owners, their words for the search, their checks."""
    return scenario.connections * each_connection(costs)


def each_connection(costs: Costs) -> float:
    return costs.bytes_in(costs.tables - KEPT.keys() - FOLDED)


def in_use(costs: Costs, scenario: Scenario) -> float:
    """Bytes that should fit into memory: every connection is checked each day, in any order; and the newest history."""
    a_day = sum(_a_day(scenario, table) * costs.bytes_in([table]) for table in KEPT)
    return connections(costs, scenario) + IN_USE_DAYS * a_day


def _a_day(scenario: Scenario, table: str) -> float:
    """Installs or events."""
    return scenario.rates(scenario.installs / 86_400)["event"] * 86_400 if table == "event" else scenario.installs
