"""The background worker: `python -m onboarding.worker`. Does the work that is due, until told to stop."""

from __future__ import annotations

import math
import os
import random
import secrets
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

from onboarding.flows.check import Silence
from onboarding.ledger.attempts import MOST_AT_ONCE
from onboarding.ledger.work import HEARTBEAT, Job, Kind
from onboarding.model.errors import ConfigError, StoreUnavailable
from onboarding.settings import environment, log
from onboarding.settings.log import LOGGER
from onboarding.wiring import Background, Ledger, wire_background

THREADS: Final = 12
MOST: Final = {
    Kind.DELIVER: THREADS,
    Kind.DESTINATION: 2,
    Kind.DISCONNECT: 2,
    Kind.WEBHOOK: 4,
    Kind.CHECK: 4,
    Kind.REVOKE: 1,
    Kind.EXPIRE: 1,
    Kind.FORGET: 1,
}
"""How many jobs of each kind run at once, so that none takes the threads of another."""
CHECK_SECONDS: Final = 0.5
"""A check keeps its place for at least so long: Slack and Novu put up with eight a second."""
LOOK_EVERY: Final = (0.8, 1.2)
EXPIRE_EVERY: Final = timedelta(seconds=5)
FORGET_EVERY: Final = timedelta(minutes=1)
FORGET_MORE: Final = timedelta(seconds=1)
REBUILD_EVERY: Final = 60.0

Do = Callable[[Job], timedelta | None]
"""Does a job. Gives the time after which it is due again, or None if it has seen to that itself."""


