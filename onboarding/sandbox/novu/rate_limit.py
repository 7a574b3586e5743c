"""Novu's rate limit for channel connections on a free plan: a token bucket that is filled up every window."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from typing import Final

LIMIT: Final = 100
BURST: Final = 110
WINDOW: Final = 5
POLICY: Final = (
    f'{LIMIT};w={WINDOW};burst={BURST};comment="token bucket";category="configuration";cost="single";'
    'serviceLevel="free"'
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after one request, and in how many seconds there will be more."""

    remaining: int
    reset: int = 1
    is_exceeded: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(LIMIT),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
            "RateLimit-Policy": POLICY,
        }


FULL: Final = Allowance(BURST - 1)
"""What everybody is told while nobody is limited."""


class Bucket:
    """The requests that one environment may still make."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = BURST
        self._filled_at = time.time()

    def take(self) -> Allowance:
        with self._lock:
            now = time.time()
            self._fill(now)
            reset = max(1, math.ceil(self._filled_at + WINDOW - now))
            if self._left == 0:
                return Allowance(0, reset, is_exceeded=True)
            self._left -= 1
            return Allowance(self._left, reset)

    def _fill(self, now: float) -> None:
        windows = int((now - self._filled_at) // WINDOW)
        if windows > 0:
            self._left = min(BURST, self._left + windows * LIMIT)
            self._filled_at += windows * WINDOW
