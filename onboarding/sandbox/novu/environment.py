"""One Novu environment: what belongs to one API key. Callers hold `lock` around whatever must be one step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from onboarding.sandbox.novu import labels
from onboarding.sandbox.novu.model import Connection, Endpoint, Integration, new_id
from onboarding.sandbox.novu.rate_limit import Bucket
from onboarding.sandbox.novu.table import Table


class Environment:
    """`record` is told of every change before it happens; if it fails, nothing changes."""

    def __init__(self, id_: str = "") -> None:
        self.id = id_ or new_id()
        self.lock = threading.RLock()
        self.bucket = Bucket()
        self.record: Callable[[str, object], None] | None = None
        self.channel_connections = Table("connection", "removed", labels.of_connection, self.lock, self._tell)
        self.channel_endpoints = Table("endpoint", "endpoint removed", labels.of_endpoint, self.lock, self._tell)
        self._integrations: dict[str, Integration] = {}
        self._subscribers: dict[str, str] = {}
        self._contexts: dict[str, Any] = {}

    @property
    def connections(self) -> tuple[Connection, ...]:
        return self.channel_connections.rows

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return self.channel_endpoints.rows

    @property
    def integrations(self) -> tuple[Integration, ...]:
        with self.lock:
            return tuple(self._integrations.values())

    @property
    def subscribers(self) -> Mapping[str, str]:
        """Their `_id` by subscriber id."""
        with self.lock:
            return dict(self._subscribers)

    @property
    def contexts(self) -> Mapping[str, Any]:
        """The data of the contexts found or created so far, by key, also by creates that failed later."""
        with self.lock:
            return dict(self._contexts)

    def integration(self, identifier: str) -> Integration | None:
        with self.lock:
            return self._integrations.get(identifier)

    def has_subscriber(self, subscriber_id: str) -> bool:
        with self.lock:
            return subscriber_id in self._subscribers

    def add_subscriber(self, subscriber_id: str, id_: str = "") -> str:
        """Its `_id`; the same one for a subscriber that is there already."""
        with self.lock:
            if subscriber_id not in self._subscribers:
                id_ = id_ or new_id()
                self._tell("subscriber", [subscriber_id, id_])
                self._subscribers[subscriber_id] = id_
            return self._subscribers[subscriber_id]

    def add_integration(self, integration: Integration) -> bool:
        """False when the identifier is taken."""
        with self.lock:
            if integration.identifier in self._integrations:
                return False
            self._tell("integration", integration)
            self._integrations[integration.identifier] = integration
            return True

    def keep_contexts(self, contexts: Mapping[str, Any]) -> None:
        with self.lock:
            for key, data in contexts.items():
                if key not in self._contexts:
                    self._tell("context", [key, data])
                    self._contexts[key] = data

    def _tell(self, what: str, value: object) -> None:
        if self.record is not None:
            self.record(what, value)
