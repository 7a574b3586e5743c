"""Is all well: Slack and Novu asked at most once a minute, the queue at every look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from onboarding.attempts import Lists
from onboarding.checkup import Checkup
from onboarding.errors import Problem
from onboarding.http import Deadline
from onboarding.queue import Backlog, Queue

SECONDS: Final = 3.0
FRESH_FOR: Final = 60.0


@dataclass(frozen=True, slots=True)
class Remote:
    """What Slack and Novu said when they were last asked."""

    slack: tuple[Problem, ...]
    novu: tuple[Problem, ...]
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """`waiting_since` is when the attempt was started that waits longest for Novu."""

    remote: Remote
    backlog: Backlog
    waiting_since: datetime | None


class Health:
    def __init__(self, checkup: Checkup, queue: Queue, lists: Lists, clock: Callable[[], datetime]) -> None:
        self._checkup = checkup
        self._queue = queue
        self._lists = lists
        self._clock = clock
        self._lock = threading.Lock()
        self._remote: Remote | None = None
        self._asked = 0.0

    def report(self) -> Report:
        """Raises `StoreUnavailable`; everything else is in the report."""
        backlog, waiting_since = self._queue.backlog(self._clock()), self._lists.oldest_undelivered()
        return Report(self._ask_remote(), backlog, waiting_since)

    def _ask_remote(self) -> Remote:
        with self._lock:
            if self._remote is None or time.monotonic() - self._asked > FRESH_FOR:
                self._remote = self._ask()
                self._asked = time.monotonic()
            return self._remote

    def _ask(self) -> Remote:
        questions = (self._checkup.ask_slack, self._checkup.ask_novu)
        with ThreadPoolExecutor(len(questions)) as pool:
            slack, novu = pool.map(_answered, questions)
        return Remote(slack, novu, self._clock())


def _answered(ask: Callable[[Deadline], Iterator[Problem]]) -> tuple[Problem, ...]:
    return tuple(ask(Deadline(SECONDS)))
