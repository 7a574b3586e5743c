"""Which events were sent, the newest 200, and what the app answered each time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class Delivery:
    """`attempt` is 0 for the first. `status` is None if no answer came; `reason` is empty for 2xx."""

    attempt: int
    at: datetime
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class SentEvent:
    """`note` is what was done with it instead of sending it at once, if anything."""

    number: int
    at: datetime
    envelope: dict[str, Any]
    note: str = ""
    deliveries: tuple[Delivery, ...] = ()

    @property
    def type(self) -> str:
        event = self.envelope.get("event")
        return str((event if isinstance(event, dict) else self.envelope).get("type", ""))

    @property
    def place(self) -> str:
        return str(self.envelope.get("team_id") or self.envelope.get("enterprise_id") or "")

    @property
    def event_id(self) -> str:
        return str(self.envelope.get("event_id") or "")


class Sent:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._events: dict[int, SentEvent] = {}

    def add(self, envelope: dict[str, Any], note: str = "") -> int:
        with self._lock:
            number = next(self._numbers)
            self._events[number] = SentEvent(number, datetime.now(UTC), envelope, note)
            if len(self._events) > KEPT:
                del self._events[next(iter(self._events))]
            return number

    def note(self, number: int, note: str) -> None:
        with self._lock:
            if known := self._events.get(number):
                self._events[number] = replace(known, note=note)

    def record(self, number: int, attempt: int, status: int | None, reason: str) -> None:
        delivery = Delivery(attempt, datetime.now(UTC), status, reason)
        with self._lock:
            if known := self._events.get(number):
                self._events[number] = replace(known, deliveries=(*known.deliveries, delivery))

    def newest(self) -> tuple[SentEvent, ...]:
        with self._lock:
            return tuple(reversed(self._events.values()))

    def clear(self) -> None:
        with self._lock:
            self._events.clear()
