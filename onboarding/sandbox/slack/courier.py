"""Does things in the background, each when it is due, on a few threads that end when nothing is left to do."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Final, TypeAlias

THREADS: Final = 4
MOST: Final = 1000

Job: TypeAlias = Callable[[], None]


class Courier:
    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, Job]] = []
        self._numbers = count()
        self._threads = 0
        self._busy = 0

    def add(self, job: Job, delay: float = 0.0) -> bool:
        """False when too much waits already."""
        with self._changed:
            if len(self._waiting) >= self._most:
                return False
            heapq.heappush(self._waiting, (time.monotonic() + delay, next(self._numbers), job))
            if self._threads < THREADS:
                self._threads += 1
                threading.Thread(target=self._work, name="sandbox-slack-events", daemon=True).start()
            self._changed.notify_all()
            return True

    def clear(self) -> None:
        """Forgets what waits; what is being done is finished."""
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()

    @property
    def pending(self) -> int:
        with self._changed:
            return len(self._waiting) + self._busy

    def settle(self, seconds: float) -> bool:
        """Waits until nothing is left to do, and tells whether that happened in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def _work(self) -> None:
        while (job := self._take()) is not None:
            try:
                job()
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _take(self) -> Job | None:
        with self._changed:
            while self._waiting:
                left = self._waiting[0][0] - time.monotonic()
                if left <= 0:
                    self._busy += 1
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(left)
            self._threads -= 1
            return None
