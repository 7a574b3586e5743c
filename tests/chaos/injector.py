"""Turns faults of the plan into action, each at its time, and ends each when it has lasted long enough."""

from __future__ import annotations

import heapq
import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from onboarding.sandbox.novu import Novu
from tests.chaos.fleet import Fleet
from tests.chaos.plan import Fault
from tests.chaos.wire import Wire

MOST_CUTS: Final = 6
TICK: Final = 0.02
TERMINATE: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'slack-onboarding'"
"""End every session of the service, whatever it is in the middle of."""

Action: TypeAlias = Callable[[], None]


class Injector:
    """Everything happens in the thread that calls `drive`, apart from the traps on a wire."""

    def __init__(self, fleet: Fleet, slack: Wire, novu: Wire, state: Novu) -> None:
        self._fleet = fleet
        self._wires = {"slack": slack, "novu": novu}
        self._novu = state
        self._ends: list[tuple[float, int, Action]] = []
        self._order = itertools.count()
        self.injected: Counter[str] = Counter()

    def drive(self, faults: Iterator[Fault], is_over: Callable[[], bool]) -> None:
        """Inject until it is over, then end whatever still lasts.

        The plan's clock stands still while something is done to a server, so that faults of one lane never overlap.
        """
        began, upcoming = time.monotonic(), next(faults, None)
        while not is_over():
            now = time.monotonic()
            while upcoming and upcoming.at <= now - began:
                self._end_until(upcoming.at)
                self._begin(upcoming)
                upcoming = next(faults, None)
            self._end_until(now - began)
            began += time.monotonic() - now
            self._fleet.supervise()
            time.sleep(TICK)
        self._end_until(float("inf"))

    def _begin(self, fault: Fault) -> None:
        self.injected[fault.kind] += 1
        if end := self._inject(fault):
            heapq.heappush(self._ends, (fault.at + fault.lasts, next(self._order), end))

    def _end_until(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            heapq.heappop(self._ends)[2]()

    def _inject(self, fault: Fault) -> Action | None:
        """Gives what ends the fault, where something has to."""
        place, _, what = fault.kind.partition("_")
        if place == "redis":
            return self._strike_redis(what)
        if place == "postgres":
            return self._strike_postgres(what)
        if what.startswith("killed"):
            return self._kill(place, what.removeprefix("killed"), fault.pick)
        if what.startswith("cut_"):
            return self._cut(place, what.removeprefix("cut_"), 1 + fault.pick % MOST_CUTS)
        return self._suffer(what, 1 + fault.pick % MOST_CUTS)

    def _kill(self, who: str, when: str, pick: int) -> Action | None:
        """One or all of the web's or the background workers: at once, or while an answer is on the wire."""
        kill = self._fleet.kill_webs if who.startswith("web") else self._fleet.kill_workers
        if when:
            return self._trap("slack" if when == "_after_redeem" else "novu", kill)
        kill(None if who.endswith("s") else pick)
        return None

    def _trap(self, place: str, action: Action) -> Action:
        self._wires[place].set_trap(action)
        return self._wires[place].mend

    def _cut(self, place: str, side: str, times: int) -> Action:
        self._wires[place].cut(side, times)
        return self._wires[place].mend

    def _suffer(self, failure: str, times: int) -> Action:
        """Those that strike by number do so a few times, the others for as long as the fault lasts."""
        lasting = failure in {"slow", "down", "rate_limited", "html"}
        self._novu.failures.turn(failure, None if lasting else times)
        return self._novu.failures.clear

    def _strike_redis(self, what: str) -> Action | None:
        match what:
            case "killed":
                self._fleet.kill_redis()
                return self._fleet.start_redis
            case "stopped":
                pid = self._fleet.redis.pid
                os.kill(pid, signal.SIGSTOP)
                return lambda: os.kill(pid, signal.SIGCONT)
            case "wiped":
                self._fleet.wipe_redis()
            case _:
                self._fleet.cut("redis", what.removeprefix("cut_"))
        return None

    def _strike_postgres(self, what: str) -> Action | None:
        postgres = self._fleet.postgres
        match what:
            case "killed":
                postgres.crash()
                return postgres.start
            case "stopped":
                postgres.pause()
                return postgres.resume
            case "restarted":
                postgres.restart()
            case "terminated":
                postgres.do(TERMINATE)
            case "read_only":
                postgres.set_read_only(True)
                return lambda: postgres.set_read_only(False)
            case _:
                self._fleet.cut("postgres", what.removeprefix("cut_"))
        return None
