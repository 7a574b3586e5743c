"""One Novu environment: what belongs to one API key. Callers hold `lock` around whatever must be one step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from onboarding.sandbox.novu.index import Index
from onboarding.sandbox.novu.model import Connection, Integration, new_id
from onboarding.sandbox.novu.rate_limit import Bucket


class Environment:
    """`record` is told of every change before it happens; where it fails, nothing changes."""

    def __init__(self, id_: str = "") -> None:
        self.id = id_ or new_id()
        self.lock = threading.RLock()
        self.bucket = Bucket()
        self.index = Index()
        self.record: Callable[[str, object], None] | None = None
        self._connections: dict[str, Connection] = {}
        self._integrations: dict[str, Integration] = {}
        self._subscribers: dict[str, str] = {}
        self._contexts: dict[str, Any] = {}

    @property
    def connections(self) -> tuple[Connection, ...]:
        with self.lock:
            return tuple(self._connections.values())

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

    def connection(self, identifier: str) -> Connection | None:
        with self.lock:
            return self._connections.get(identifier)

    def integration(self, identifier: str) -> Integration | None:
        with self.lock:
            return self._integrations.get(identifier)

    def has_subscriber(self, subscriber_id: str) -> bool:
        with self.lock:
            return subscriber_id in self._subscribers

    def save(self, connection: Connection) -> None:
        with self.lock:
            self._tell("connection", connection)
            before = self._connections.get(connection.identifier)
            if before is not None:
                self.index.remove(before)
            self._connections[connection.identifier] = connection
            self.index.add(connection)

    def remove(self, identifier: str) -> None:
        with self.lock:
            self._tell("removed", identifier)
            self.index.remove(self._connections.pop(identifier))

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
