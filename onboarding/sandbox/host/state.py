"""Everything Sprocket remembers, in memory, behind one lock."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from onboarding.sandbox.host import events
from onboarding.sandbox.host.faults import Faults
from onboarding.sandbox.host.model import Effect, Event, Known, Owner, Received, Standing

KEPT: Final = 200
MOST_IDS: Final = 10_000


class Host:
    """Tests read `received` and `known`, and use `faults`."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = tuple(keys)
        self.faults = Faults()
        self._lock = threading.Lock()
        self._known: dict[Owner, Known] = {}
        self._received: deque[Received] = deque(maxlen=KEPT)
        self._deliveries: Counter[str] = Counter()
        self._applied: dict[str, None] = {}
        self._notices: dict[str, str] = {}
        self._refused = 0

    @property
    def received(self) -> tuple[Received, ...]:
        """The newest ones, oldest first."""
        with self._lock:
            return tuple(self._received)

    @property
    def known(self) -> dict[Owner, Known]:
        with self._lock:
            return dict(self._known)

    @property
    def refused(self) -> int:
        """How many requests were not from the service."""
        with self._lock:
            return self._refused

    def refuse(self) -> None:
        with self._lock:
            self._refused += 1

    def receive(self, event: Event, answered: int | None) -> Received:
        """Apply an event, unless it was applied before or a newer one was."""
        with self._lock:
            effect, change = self._apply(event)
            return self._log(event, effect, change, answered)

    def fail(self, event: Event, answered: int | None) -> Received:
        """Lose an event, like a host that crashes before it stores anything."""
        with self._lock:
            return self._log(event, Effect.FAILED, "", answered)

    def of(self, subscriber_id: str) -> Known:
        """What is known of a customer, apart from contexts."""
        with self._lock:
            return self._of(subscriber_id)

    def learn(self, owner: Owner, standing: Standing, asked_at: int) -> None:
        """Keep what the service answered, unless an event came while it was being asked."""
        with self._lock:
            found = self._of(owner.subscriber_id or "")
            if found.sequence == asked_at:
                place = self._place(owner)
                known = self._known.pop(place, Known())
                self._known[place] = replace(known, standing=standing)

    def leave_notice(self, customer_id: str, sentence: str) -> None:
        with self._lock:
            self._notices[customer_id] = sentence

    def take_notice(self, customer_id: str) -> str:
        with self._lock:
            return self._notices.pop(customer_id, "")

    def _apply(self, event: Event) -> tuple[Effect, str]:
        if event.id in self._applied:
            return Effect.REPEATED, ""
        self._applied[event.id] = None
        while len(self._applied) > MOST_IDS:
            del self._applied[next(iter(self._applied))]
        if event.owner is None:
            return (Effect.PING if event.type == events.PING else Effect.UNKNOWN), ""
        before = self._known.get(event.owner, Known())
        if event.sequence <= before.sequence:
            return Effect.OLDER, ""
        standing = events.after(event, before.standing)
        self._known.pop(event.owner, None)
        self._known[event.owner] = Known(standing, event.sequence)
        return (Effect.APPLIED if event.type in events.KNOWN else Effect.UNKNOWN), _change(before.standing, standing)

    def _log(self, event: Event, effect: Effect, change: str, answered: int | None) -> Received:
        self._deliveries[event.id] += 1
        while len(self._deliveries) > MOST_IDS:
            del self._deliveries[next(iter(self._deliveries))]
        received = Received(event, datetime.now(UTC), self._deliveries[event.id], effect, change, answered)
        self._received.append(received)
        return received

    def _of(self, subscriber_id: str) -> Known:
        """Of several integrations the one that changed last."""
        own = [known for owner, known in self._known.items() if _is_own(owner, subscriber_id)]
        return own[-1] if own else Known()

    def _place(self, owner: Owner) -> Owner:
        """If the integration is not known yet, the owner that is known is meant."""
        own = [each for each in self._known if _is_own(each, owner.subscriber_id or "")]
        return own[-1] if owner.integration is None and own else owner


def _is_own(owner: Owner, subscriber_id: str) -> bool:
    return owner.subscriber_id == subscriber_id and not owner.context_keys


def _change(before: Standing, now: Standing) -> str:
    if (before.status, before.workspace, before.destination) == (now.status, now.workspace, now.destination):
        return ""
    return f"{_told(before)} → {_told(now)}"


def _told(standing: Standing) -> str:
    more = ", ".join(filter(None, (standing.workspace, standing.destination)))
    return f"{standing.status} ({more})" if more else str(standing.status)
