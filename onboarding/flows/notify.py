"""Tells the host product of everything: each event at least once, always under one id, for as long as three days."""

from __future__ import annotations

import json
import math
import random
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from onboarding.flows.shares import Shares
from onboarding.flows.spans import About, Spans
from onboarding.ledger.events import ENDPOINT, PING, Events, HostEvent
from onboarding.ledger.pauses import Pauses
from onboarding.model import Secret
from onboarding.remote.webhook import Answered
from onboarding.settings.log import LOGGER
from onboarding.signing import webhooks

WAITS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Between two tries."""
GONE: Final = 410
MOST_FOR_ONE: Final = 2
"""Deliveries at once to an endpoint that is not the only one: half of what a worker has under way."""
CROWDED_WAIT: Final = timedelta(seconds=1)
FIELDS: Final = (
    "attemptId",
    "linkId",
    "subscriberId",
    "contextKeys",
    "integrationIdentifier",
    "connectionIdentifier",
    "workspace",
    "previousWorkspace",
    "endpoint",
    "reason",
    "reconnectUrl",
    "sequence",
)


class Endpoint(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def host(self) -> str: ...

    def post(self, headers: dict[str, str], body: bytes) -> Answered: ...


class Links(Protocol):
    def address(self, link_id: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Hearer:
    """An endpoint, the integrations that it hears of (None: all), and the keys that sign for each."""

    endpoint: Endpoint
    integrations: tuple[str, ...] | None
    keys: Mapping[str, Sequence[Secret]]

    def hears_of(self, integration: str) -> bool:
        return self.integrations is None or integration in self.integrations

    def keys_for(self, integration: str) -> Sequence[Secret]:
        return self.keys.get(integration) or next(iter(self.keys.values()))


class Notify:
    """`hearers` is empty if the host has named no endpoint."""

    def __init__(self, events: Events, pauses: Pauses, hearers: Sequence[Hearer], links: Links, spans: Spans) -> None:
        self._events = events
        self._pauses = pauses
        self._shares = Shares(MOST_FOR_ONE if len(hearers) > 1 else math.inf)
        self.hearers = hearers
        self._links = links
        self._spans = spans

    def body(self, event: HostEvent) -> dict[str, Any]:
        """The same in every delivery."""
        return {"type": event.type, "timestamp": _moment(event), "data": self.data(event)}

    def data(self, event: HostEvent) -> dict[str, Any]:
        said: Mapping[str, Any] = event.data
        link_id = said.get("reconnectLink")
        known = {**said, "sequence": event.sequence}
        known["reconnectUrl"] = self._links.address(link_id) if link_id else None
        return {name: known.get(name) for name in FIELDS}

    def deliver(self, event_id: str) -> timedelta | None:
        """Send it if it is its turn. Gives the time after which to try again, and None if there is nothing to do."""
        event = self._events.to_send(event_id)
        if event is None:
            return None
        hearer = self.hearer_of(event)
        if hearer is None:
            self._pauses.keep(event_id)
            return None
        if event.type != PING and self._pauses.hold(event_id, hearer.endpoint.name):
            return None
        with self._shares.one(hearer.endpoint.name) as is_free:
            return self._send(event, hearer) if is_free else CROWDED_WAIT

    def crowded(self) -> list[str]:
        """The integrations about which nothing more can be sent at this moment: so much is under way already."""
        full = [hearer for hearer in self.hearers if self._shares.is_full(hearer.endpoint.name)]
        return [integration for hearer in full for integration in hearer.integrations or ()]

    def ping(self, hearer: Hearer) -> Answered:
        """Send an event that tells of nothing, now."""
        event_id = f"evt_{secrets.token_hex(16)}"
        self._events.ping(event_id, hearer.endpoint.name)
        event = self._events.get(event_id)
        if event is None:
            return Answered(None)
        answered = self._post(event, hearer)
        self._note(event, hearer, answered, is_over=True)
        return answered

    def hearer_of(self, event: HostEvent) -> Hearer | None:
        """Whom it is for: that of its app."""
        if event.type == PING:
            name = event.data.get(ENDPOINT)
            return next((each for each in self.hearers if name in {None, each.endpoint.name}), None)
        integration = event.data.get("integrationIdentifier") or ""
        return next((each for each in self.hearers if each.hears_of(integration)), None)

    def paused_since(self) -> datetime | None:
        """Since when some endpoint said that it is gone."""
        return min(filter(None, (self._pauses.since(each.endpoint.name) for each in self.hearers)), default=None)

    def kept_since(self) -> datetime | None:
        """When the oldest event happened that is kept and could be sent."""
        kept = (self._pauses.kept_since(each.endpoint.name, each.integrations) for each in self.hearers)
        return min(filter(None, kept), default=None)

    def resume(self) -> int:
        """Send everything that was kept, for whatever reason. Gives how many events."""
        return sum(self._pauses.end(each.endpoint.name, each.integrations) for each in self.hearers)

    def redeliver(self, event_id: str) -> bool:
        """Once more, under the same id. If the endpoint is paused, everything that was kept goes out again."""
        event = self._events.get(event_id)
        if event is None:
            return False
        hearer = self.hearer_of(event)
        if hearer and self._pauses.since(hearer.endpoint.name):
            self._pauses.end(hearer.endpoint.name, hearer.integrations)
        return self._events.redeliver(event_id)

    def _send(self, event: HostEvent, hearer: Hearer) -> timedelta | None:
        is_over = event.tries >= len(WAITS)
        with self._spans.span("webhook", **_about(event)) as span:
            answered = self._post(event, hearer)
            span.note(is_error=not answered.is_good, **_outcome(answered))
            self._note(event, hearer, answered, is_over=is_over)
            _log(event, answered)
        if answered.is_good or is_over or answered.status == GONE:
            return None
        wait = WAITS[event.tries] * random.uniform(0.8, 1.2)  # noqa: S311
        return max(wait, timedelta(seconds=answered.retry_after))

    def _note(self, event: HostEvent, hearer: Hearer, answered: Answered, *, is_over: bool) -> None:
        is_gone = answered.status == GONE
        self._events.sent(event.id, answered.status, is_over=is_over and not is_gone, is_good=answered.is_good)
        if is_gone:
            self._pauses.begin(hearer.endpoint.name, hearer.integrations)

    def _post(self, event: HostEvent, hearer: Hearer) -> Answered:
        body = json.dumps(self.body(event), separators=(",", ":")).encode()
        keys = hearer.keys_for(event.data.get("integrationIdentifier") or "")
        return hearer.endpoint.post(webhooks.headers(keys, event.id, int(time.time()), body), body)


def _moment(event: HostEvent) -> str:
    return event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _about(event: HostEvent) -> About:
    return {
        "attempt": event.data.get("attemptId"),
        "event": event.id,
        "event_type": event.type,
        "integration": event.data.get("integrationIdentifier"),
        "tries": event.tries + 1,
    }


def _outcome(answered: Answered) -> About:
    word = "delivered" if answered.is_good else "not_delivered"
    return {"outcome": word, "reason": answered.why or None, "status": answered.status}


def _log(event: HostEvent, answered: Answered) -> None:
    if answered.is_good:
        LOGGER.info("event delivered event=%s type=%s tries=%d", event.id, event.type, event.tries + 1)
    else:
        why = answered.why or f"http_{answered.status}"
        LOGGER.warning("event not delivered event=%s type=%s error=%s", event.id, event.type, why)
    if answered.status == GONE:
        LOGGER.error("webhook paused: the endpoint says that it is gone")
