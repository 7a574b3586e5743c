"""The results of notifications: the newest few, and how many are still on their way."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from onboarding.sandbox.novu.model import iso

MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Result:
    """The result at one endpoint; `error` is empty if the message was taken."""

    endpoint: str
    type: str
    target: str
    connection: str | None
    error: str

    def view(self) -> dict[str, Any]:
        return {
            "endpoint": self.endpoint,
            "type": self.type,
            "target": self.target,
            "connectionIdentifier": self.connection,
            "ok": not self.error,
            "detail": self.error,
        }


@dataclass(frozen=True, slots=True)
class Activity:
    """One notification for one subscriber, once it is over. `detail` is a word of Novu's, or a sentence."""

    environment: str
    transaction_id: str
    workflow: str
    subscriber_id: str
    context_keys: tuple[str, ...]
    is_completed: bool
    detail: str
    results: tuple[Result, ...] = ()
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def status(self) -> str:
        return "completed" if self.is_completed else "failed"

    def view(self) -> dict[str, Any]:
        return {
            "transactionId": self.transaction_id,
            "workflow": self.workflow,
            "subscriberId": self.subscriber_id,
            "contextKeys": list(self.context_keys),
            "status": self.status,
            "detail": self.detail,
            "results": [result.view() for result in self.results],
            "at": iso(self.at),
            "environmentId": self.environment,
        }


class Feed:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._newest: deque[Activity] = deque(maxlen=MOST)
        self._pending = 0

    def expect(self) -> None:
        with self._changed:
            self._pending += 1

    def add(self, activity: Activity) -> None:
        """Something that was expected is over."""
        with self._changed:
            self._newest.appendleft(activity)
            self._pending -= 1
            self._changed.notify_all()

    @property
    def activities(self) -> tuple[Activity, ...]:
        """Newest first."""
        with self._changed:
            return tuple(self._newest)

    @property
    def pending(self) -> int:
        with self._changed:
            return self._pending

    def settle(self, seconds: float) -> bool:
        """Wait until nothing is on its way. False when that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._pending == 0, seconds)
