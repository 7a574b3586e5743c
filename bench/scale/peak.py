"""How long callbacks take in a busy minute: one of the web processes, request by request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.scale import parts
from bench.scale.chance import Chance
from bench.scale.costs import REQUESTS, Costs
from bench.scale.queues import Process, Request
from bench.scale.scenario import WEB_THREADS, Scenario, Setup

CALLBACKS: Final = 2_000
LONGEST: Final = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Peak:
    """Seconds: what a callback waits for this service itself, and how long it takes as a whole."""

    waited_p50: float
    waited_p99: float
    took_p50: float
    took_p99: float
    refused: float
    """The share that got 503."""


def simulate(costs: Costs, setup: Setup, scenario: Scenario, installs: float, seed: int = 1) -> Peak:
    """At so many installs a second, which spread evenly over the processes."""
    rates = scenario.rates(installs)
    busy = min(0.95, parts.in_use(costs, setup, scenario, rates)[parts.POSTGRES_CPU])
    here = {kind: rates[kind] / setup.web for kind in REQUESTS}
    seconds, chance = min(CALLBACKS / here["callback"], LONGEST), Chance(seed)
    requests = [
        Request(kind, moment, _stages(costs, scenario, kind, busy, chance))
        for kind, rate in here.items()
        for moment in _moments(rate, seconds, chance)
    ]
    Process(WEB_THREADS).run(requests)
    return _summary([request for request in requests if request.kind == "callback"])


def _moments(rate: float, seconds: float, chance: Chance) -> Iterator[float]:
    moment = chance.wait(1 / rate)
    while moment < seconds:
        yield moment
        moment += chance.wait(1 / rate)


def _stages(costs: Costs, scenario: Scenario, kind: str, busy: float, chance: Chance) -> list[float]:
    """CPU in equal parts around what is waited for. PostgreSQL takes longer the busier it is."""
    away = [costs.of(kind, "postgres_ms") / 1000 / (1 - busy)]
    if kind == "callback":
        away += [chance.around(scenario.slack_seconds), chance.around(scenario.novu_seconds)]
    cpu = costs.of(kind, "web_ms") / 1000 / (len(away) + 1)
    return [cpu, *(second for each in away for second in (each, cpu))]


def _summary(callbacks: list[Request]) -> Peak:
    served = [request for request in callbacks if not request.is_refused]
    waited = sorted(request.waited for request in served)
    took = sorted(request.ended - request.arrived for request in served)
    refused = 1 - len(served) / max(1, len(callbacks))
    return Peak(_at(waited, 0.5), _at(waited, 0.99), _at(took, 0.5), _at(took, 0.99), refused)


def _at(values: list[float], share: float) -> float:
    return values[int(len(values) * share)] if values else 0.0
