"""Ends what takes too long: one thread in each process closes every exchange that is overdue.

A socket limits how long each single read may take, so a peer that sends a byte now and then holds a thread for ever.
Whoever talks to one does it inside `within(seconds, close)`. Entering and leaving take two microseconds and start
nothing; the thread sleeps until the first of the exchanges under way would be overdue.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

LOGGER: Final = logging.getLogger("onboarding")

Close = Callable[[], object]


def within(seconds: float, close: Close) -> Watched:
    """Call `close`, once, if the block takes longer than `seconds`; never after the block was left.

    `close` runs in the watching thread and must not wait for anything: shut a socket down, and whoever reads from it
    is woken.
    """
    return Watched(time.monotonic() + seconds, close)


class Watched:
    """One exchange. `is_overdue` tells, once the block was left, whether it was ended for taking too long."""

    __slots__ = ("close", "ends", "is_overdue")

    def __init__(self, ends: float, close: Close) -> None:
        self.ends = ends
        self.close = close
        self.is_overdue = False

    def __enter__(self) -> Self:
        _watchdog.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Leave the block early. `close` is not called from now on."""
        _watchdog.remove(self)


class _Watchdog:
    def __init__(self) -> None:
        # Held while an exchange is closed: one that was left can no longer be closed, and its socket may be reused.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._active: set[Watched] = set()
        self._next_look = math.inf
        self._is_running = False

    def add(self, watched: Watched) -> None:
        with self._lock:
            self._active.add(watched)
            if watched.ends < self._next_look:
                # Rare: usually an older exchange is due first, or one that was over long ago.
                self._next_look = watched.ends
                self._wake()

    def remove(self, watched: Watched) -> None:
        with self._lock:
            self._active.discard(watched)

    def _wake(self) -> None:
        if not self._is_running:
            self._is_running = True
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()
        self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while True:
                self._close_overdue(time.monotonic())
                self._next_look = min((watched.ends for watched in self._active), default=math.inf)
                wait = self._next_look - time.monotonic()
                self._changed.wait(None if math.isinf(wait) else wait)

    def _close_overdue(self, now: float) -> None:
        for watched in [watched for watched in self._active if watched.ends <= now]:
            self._active.discard(watched)
            watched.is_overdue = True
            _close(watched.close)


def _close(close: Close) -> None:
    try:
        with suppress(OSError):
            close()
    except Exception:
        LOGGER.exception("an overdue exchange could not be closed")


def _start_anew() -> None:
    """A forked process has no watching thread, and nothing of its own under way."""
    global _watchdog  # noqa: PLW0603 (one for each process)
    _watchdog = _Watchdog()


_watchdog = _Watchdog()
os.register_at_fork(after_in_child=_start_anew)
