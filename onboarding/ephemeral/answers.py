"""Answers that host back ends were given, so that the same request under the same key gets the same one for a day."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from onboarding.ephemeral.store import Redis, answering, keep_first
from onboarding.model import Secret

KEPT: Final = timedelta(hours=24)
CLAIMED: Final = timedelta(seconds=20)
"""Longer than any call takes that must not be made twice at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a request with this fingerprint."""

    fingerprint: str
    content: dict[str, Any]


class Answers:
    def __init__(self, client: Redis) -> None:
        self._redis = client

    def find(self, api_key: Secret, idempotency_key: str) -> Answer | None:
        with answering():
            held = self._redis.get(_key(api_key, idempotency_key))
        return Answer(*json.loads(str(held))) if held else None

    def keep(self, api_key: Secret, idempotency_key: str, answer: Answer) -> Answer:
        """The first answer that was kept under this key, which is this one unless another was faster."""
        offered = json.dumps([answer.fingerprint, answer.content])
        return Answer(*json.loads(keep_first(self._redis, _key(api_key, idempotency_key), offered, KEPT)))

    def claim(self, api_key: Secret, idempotency_key: str) -> bool:
        """Whether we are the only ones to work on an answer under this key. Ends by itself if our process does."""
        with answering():
            return bool(self._redis.set(f"{_key(api_key, idempotency_key)}:claim", 1, nx=True, ex=CLAIMED))

    def release(self, api_key: Secret, idempotency_key: str) -> None:
        with answering():
            self._redis.delete(f"{_key(api_key, idempotency_key)}:claim")


def _key(api_key: Secret, idempotency_key: str) -> str:
    both = json.dumps([api_key.reveal(), idempotency_key])
    return f"onboarding:answer:{hashlib.sha256(both.encode()).hexdigest()}"