def main() -> int:
    try:
        settings = environment.load(os.environ)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    log.configure(settings.log_level, as_json=settings.is_https)
    made = wire_background(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    LOGGER.info("worker started")
    Worker(made.ledger, kinds(made), settings.check_interval, made.notify.crowded).run(stop)
    made.spans.close()
    LOGGER.info("worker stopped")
    return 0


def kinds(made: Background) -> dict[Kind, Do]:
    """What there is to do, and who does it."""

    def deliver(job: Job) -> None:
        if not made.delivery.deliver(job.subject):
            made.ledger.work.done(job)

    return {
        Kind.DELIVER: deliver,
        Kind.DESTINATION: lambda job: _until_done(made.ledger, job, made.choosing.finish(job.subject, job.take)),
        Kind.DISCONNECT: lambda job: _until_done(made.ledger, job, made.upkeep.finish(job.subject)),
        Kind.WEBHOOK: lambda job: _again(made.ledger, job, made.notify.deliver(job.subject)),
        Kind.CHECK: lambda job: _unhurried(lambda: _check(made, job)),
        Kind.REVOKE: lambda job: _until_done(made.ledger, job, made.claims.let_go(job.subject)),
        Kind.EXPIRE: lambda _: _expire(made.ledger),
        Kind.FORGET: lambda _: _forget(made.ledger),
    }


class Worker:
    """One loop that takes what is due, and threads that do it."""

    def __init__(
        self, ledger: Ledger, do: Mapping[Kind, Do], check_interval: timedelta, crowded: Callable[[], Sequence[str]]
    ) -> None:
        self._ledger = ledger
        self._crowded = crowded
        self._do = do
        self._check_interval = check_interval
        self._id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._running: Counter[Kind] = Counter()
        self._ended = 0
        self._changed = threading.Condition()
        self._beat_at = self._rebuilt_at = -math.inf

    def run(self, stop: threading.Event) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            while not stop.is_set():
                ended = self._ended
                self._look(pool)
                self._wait(stop, ended)
        self._leave()

    def _look(self, pool: ThreadPoolExecutor) -> None:
        """Take what is due and start it."""
        free = {kind: MOST[kind] - self._running[kind] for kind in self._do if self._running[kind] < MOST[kind]}
        left = THREADS - self._running.total()
        if left <= 0:
            return
        try:
            self._beat()
            jobs = self._ledger.work.take(free, left, self._crowded())
        except StoreUnavailable as error:
            LOGGER.error("no look for work error=%s", error)
            return
        for job in jobs:
            with self._changed:
                self._running[job.kind] += 1
            pool.submit(self._run, job)

    def _wait(self, stop: threading.Event, ended: int) -> None:
        """Until the next look: about a second, or until a job ends, because its place is free and more may be due."""
        span = random.uniform(*LOOK_EVERY)  # noqa: S311 (workers spread their looks)
        with self._changed:
            if self._running.total() or self._ended != ended:
                self._changed.wait_for(lambda: self._ended != ended, span)
                return
        stop.wait(span)

    def _run(self, job: Job) -> None:
        try:
            if after := self._do[job.kind](job):
                self._ledger.work.again(job, after)
        except StoreUnavailable as error:
            # The job is due again when its lease ends.
            LOGGER.error("job interrupted kind=%s subject=%s error=%s", job.kind, job.subject, error)
        except Exception as error:  # noqa: BLE001 (one job may not end the worker)
            LOGGER.exception("job failed kind=%s subject=%s tries=%d", job.kind, job.subject, job.tries)
            self._note_failure(job, error)
        finally:
            with self._changed:
                self._running[job.kind] -= 1
                self._ended += 1
                self._changed.notify()

    def _note_failure(self, job: Job, error: Exception) -> None:
        try:
            self._ledger.work.failed(job, type(error).__name__)
        except StoreUnavailable as unavailable:
            LOGGER.error("failure not noted kind=%s subject=%s error=%s", job.kind, job.subject, unavailable)

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._rebuilt_at > REBUILD_EVERY:
            if missing := self._ledger.work.rebuild(self._check_interval):
                LOGGER.info("work made anew number=%d", missing)
            self._rebuilt_at = now
        if now - self._beat_at > HEARTBEAT.total_seconds():
            self._ledger.work.beat(self._id)
            self._beat_at = now

    def _leave(self) -> None:
        try:
            self._ledger.work.leave(self._id)
        except StoreUnavailable:
            LOGGER.warning("worker left without a word")


def _until_done(ledger: Ledger, job: Job, obstacle: str) -> None:
    """Forget a job that came to its end; one that met an obstacle is due again, later each time."""
    if obstacle:
        LOGGER.warning("job postponed kind=%s subject=%s error=%s", job.kind, job.subject, obstacle)
        ledger.work.later(job, obstacle)
    else:
        ledger.work.done(job)


def _check(made: Background, job: Job) -> timedelta | None:
    try:
        return _again(made.ledger, job, made.check.run_due(job.subject))
    except Silence as silence:
        LOGGER.warning("connection not checked owner=%s error=%s", job.subject, silence)
        made.ledger.work.later(job, str(silence), silence.wait)
        return None


def _unhurried(check: Callable[[], timedelta | None]) -> timedelta | None:
    until = time.monotonic() + CHECK_SECONDS
    try:
        return check()
    finally:
        time.sleep(max(0.0, until - time.monotonic()))


def _again(ledger: Ledger, job: Job, after: timedelta | None) -> timedelta | None:
    if after is None:
        ledger.work.done(job)
    return after


def _expire(ledger: Ledger) -> timedelta:
    ledger.attempts.expire()
    return EXPIRE_EVERY


def _forget(ledger: Ledger) -> timedelta:
    """Delete what nobody looks at any more: a bounded part of it, and the rest soon."""
    ledger.months.make()
    ledger.lists.fold_tally()
    parts = (
        ledger.attempts.erase_grants,
        ledger.attempts.forget,
        ledger.links.forget,
        ledger.audit.forget,
        ledger.months.forget,
        ledger.findings.forget,
    )
    most = max(part() for part in parts)
    ledger.problems.forget()
    return FORGET_EVERY if most < MOST_AT_ONCE else FORGET_MORE


if __name__ == "__main__":
    sys.exit(main())
