"""Whether this process can serve: both stores asked at most once a second, however many probes come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from onboarding.model.errors import StoreUnavailable

KEPT_SECONDS: Final = 1.0


class Readiness:
    """`asks` raise `StoreUnavailable` within a second or so if their store does not answer."""

    def __init__(self, *asks: Callable[[], None]) -> None:
        self._asks = asks
        self._lock = threading.Lock()
        self._until = 0.0
        self._problem = ""

    def problem(self) -> str:
        """What keeps it from serving, or nothing. Whoever comes while the stores are asked waits for that."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._problem = self._ask()
                self._until = time.monotonic() + KEPT_SECONDS
            return self._problem

    def _ask(self) -> str:
        try:
            for ask in self._asks:
                ask()
        except StoreUnavailable as error:
            return f"{error.store} does not answer"
        return ""
