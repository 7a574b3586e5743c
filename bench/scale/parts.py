"""How much of each part is in use at given rates: 1 is all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bench.scale.costs import REQUESTS, Costs
from bench.scale.scenario import A_CHECK, CHECKING, SENDING, SLACK_A_MINUTE, WEB_THREADS, Scenario, Setup

DISK_WRITES: Final = 3_000
"""A second: what the cheapest network volume of the large clouds is sold with (gp3 without extras)."""
DISK_BYTES: Final = 125e6
"""A second, of the same volume."""

WEB_CPU: Final = "web: CPU"
WEB_PLACES: Final = "web: threads"
WORKER_CPU: Final = "worker: CPU"
CHECK_PLACES: Final = "worker: places for checks"
EVENT_PLACES: Final = "worker: places for events"
POSTGRES_CPU: Final = "PostgreSQL: CPU"
POSTGRES_DISK: Final = "PostgreSQL: disk operations"
POSTGRES_WAL: Final = "PostgreSQL: WAL bytes"
REDIS_CPU: Final = "Redis: CPU"
SLACK: Final = "Slack: `oauth.v2.access`"
NOVU: Final = "Novu: requests"


def in_use(costs: Costs, setup: Setup, scenario: Scenario, rates: Mapping[str, float]) -> dict[str, float]:
    web_cpu = costs.of_all({kind: rates.get(kind, 0) for kind in REQUESTS}, "web_ms") / 1000
    return {
        WEB_CPU: web_cpu / setup.web,
        WEB_PLACES: (rates["callback"] * (scenario.slack_seconds + scenario.novu_seconds) + web_cpu)
        / (WEB_THREADS * setup.web),
        WORKER_CPU: costs.of_all(rates, "worker_ms") / 1000 / setup.workers + costs.idle("worker_ms") / 1000,
        CHECK_PLACES: rates["check"] * a_check(scenario) / (CHECKING * setup.workers),
        EVENT_PLACES: rates["event"] * scenario.host_seconds / (SENDING * setup.workers),
        POSTGRES_CPU: postgres_cores(costs, setup, rates) / setup.postgres_cores,
        POSTGRES_DISK: disk_operations(costs, rates) / DISK_WRITES,
        POSTGRES_WAL: costs.of_all(rates, "wal") / DISK_BYTES,
        REDIS_CPU: costs.of_all(rates, "redis_ms") / 1000,
        SLACK: rates["callback"] * 60 / (SLACK_A_MINUTE * setup.slack_apps),
        NOVU: costs.of_all(rates, "novu") / setup.novu,
    }


def postgres_cores(costs: Costs, setup: Setup, rates: Mapping[str, float]) -> float:
    """Cores that are busy; each worker looks for work all the time."""
    return (costs.of_all(rates, "postgres_ms") + costs.idle("postgres_ms") * setup.workers) / 1000


def cores(costs: Costs, setup: Setup, rates: Mapping[str, float]) -> float:
    """Cores that are busy in all processes together."""
    others = ("web_ms", "worker_ms", "redis_ms")
    return postgres_cores(costs, setup, rates) + sum(costs.of_all(rates, what) for what in others) / 1000


def disk_operations(costs: Costs, rates: Mapping[str, float]) -> float:
    """A second, at most: each write waits for the disk by itself; each page is read once, and written once later."""
    return costs.of_all(rates, "writes") + 2 * costs.of_all(rates, "pages")


def a_check(scenario: Scenario) -> float:
    """Seconds for which a check keeps its place."""
    return max(A_CHECK, scenario.novu_seconds + scenario.slack_seconds)
