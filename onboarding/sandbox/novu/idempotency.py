"""Idempotency keys as Novu keeps them: by key alone, for a day, errors included. Off by default, as at Novu."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from onboarding.sandbox.novu.answer import Answer, Crash, NovuError

KEPT: Final = 24 * 3600
IN_PROGRESS_FOR: Final = 300
LONGEST_KEY: Final = 255
DOCUMENTATION: Final = {"Link": "https://docs.novu.co/additional-resources/idempotency"}


@dataclass(frozen=True, slots=True)
class _Entry:
    fingerprint: str
    expires_at: float
    answer: Answer | None = None


class Idempotency:
    """`legacy` answers a replayed error with 503, as Novu did until August 2026."""

    def __init__(self, *, enabled: bool, legacy: bool = False) -> None:
        self.enabled = enabled
        self._legacy = legacy
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def forget(self) -> None:
        with self._lock:
            self._entries.clear()

    def is_busy(self, key: str) -> bool:
        """Whether a request with this key is being worked on."""
        with self._lock:
            entry = self._entries.get(key)
            return entry is not None and entry.answer is None

    def run(self, key: str, body: Any, produce: Callable[[], Answer]) -> Answer:
        """Produce an answer once per key. NovuError if the key is in use, misused or too long."""
        if not self.enabled or not key:
            return produce()
        if len(key) > LONGEST_KEY:
            raise NovuError(400, f'idempotencyKey "{key}" has exceeded the maximum allowed length of 255 characters')
        fingerprint = _fingerprint(body)
        replayed = self._claim(key, fingerprint)
        if replayed is not None:
            return _marked(self._aged(replayed), {"Idempotency-Key": key, "Idempotency-Replay": "true"})
        answer = produce()
        kept = answer if answer.status < 500 else Crash().answer()
        with self._lock:
            self._entries[key] = _Entry(fingerprint, time.time() + KEPT, kept)
        return _marked(answer, {"Idempotency-Key": key})

    def _aged(self, replayed: Answer) -> Answer:
        if self._legacy and replayed.status >= 400:
            return NovuError(503, "Service Unavailable", named=False).answer()
        return replayed

    def _claim(self, key: str, fingerprint: str) -> Answer | None:
        with self._lock:
            now = time.time()
            self._entries = {name: entry for name, entry in self._entries.items() if entry.expires_at > now}
            entry = self._entries.get(key)
            if entry is None:
                self._entries[key] = _Entry(fingerprint, now + IN_PROGRESS_FOR)
                return None
        if entry.answer is None:
            raise in_progress(key)
        if entry.fingerprint != fingerprint:
            message = f'Request with key "{key}" is being reused for a different body'
            raise NovuError(422, message, {"Idempotency-Key": key, **DOCUMENTATION})
        return entry.answer


def in_progress(key: str) -> NovuError:
    message = f'Request with key "{key}" is currently being processed. Please retry after 1 second'
    return NovuError(409, message, {"Idempotency-Key": key, "Retry-After": "1", **DOCUMENTATION})


def _marked(answer: Answer, headers: dict[str, str]) -> Answer:
    return replace(answer, headers={**answer.headers, **headers})


def _fingerprint(body: Any) -> str:
    return hashlib.blake2s(json.dumps(body, separators=(",", ":")).encode()).hexdigest()
