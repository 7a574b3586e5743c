"""The smallest set-up that holds each step, from one small machine to a million installs a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bench.scale import days, parts, peak
from bench.scale.costs import Costs
from bench.scale.days import Days
from bench.scale.peak import Peak
from bench.scale.scenario import NOVU_PLANS, PEAK_AT, Outage, Scenario, Setup

STEPS: Final = (
    Scenario(1_000, 10_000),
    Scenario(10_000, 100_000),
    Scenario(100_000, 1_000_000),
    Scenario(300_000, 3_000_000),
    Scenario(1_000_000, 10_000_000),
)
MOST: Final[Mapping[str, float]] = {
    parts.WEB_CPU: 0.7,
    parts.WEB_PLACES: 0.7,
    parts.WORKER_CPU: 0.6,
    parts.CHECK_PLACES: 0.8,
    parts.EVENT_PLACES: 0.8,
    parts.POSTGRES_CPU: 0.6,
    parts.SLACK: 1.0,
    parts.NOVU: 0.8,
}
"""How much of each part may be in use in the busiest minute."""
LONGEST_WAIT: Final = 0.1
"""Seconds that the slowest callback of a hundred may wait for this service itself, in the busiest minute."""
DRAINED_IN: Final = 24 * 60
"""Minutes after Novu is back until nothing is overdue."""
NOVU_AWAY: Final = Outage(PEAK_AT - 120, 240, 10.0)
HOST_AWAY: Final = Outage(PEAK_AT - 30, 60, 15.0)
MOST_CORES: Final = 128


@dataclass(frozen=True, slots=True)
class Step:
    """What holds a scenario, and how it does in its busiest minute and without Novu for four hours."""

    scenario: Scenario
    setup: Setup
    use: Mapping[str, float]
    peak: Peak
    without_novu: Days


def climb(costs: Costs) -> list[Step]:
    return [find(costs, scenario) for scenario in STEPS]


def find(costs: Costs, scenario: Scenario) -> Step:
    """Begins with the least, and adds to what is short until nothing is."""
    setup = Setup(web=2, workers=1 if scenario.installs <= 1_000 else 2, postgres_cores=1, novu=NOVU_PLANS["Free"])
    while lacks := short(costs, setup, scenario):
        setup = _more(setup, lacks)
    while (seen := peak.simulate(costs, setup, scenario, scenario.busiest)).waited_p99 > LONGEST_WAIT or seen.refused:
        setup = replace(setup, web=setup.web + 1)
    away = replace(scenario, novu_away=NOVU_AWAY)
    while (found := days.simulate(costs, setup, away)) and is_late(found) and setup.workers < MOST_CORES:
        setup = replace(setup, workers=setup.workers + 1)
    use = parts.in_use(costs, setup, scenario, scenario.rates(scenario.busiest))
    return Step(scenario, setup, use, seen, found)


def is_late(found: Days) -> bool:
    back = NOVU_AWAY.begins + NOVU_AWAY.minutes
    return max(found.last_late["grants"], found.last_late["checks"]) > back + DRAINED_IN


def short(costs: Costs, setup: Setup, scenario: Scenario) -> list[str]:
    """The parts that are too full in the busiest minute."""
    use = parts.in_use(costs, setup, scenario, scenario.rates(scenario.busiest))
    return [part for part, most in MOST.items() if use[part] > most]


def _more(setup: Setup, lacks: list[str]) -> Setup:
    if lacks[0].startswith("web"):
        return replace(setup, web=setup.web + 1)
    if lacks[0].startswith("worker"):
        return replace(setup, workers=setup.workers + 1)
    if lacks[0] == parts.POSTGRES_CPU:
        return replace(setup, postgres_cores=setup.postgres_cores * 2)
    if lacks[0] == parts.SLACK:
        return replace(setup, slack_apps=setup.slack_apps + 1)
    return replace(setup, novu=min(plan for plan in NOVU_PLANS.values() if plan > setup.novu))
