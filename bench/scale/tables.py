"""The tables of docs/scale.md, from the costs alone: the same costs give the same tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from bench.scale import days, parts, storage
from bench.scale.costs import Costs
from bench.scale.ladder import HOST_AWAY, MOST, NOVU_AWAY, Step
from bench.scale.markdown import after, table, two_digits
from bench.scale.scenario import NOVU_PLANS, WEB_THREADS, Scenario, Setup
from onboarding.ledger.postgres import POOL_SIZE
from onboarding.model import STATE_LIFETIME

KINDS: Final = {
    "landing": "Landing page",
    "start": "Start: the click",
    "callback": "Callback",
    "outcome": "Outcome page",
    "event": "Event to your product",
    "late": "Delivery by a worker, after Novu was away",
    "check": "Check of a connection",
    "poll": "Status poll of the embedded button",
}
INSTALL: Final = ("landing", "start", "callback", "outcome", "event")
TOGETHER: Final = "An install in all (the first five)"
COLUMNS: Final[Mapping[str, Callable[[float], str]]] = {
    "web_ms": lambda value: f"{value:.1f}",
    "worker_ms": lambda value: f"{value:.1f}",
    "postgres_ms": lambda value: f"{value:.1f}",
    "statements": lambda value: f"{value:.1f}",
    "rows_written": lambda value: f"{value:.0f}",
    "warm": lambda value: f"{value / 1000:.1f}",
    "wal": lambda value: f"{value / 1000:.0f}",
    "redis_commands": lambda value: f"{value:.0f}",
    "redis_bytes": lambda value: f"{value:.0f}",
    "redis_ms": lambda value: f"{value:.2f}",
    "slack": lambda value: f"{value:.0f}",
    "novu": lambda value: f"{value:.0f}",
}
HEADS: Final = (
    "One",
    "Web, CPU ms",
    "Worker, CPU ms",
    "PostgreSQL, CPU ms",
    "Statements",
    "Rows written",
    "WAL, kB",
    "WAL after a checkpoint, kB",
    "Redis commands",
    "Redis bytes",
    "Redis, CPU ms",
    "Calls to Slack",
    "Calls to Novu",
)
SMALL: Final = Setup(web=2, workers=1, postgres_cores=2, novu=NOVU_PLANS["Team"])
SMALL_CORES: Final = 2
ALL_TOGETHER: Final = "CPU, with everything on two cores"
CONNECTIONS: Final = 10
"""For each install a day, so many are connected already: as on the ladder."""


def all_of(costs: Costs, steps: Sequence[Step]) -> dict[str, str]:
    return {
        "measured": where(costs),
        "costs": per_kind(costs),
        "full": first_full(costs),
        "ladder": of_steps(steps),
        "stores": stores(costs, steps),
        "outages": outages(costs, steps),
    }


def where(costs: Costs) -> str:
    """A paragraph: on what it was measured, and what does not fit into the table."""
    machine, agreement = costs.measured["machine"], costs.measured["agreement"]
    ratios = ", ".join(f"{name.removesuffix('_ms')} {found['ratio']:.2f}" for name, found in agreement.items())
    return (
        f"Measured on {machine['cores']} cores of a shared virtual {machine['cpu']} (load {machine['load']} with the "
        f"other work on it) with Python {machine['python']}, PostgreSQL {machine['postgresql']} and Valkey "
        f"{machine['redis']} on Unix sockets, fsync on, TLS to a local Slack, Novu and host, over a ledger of "
        f"{costs.measured['installs_before']:,} installs. All at once took so many times the sum of its parts: "
        f"{ratios}. {_room(costs)}"
    )


def _room(costs: Costs) -> str:
    memory = costs.measured["memory"]
    attempt, event, connection = (
        size / 1000
        for size in (
            costs.bytes_in(["attempt", "attempt_context"]),
            costs.bytes_in(["event"]),
            storage.each_connection(costs),
        )
    )
    return (
        f"A state in flight takes {costs.of('start', 'redis_memory'):.0f} bytes of Redis, two web processes "
        f"{memory['web'] / 1e6:.0f} MB, a worker {memory['worker'] / 1e6:.0f} MB. On disk, with indexes, an install "
        f"leaves {attempt:.1f} kB of attempt, {event:.1f} kB of event and, as long as it lives, {connection:.1f} kB of "
        "connection."
    )


def per_kind(costs: Costs) -> str:
    rows = [[words, *_cells(costs, (kind,))] for kind, words in KINDS.items()]
    return table(HEADS, [*rows, [TOGETHER, *_cells(costs, INSTALL)]])


def first_full(costs: Costs) -> str:
    """At how many installs a day each part of the smallest set-up has no more to give, in the busiest minute."""
    one = Scenario(1.0, CONNECTIONS)
    idle = parts.in_use(costs, SMALL, one, dict.fromkeys(one.rates(0), 0.0))
    use = parts.in_use(costs, SMALL, one, one.rates(one.busiest))
    full = {part: (1 - idle[part]) / (use[part] - idle[part]) for part in use if use[part] > idle[part]}
    at_rest = parts.cores(costs, SMALL, {})
    full[ALL_TOGETHER] = (SMALL_CORES - at_rest) / (parts.cores(costs, SMALL, one.rates(one.busiest)) - at_rest)
    rows = [[part, f"{two_digits(number):,}"] for part, number in sorted(full.items(), key=lambda each: each[1])]
    return table(("Part", "Full at installs a day"), rows)


def of_steps(steps: Sequence[Step]) -> str:
    heads: tuple[str, ...] = ("Installs a day", "Connections", "Installs a second, busiest minute", "Web processes")
    heads += ("Workers", "PostgreSQL cores", "Connections to PostgreSQL, at most", "Novu's plan", "Slack apps")
    heads += ("Callback waits for us, p50 / p99", "Fullest part")
    return table(heads, [_step(step) for step in steps])


def _step(step: Step) -> list[str]:
    fullest, share = max(((part, step.use[part] / most) for part, most in MOST.items()), key=lambda each: each[1])
    plan = next(name for name, limit in NOVU_PLANS.items() if limit == step.setup.novu)
    waits = f"{step.peak.waited_p50 * 1000:.0f} / {step.peak.waited_p99 * 1000:.0f} ms"
    return [
        *(f"{step.scenario.installs:,.0f}", f"{step.scenario.connections:,.0f}", f"{step.scenario.busiest:.2g}"),
        *(str(step.setup.web), str(step.setup.workers), str(step.setup.postgres_cores)),
        *(str(POOL_SIZE * (step.setup.web + step.setup.workers)), plan),
        *(str(step.setup.slack_apps), waits, f"{fullest}, {share * MOST[fullest]:.0%}"),
    ]


def stores(costs: Costs, steps: Sequence[Step]) -> str:
    heads: tuple[str, ...] = (
        "Installs a day",
        "Statements a second",
        "Disk operations a second",
        "WAL, MB a second",
        "WAL, GB a day",
    )
    heads += ("History, GB", "Connections, GB", "Memory for what is in use, GB", "Redis commands a second")
    heads += ("Redis memory, MB",)
    return table(heads, [_stores(costs, step) for step in steps])


def _stores(costs: Costs, step: Step) -> list[str]:
    scenario = step.scenario
    rates, mean = scenario.rates(scenario.busiest), scenario.rates(scenario.installs / 86_400)
    states = rates["start"] * STATE_LIFETIME.total_seconds() * costs.of("start", "redis_memory")
    polls = rates["poll"] * 60 * costs.of("poll", "redis_memory")
    return [
        f"{scenario.installs:,.0f}",
        f"{two_digits(costs.of_all(rates, 'statements') + costs.idle('statements') * step.setup.workers):,}",
        f"{two_digits(parts.disk_operations(costs, rates)):,}",
        f"{two_digits(costs.of_all(rates, 'wal') / 1e6):g}",
        f"{two_digits(costs.of_all(mean, 'wal') * 86_400 / 1e9):g}",
        f"{two_digits(storage.history(costs, scenario) / 1e9):g}",
        f"{two_digits(storage.connections(costs, scenario) / 1e9):g}",
        f"{two_digits(storage.in_use(costs, scenario) / 1e9):g}",
        f"{two_digits(costs.of_all(rates, 'redis_commands')):,}",
        f"{two_digits((states + polls) / 1e6):g}",
    ]


def outages(costs: Costs, steps: Sequence[Step]) -> str:
    heads: tuple[str, ...] = (
        "Installs a day",
        "Callbacks that find no thread",
        "Web processes for all",
        "Grants that wait",
    )
    heads += ("All delivered after", "Checks overdue until", "Events that wait", "All told after")
    return table(heads, [_outage(costs, step) for step in steps])


def _outage(costs: Costs, step: Step) -> list[str]:
    novu, host = step.without_novu, days.simulate(costs, step.setup, replace(step.scenario, host_away=HOST_AWAY))
    away = replace(step.scenario, novu_away=NOVU_AWAY)
    waiting = days.threads_for(step.scenario.busiest, away, novu_is_away=True)
    novu_back, host_back = (away.begins + away.minutes for away in (NOVU_AWAY, HOST_AWAY))
    return [
        f"{step.scenario.installs:,.0f}",
        f"{novu.without_thread / novu.without_novu:.0%}",
        str(max(2, math.ceil(waiting / WEB_THREADS))),
        f"{two_digits(novu.most_waiting['grants']):,}",
        after(novu.backlogs["grants"].last_retried, novu_back),
        after(novu.last_late["checks"], novu_back),
        f"{two_digits(host.most_waiting['events']):,}",
        after(max(host.backlogs["events"].last_retried, host.last_late["events"]), host_back),
    ]


def _cells(costs: Costs, kinds: Iterable[str]) -> list[str]:
    return [write(sum(_of(costs, kind, what) for kind in kinds)) for what, write in COLUMNS.items()]


def _of(costs: Costs, kind: str, what: str) -> float:
    """`warm` is WAL without the pages that a checkpoint adds."""
    return max(0.0, costs.measured[kind]["wal"]) if what == "warm" else costs.of(kind, what)
