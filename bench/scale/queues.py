"""Queues by events: servers with one line, and a web process, whose threads share one core and wait for others."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

PATIENCE: Final = 2.0
"""Seconds that a request waits for a thread before it gets 503."""
MOST_WAITING: Final = 64


def waits(arrivals: Iterable[float], services: Iterable[float], servers: int) -> list[float]:
    """How long each waits that comes to `servers` with one line: first come, first served."""
    free = [0.0] * servers
    found = []
    for arrival, service in zip(arrivals, services, strict=True):
        begins = max(arrival, heapq.heappop(free))
        heapq.heappush(free, begins + service)
        found.append(begins - arrival)
    return found


@dataclass(slots=True, eq=False)
class Request:
    """`stages` are seconds, by turns of CPU and of waiting for others, and begin with CPU."""

    kind: str
    arrived: float
    stages: Sequence[float]
    at_stage: int = 0
    since: float = 0.0
    waited: float = 0.0
    """For a thread and for the core."""
    ended: float = -1.0
    is_refused: bool = False


@dataclass(slots=True)
class Process:
    """Runs requests until all are answered or refused. Nothing but the core and the threads is short."""

    threads: int
    _events: list[tuple[float, int, Request, str]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _for_thread: deque[Request] = field(default_factory=deque)
    _for_core: deque[Request] = field(default_factory=deque)
    _busy: int = 0
    _core_is_free: bool = True

    def run(self, requests: Iterable[Request]) -> None:
        for request in requests:
            self._at(request.arrived, request, "arrives")
        while self._events:
            now, _, request, what = heapq.heappop(self._events)
            match what:
                case "arrives":
                    self._arrives(request, now)
                case "gives up":
                    self._gives_up(request)
                case _:
                    self._ends_stage(request, now)

    def _arrives(self, request: Request, now: float) -> None:
        request.since = now
        if self._busy < self.threads:
            self._busy += 1
            self._begin_stage(request, now)
        elif len(self._for_thread) < MOST_WAITING:
            self._for_thread.append(request)
            self._at(now + PATIENCE, request, "gives up")
        else:
            request.is_refused = True

    def _gives_up(self, request: Request) -> None:
        if request in self._for_thread:
            self._for_thread.remove(request)
            request.is_refused = True

    def _ends_stage(self, request: Request, now: float) -> None:
        if request.at_stage % 2 == 0:
            self._core_is_free = True
            if self._for_core:
                self._compute(self._for_core.popleft(), now)
        request.at_stage += 1
        if request.at_stage < len(request.stages):
            self._begin_stage(request, now)
        else:
            request.ended = now
            self._give_thread(now)

    def _give_thread(self, now: float) -> None:
        if self._for_thread:
            request = self._for_thread.popleft()
            request.waited += now - request.since
            self._begin_stage(request, now)
        else:
            self._busy -= 1

    def _begin_stage(self, request: Request, now: float) -> None:
        if request.at_stage % 2:
            self._at(now + request.stages[request.at_stage], request, "ends")
            return
        request.since = now
        if self._core_is_free:
            self._compute(request, now)
        else:
            self._for_core.append(request)

    def _compute(self, request: Request, now: float) -> None:
        self._core_is_free = False
        request.waited += now - request.since
        self._at(now + request.stages[request.at_stage], request, "ends")

    def _at(self, moment: float, request: Request, what: str) -> None:
        heapq.heappush(self._events, (moment, next(self._order), request, what))
