"""Tells the host product of everything: each event at least once, always under one id, for as long as three days."""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

from onboarding.ledger.events import BEHIND_WAIT, Events, HostEvent
from onboarding.model import Secret
from onboarding.remote.webhook import Answered
from onboarding.settings.log import LOGGER
from onboarding.signing import webhooks

WAITS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Between two tries."""
GONE: Final = 410
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
    def post(self, headers: dict[str, str], body: bytes) -> Answered: ...


class Links(Protocol):
    def address(self, link_id: str) -> str: ...


class Notify:
    """`endpoint` is None if the host has named none."""

    def __init__(self, events: Events, endpoint: Endpoint | None, signing: Sequence[Secret], links: Links) -> None:
        self._events = events
        self._endpoint = endpoint
        self._signing = signing
        self._links = links

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
        may_send = self._events.may_send(event_id)
        event = self._events.get(event_id) if may_send else None
        if may_send is False:
            return BEHIND_WAIT
        if event is None:
            return None
        if self._endpoint is None or (self._events.paused_since() and event.type != "ping"):
            self._events.hold(event_id)
            return None
        return self._send(event, self._endpoint)

    def ping(self) -> Answered | None:
        """Send an event that tells of nothing, now. None without an endpoint."""
        if self._endpoint is None:
            return None
        event_id = f"evt_{secrets.token_hex(16)}"
        self._events.ping(event_id)
        event = self._events.get(event_id)
        answered = self._post(event, self._endpoint) if event else Answered(None)
        self._events.sent(event_id, answered.status, is_over=True, is_good=answered.is_good)
        return answered

    def redeliver(self, event_id: str) -> bool:
        """Once more, under the same id. If the endpoint is paused, everything that was kept goes out again."""
        if self._events.get(event_id) is None:
            return False
        if self._events.paused_since():
            self._events.resume()
        return self._events.redeliver(event_id)

    def _send(self, event: HostEvent, endpoint: Endpoint) -> timedelta | None:
        answered = self._post(event, endpoint)
        is_over = event.tries >= len(WAITS)
        self._events.sent(event.id, answered.status, is_over=is_over, is_good=answered.is_good)
        _log(event, answered)
        if answered.status == GONE:
            self._events.pause()
            LOGGER.error("webhook paused: the endpoint says that it is gone")
            return None
        if answered.is_good or is_over:
            return None
        wait = WAITS[event.tries] * random.uniform(0.8, 1.2)  # noqa: S311
        return max(wait, timedelta(seconds=answered.retry_after))

    def _post(self, event: HostEvent, endpoint: Endpoint) -> Answered:
        body = json.dumps(self.body(event), separators=(",", ":")).encode()
        return endpoint.post(webhooks.headers(self._signing, event.id, int(time.time()), body), body)


def _moment(event: HostEvent) -> str:
    return event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _log(event: HostEvent, answered: Answered) -> None:
    if answered.is_good:
        LOGGER.info("event delivered event=%s type=%s tries=%d", event.id, event.type, event.tries + 1)
    else:
        why = answered.why or f"http_{answered.status}"
        LOGGER.warning("event not delivered event=%s type=%s error=%s", event.id, event.type, why)
