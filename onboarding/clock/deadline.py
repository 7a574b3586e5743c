"""How much time is left for one thing that takes several requests."""

from __future__ import annotations

import time


class Deadline:
    """A moment on the monotonic clock that several requests share, and how often each of them may be tried."""

    def __init__(self, seconds: float, tries: int = 1) -> None:
        self._ends = time.monotonic() + seconds
        self.tries = tries

    @property
    def remaining(self) -> float:
        """Seconds; negative once it has passed."""
        return self._ends - time.monotonic()
