"""What a run will do, drawn from its seed: who installs, and which fault strikes when."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

SHARING: Final = 0.2
"""The part of the installs that come in pairs and compete for the connection of one subscriber."""
REPEATING: Final = 0.1
"""The part whose browser sends the callback several times at once."""
REMOVING: Final = 0.15
"""The part whose workspace removes the app afterwards; half of them install it again."""
RELOADING: Final = 0.3
"""The part that reloads a callback that broke before opening the link again."""


@dataclass(frozen=True, slots=True)
class Install:
    number: int
    subscriber: str
    returns: int
    reloads: bool
    removes: bool = False
    """Whether the app is removed from the workspace afterwards."""
    comes_back: bool = False
    """Whether it is installed again after that."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`pick` settles whatever else has to be chosen: which worker, how many times."""

    at: float
    kind: str
    lasts: float
    pick: int


@dataclass(frozen=True, slots=True)
class Lane:
    """Faults that follow each other. `gap` is the least and the most seconds between two; lanes overlap."""

    gap: tuple[float, float]
    kinds: dict[str, tuple[float, float]]
    """The least and the most seconds that each kind lasts."""


AT_ONCE: Final = (0.0, 0.0)
BRIEFLY: Final = (0.5, 2.0)
LANES: Final = {
    "processes": Lane(
        (0.8, 3.0),
        {
            "web_killed": AT_ONCE,
            "webs_killed": AT_ONCE,
            "webs_killed_after_redeem": BRIEFLY,
            "webs_killed_after_write_at_novu": BRIEFLY,
            "worker_killed": AT_ONCE,
            "workers_killed_after_write_at_novu": BRIEFLY,
        },
    ),
    "redis": Lane(
        (1.0, 3.0),
        {
            "redis_killed": (0.0, 1.0),
            "redis_stopped": (1.0, 3.0),
            "redis_wiped": AT_ONCE,
            "redis_cut_before": BRIEFLY,
            "redis_cut_after": BRIEFLY,
        },
    ),
    "postgres": Lane(
        (1.0, 3.0),
        {
            "postgres_killed": (0.0, 1.0),
            "postgres_stopped": (1.0, 3.0),
            "postgres_restarted": AT_ONCE,
            "postgres_terminated": AT_ONCE,
            "postgres_read_only": (0.2, 2.0),
            "postgres_cut_before": BRIEFLY,
            "postgres_cut_after": BRIEFLY,
        },
    ),
    "novu": Lane(
        (0.2, 1.2),
        {
            "novu_slow": (1.0, 6.0),
            "novu_down": (0.5, 6.0),
            "novu_rate_limited": (0.5, 6.0),
            "novu_html": (0.5, 4.0),
            "novu_error_after_commit": BRIEFLY,
            "novu_error_twice": BRIEFLY,
            "novu_truncated": BRIEFLY,
            "novu_in_progress": BRIEFLY,
            "novu_cut_before": BRIEFLY,
            "novu_cut_after": BRIEFLY,
        },
    ),
    "slack": Lane((1.0, 4.0), {"slack_cut_before": BRIEFLY, "slack_cut_after": BRIEFLY}),
}


def installs(seed: int, count: int) -> list[Install]:
    """Pairs stand next to each other, so that they run at the same time."""
    chance = random.Random(f"{seed} installs")
    planned: list[Install] = []
    while len(planned) < count:
        subscriber = f"chaos-{len(planned)}"
        owners = 2 if chance.random() < SHARING / (2 - SHARING) else 1
        planned += [_install(chance, len(planned) + index, subscriber) for index in range(owners)]
    return planned[:count]


def faults(seed: int) -> Iterator[Fault]:
    """Without end, in the order of time."""
    return heapq.merge(*(_faults(random.Random(f"{seed} {name}"), LANES[name]) for name in LANES), key=attrgetter("at"))


def _install(chance: random.Random, number: int, subscriber: str) -> Install:
    returns = chance.randint(2, 4) if chance.random() < REPEATING else 1
    reloads, removes = chance.random() < RELOADING, chance.random() < REMOVING
    return Install(number, subscriber, returns, reloads, removes, comes_back=removes and chance.random() < 0.5)


def _faults(chance: random.Random, lane: Lane) -> Iterator[Fault]:
    at = chance.uniform(0.2, lane.gap[0])
    while True:
        kind = chance.choice(list(lane.kinds))
        lasts = chance.uniform(*lane.kinds[kind])
        yield Fault(at, kind, lasts, chance.randrange(1000))
        at += lasts + chance.uniform(*lane.gap)
