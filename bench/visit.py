"""One visit to one app: start it, warm it up, let people install in three windows, look at its memory.

Between visits nothing of an app runs but its stores, so that no app disturbs another and none shares memory with it.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import processes, service
from bench.apps import App
from bench.load import Crowd, Timing
from bench.remote import Remote
from bench.service import Service

SLOW: Final = 0.2
"""Seconds until Slack and Novu answer when they are far away."""

Sample = dict[str, float]
"""What one visit found, by the names in `bench.measures`."""


class MissedInstalls(Exception):
    """The app answered as it should, but Slack and Novu did not see one redemption and one connection per install."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`installs` in each window; `at_once` of them at any moment, and `calm` of them where waiting times count."""

    installs: int
    at_once: int
    calm: int


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds so far of everybody who takes part, and what Slack and Novu counted so far."""

    cpu: dict[str, float]
    counts: Counter[str]


def visit(app: App, remote: Remote, plan: Plan, folder: Path) -> Sample:
    remote.delay(SLOW)
    with service.running(app, remote, folder) as running:
        _warm_up(running, plan)
        window = Window(running, remote, plan.installs)
        calm = window.measure(plan.calm)
        slow = window.measure(plan.at_once)
        remote.delay(0)
        fast = window.measure(plan.at_once)
        pages = window.measure_pages(plan.at_once) if app.journey.has_pages else {}
        windows = {"calm": calm, "slow": slow, "fast": fast}
        return {
            "cold_start": running.cold_start,
            **{f"{name}_{key}": value for name, found in windows.items() for key, value in found.items()},
            **pages,
            **_memory(running),
        }


def _warm_up(running: Service, plan: Plan) -> None:
    """Twice as many people as threads, so that every thread of every process opens the connections it will use."""
    running.wait_until_idle()
    crowd = Crowd(running.app.journey, running.port, 2 * plan.at_once)
    people = crowd.gather(2 * plan.at_once)
    crowd.land(people)
    crowd.install(people)


@dataclass(frozen=True, slots=True)
class Window:
    """A number of installs in a row, with a reading before and after it."""

    running: Service
    remote: Remote
    installs: int

    def measure(self, at_once: int) -> Sample:
        crowd = self._crowd(at_once)
        people = crowd.gather(self.installs)
        crowd.land(people)
        before = self._read()
        timing = crowd.install(people)
        after = self._read()
        counts = after.counts - before.counts
        self._check(counts)
        return {**self._cpu(before, after), **self._traffic(counts), **_times(timing)}

    def measure_pages(self, at_once: int) -> Sample:
        """The pages before and after an install, which `measure` leaves out."""
        crowd = self._crowd(at_once)
        people = crowd.gather(self.installs)
        at_first = self._read()
        crowd.land(people)
        landed = self._read()
        crowd.install(people)
        installed = self._read()
        crowd.see_outcomes(people)
        at_last = self._read()
        landing, outcome = self._cpu(at_first, landed), self._cpu(installed, at_last)
        return {"landing": landing["cpu_web"], "outcome": outcome["cpu_web"]}

    def _crowd(self, at_once: int) -> Crowd:
        return Crowd(self.running.app.journey, self.running.port, at_once)

    def _read(self) -> Reading:
        self.running.wait_until_idle()
        pids = {"web": self.running.web_pid, "remote": self.remote.pid}
        pids |= {name: store.pid for name, store in self.running.app.stores.items()}
        if self.running.worker_pid:
            pids["worker"] = self.running.worker_pid
        cpu = {name: processes.cpu_seconds(pid) for name, pid in pids.items()}
        return Reading({**cpu, "load": time.process_time()}, self.remote.counts())

    def _cpu(self, before: Reading, after: Reading) -> Sample:
        """Milliseconds per install."""
        used = {name: (after.cpu[name] - before.cpu[name]) / self.installs * 1000 for name in after.cpu}
        used["all"] = used["web"] + used.get("worker", 0)
        return {f"cpu_{name}": value for name, value in used.items()}

    def _traffic(self, counts: Counter[str]) -> Sample:
        requests = counts.total() - counts["connections"]
        return {"connections": counts["connections"] / self.installs, "requests": requests / self.installs}

    def _check(self, counts: Counter[str]) -> None:
        redeemed, stored = counts["POST /api/oauth.v2.access"], counts["POST /v1/channel-connections"]
        if (redeemed, stored) != (self.installs, self.installs):
            raise MissedInstalls(f"{self.installs} installs, {redeemed} redemptions, {stored} connections")


def _times(timing: Timing) -> Sample:
    return {
        "rate": len(timing.callbacks) / timing.seconds,
        "callback_p50": statistics.median(timing.callbacks) * 1000,
        "callback_p99": _percentile_99(timing.callbacks) * 1000,
    }


def _percentile_99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def _memory(running: Service) -> Sample:
    """Megabytes."""
    web = processes.memory_bytes(running.web_pid) / 1e6
    worker = processes.memory_bytes(running.worker_pid) / 1e6 if running.worker_pid else 0
    return {"memory_web": web, "memory": web + worker}
