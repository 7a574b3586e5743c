"""One Novu environment: what belongs to one API key. Callers hold `lock` around whatever must be one step."""

from __future__ import annotations

import threading
from typing import Any

from onboarding.sandbox.novu.model import Connection, Integration, new_id


class Environment:
    def __init__(self) -> None:
        self.id = new_id()
        self.lock = threading.RLock()
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
    def subscribers(self) -> tuple[str, ...]:
        with self.lock:
            return tuple(self._subscribers)

    @property
    def contexts(self) -> tuple[str, ...]:
        """The keys of the contexts found or created so far, also by creates that failed later."""
        with self.lock:
            return tuple(self._contexts)

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
            self._connections[connection.identifier] = connection

    def remove(self, identifier: str) -> None:
        with self.lock:
            del self._connections[identifier]

    def add_subscriber(self, subscriber_id: str) -> str:
        """Its `_id`; the same one for a subscriber that is there already."""
        with self.lock:
            return self._subscribers.setdefault(subscriber_id, new_id())

    def add_integration(self, integration: Integration) -> bool:
        """False when the identifier is taken."""
        with self.lock:
            return self._integrations.setdefault(integration.identifier, integration) is integration

    def keep_contexts(self, contexts: dict[str, Any]) -> None:
        with self.lock:
            for key, data in contexts.items():
                self._contexts.setdefault(key, data)
