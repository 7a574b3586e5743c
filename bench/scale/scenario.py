"""What is asked of the service: installs and connections, how the day goes, what is away; and what serves it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from onboarding.ledger.work import Kind
from onboarding.web import server
from onboarding.worker import CHECK_SECONDS, MOST, THREADS

MINUTES: Final = 24 * 60
PEAK_AT: Final = 15 * 60
"""The minute of the day at which most people install."""
WEB_THREADS: Final = server.threads
WORKER_THREADS: Final = THREADS
SENDING: Final = MOST[Kind.WEBHOOK]
CHECKING: Final = MOST[Kind.CHECK]
A_CHECK: Final = CHECK_SECONDS
SLACK_A_MINUTE: Final = 600
"""https://docs.slack.dev/reference/methods/oauth.v2.access; read here as: for one app."""
NOVU_PLANS: Final = {"Free": 20, "Pro": 80, "Team": 200, "Enterprise": 2000}
"""Requests a second to Novu's configuration endpoints. https://docs.novu.co/api-reference/rate-limiting"""


@dataclass(frozen=True, slots=True)
class Outage:
    """From a minute of the first day on. What is asked meanwhile takes `seconds` to fail."""

    begins: int
    minutes: int
    seconds: float

    def covers(self, minute: int) -> bool:
        return self.begins <= minute < self.begins + self.minutes


NONE: Final = Outage(0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`installs` are those that come to their end in a day; the numbers below say what comes with each of them."""

    installs: float
    connections: float
    check_every: float = 86_400.0
    landings: float = 1.5
    starts: float = 1.25
    polls: float = 6.0
    events: float = 1.0
    broken: float = 0.02
    """Of the connections, in a month: an event each, and another one when it heals."""
    peak: float = 3.0
    """The busiest hour beside the average one."""
    burst: float = 2.0
    """Ten minutes at the peak beside the peak: somebody writes to all customers."""
    slack_seconds: float = 0.25
    novu_seconds: float = 0.25
    host_seconds: float = 0.15
    novu_away: Outage = NONE
    host_away: Outage = NONE

    def installs_a_second(self, minute: int) -> float:
        rate = self.installs / 86_400 * _shape(self.peak)[minute % MINUTES]
        return rate * self.burst if 0 <= minute - PEAK_AT < 10 else rate

    @property
    def busiest(self) -> float:
        """Installs a second in the busiest minute."""
        return self.installs_a_second(PEAK_AT)

    @property
    def checks_a_second(self) -> float:
        return self.connections / self.check_every

    @property
    def breaks_a_second(self) -> float:
        return self.connections * self.broken / 30 / 86_400

    def rates(self, installs: float) -> dict[str, float]:
        """Of everything, in a second with so many installs. Breaks and recoveries are as many at night."""
        return {
            "landing": installs * self.landings,
            "start": installs * self.starts,
            "callback": installs,
            "outcome": installs,
            "poll": installs * self.polls,
            "event": installs * self.events + 2 * self.breaks_a_second,
            "check": self.checks_a_second,
        }


@dataclass(frozen=True, slots=True)
class Setup:
    """`web` and `workers` are processes, each with a core to itself; `novu` is in requests a second."""

    web: int
    workers: int
    postgres_cores: int
    novu: float
    slack_apps: int = 1


@cache
def _shape(peak: float) -> Sequence[float]:
    """A day that is quiet at night and `peak` times its average at its busiest, minute by minute."""
    low, high = 0.0, 50.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if max(_bell(middle)) < peak else (low, middle)
    return _bell(low)


def _bell(sharpness: float) -> Sequence[float]:
    angles = [2 * math.pi * (minute - PEAK_AT) / MINUTES for minute in range(MINUTES)]
    heights = [math.exp(sharpness * (math.cos(angle) - 1)) for angle in angles]
    mean = sum(heights) / MINUTES
    return [height / mean for height in heights]
