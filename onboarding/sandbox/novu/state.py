"""Everything the local Novu remembers between requests."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Final, cast

from flask import current_app

from onboarding.sandbox.novu.activity import Feed
from onboarding.sandbox.novu.courier import Courier
from onboarding.sandbox.novu.delivery import Notification
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.failures import Switch
from onboarding.sandbox.novu.idempotency import Idempotency
from onboarding.sandbox.novu.journal import Journal
from onboarding.sandbox.novu.model import Connection, Endpoint, Integration, new_id
from onboarding.sandbox.novu.options import Options

SEED_CREDENTIALS: Final = {"clientId": "1234567890.1234567890", "secretKey": "sandbox-slack-secret"}


class Novu:
    """One organisation with an environment per API key.

    Tests read `connections`, `endpoints`, `activity` and `requests(operation)`, switch `failures`, and call `reset()`.
    Operations: list, create, retrieve, update, delete, verify; list_endpoints, create_endpoint and so on; trigger.
    """

    def __init__(self, secret_keys: Sequence[str], options: Options, *, idempotency: bool, slack_url: str = "") -> None:
        """DataRefused if the options name a file that cannot be used."""
        self.options = options
        self.idempotency = Idempotency(enabled=idempotency, legacy=options.legacy_idempotency)
        self.failures = Switch()
        self.slack_url = slack_url
        self.activity = Feed()
        self._courier = Courier(slack_url)
        self._journal = Journal(options.data) if options.data else None
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._environments = {key: self._kept(key) or self._seeded(key) for key in secret_keys}

    def reset(self) -> None:
        with self._lock:
            self._requests.clear()
            self._environments = {key: self._seeded(key) for key in self._environments}
        self.activity = Feed()
        self.idempotency.forget()
        self.failures.clear()

    def notify(self, notification: Notification) -> None:
        """Deliver it, soon; `activity` tells how that went."""
        self._courier.send(notification, self.activity)

    def close(self) -> None:
        self._courier.close()
        if self._journal:
            self._journal.close()

    @property
    def environments(self) -> tuple[Environment, ...]:
        return tuple(self._environments.values())

    @property
    def environment(self) -> Environment:
        """The first key's, the only one unless there are more keys."""
        return self.environments[0]

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The first environment's, oldest first, tokens included."""
        return self.environment.connections

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The first environment's, oldest first."""
        return self.environment.endpoints

    def requests(self, operation: str) -> int:
        """How many requests for an operation arrived, refused ones included."""
        with self._lock:
            return self._requests[operation]

    def count(self, operation: str) -> None:
        with self._lock:
            self._requests[operation] += 1

    def environment_of(self, api_key: str) -> Environment | None:
        found = [each for key, each in self._environments.items() if _is_same(key, api_key)]
        return found[0] if found else None

    def _kept(self, key: str) -> Environment | None:
        return self._journal.environments.get(_name(key)) if self._journal else None

    def _seeded(self, key: str) -> Environment:
        environment = self._journal.begin(_name(key)) if self._journal else Environment()
        environment.add_subscriber("subscriber-123")
        environment.add_integration(Integration(new_id(), "slack-prod", "slack", "chat", SEED_CREDENTIALS))
        return environment


def local_novu() -> Novu:
    return cast(Novu, current_app.extensions["novu"])


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _name(key: str) -> str:
    """What an environment is called in the file, which need not hold the key."""
    return hashlib.sha256(key.encode()).hexdigest()
