"""How Sprocket's webhook can be made to fail."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Final

KINDS: Final = {
    "500": "Answers 500; nothing is stored.",
    "410": "Answers 410, gone; nothing is stored.",
    "close": "Closes the connection without an answer; nothing is stored.",
    "nth": "Answers 500 to every n-th event; nothing is stored then.",
    "slow": "Stores it, and answers some seconds later.",
    "hang": "Stores it, and never answers.",
}
STORING: Final = {"slow", "hang"}


@dataclass(frozen=True, slots=True)
class Fault:
    """`count` is how many deliveries it strikes yet; None means until it is cleared."""

    kind: str
    count: int | None = None
    seconds: float = 5.0
    every: int = 2

    @property
    def answered(self) -> int | None:
        if self.kind in {"hang", "close"}:
            return None
        return {"410": 410, "slow": 200}.get(self.kind, 500)


class Faults:
    """At most one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._passed = 0

    @property
    def current(self) -> Fault | None:
        with self._lock:
            return self._fault

    def set(self, kind: str, count: int | None = None, *, seconds: float = 5.0, every: int = 2) -> None:
        """ValueError for what no fault can be."""
        if kind not in KINDS or (count is not None and count < 1) or seconds < 0 or every < 1:
            raise ValueError("No such fault.")
        with self._lock:
            self._fault, self._passed = Fault(kind, count, seconds, every), 0

    def clear(self) -> None:
        with self._lock:
            self._fault = None

    def strike(self) -> Fault | None:
        """The fault of this delivery, if any; that uses it up once."""
        with self._lock:
            fault = self._fault
            self._passed += 1
            if fault is None or (fault.kind == "nth" and self._passed % fault.every):
                return None
            if fault.count is not None:
                self._fault = replace(fault, count=fault.count - 1) if fault.count > 1 else None
            return fault
