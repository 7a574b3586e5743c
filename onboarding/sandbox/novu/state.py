"""Everything the local Novu remembers between requests."""

from __future__ import annotations

import hmac
import threading
from collections import Counter
from typing import Final, cast

from flask import current_app

from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.idempotency import Idempotency
from onboarding.sandbox.novu.misfortunes import Switch
from onboarding.sandbox.novu.model import Connection, Integration, new_id

SEED_CREDENTIALS: Final = {"clientId": "1234567890.1234567890", "secretKey": "sandbox-slack-secret"}


class Novu:
    """Tests read `connections` and `requests(operation)`, turn `misfortune`, and call `reset()`.

    Operations: list, create, retrieve, update, delete, verify.
    """

    def __init__(self, secret_key: str, *, idempotency: bool) -> None:
        self.idempotency = Idempotency(enabled=idempotency)
        self.misfortune = Switch()
        self._secret_key = secret_key
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._requests: Counter[str] = Counter()
            self.environment = _seeded()
        self.idempotency.forget()
        self.misfortune.clear()

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Oldest first, tokens included."""
        return self.environment.connections

    def requests(self, operation: str) -> int:
        """How many requests for an operation on channel connections arrived, whatever came of them."""
        with self._lock:
            return self._requests[operation]

    def count(self, operation: str) -> None:
        with self._lock:
            self._requests[operation] += 1

    def environment_of(self, api_key: str) -> Environment | None:
        known = hmac.compare_digest(api_key.encode(), self._secret_key.encode())
        return self.environment if known else None


def local_novu() -> Novu:
    return cast(Novu, current_app.extensions["novu"])


def _seeded() -> Environment:
    environment = Environment()
    environment.add_subscriber("subscriber-123")
    environment.add_integration(Integration(new_id(), "slack-prod", "slack", "chat", SEED_CREDENTIALS))
    return environment
