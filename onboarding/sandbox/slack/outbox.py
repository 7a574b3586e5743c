"""Sends events to the app, and again if that fails. Somebody may want them late, twice, out of order or lost.

Tests set `url` and `retry_waits`, call `spoil`, `settle` and `verify`, and read `events`, the newest first.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qs

from onboarding.sandbox.slack import envelopes
from onboarding.sandbox.slack.courier import Courier
from onboarding.sandbox.slack.delivery import Answer, deliver
from onboarding.sandbox.slack.sent import Sent, SentEvent

RETRY_WAITS: Final = (0.0, 60.0, 300.0)
MISHAPS: Final = {
    "none": "Each is sent at once, and again when it fails.",
    "lost": "None is sent.",
    "late": "Each waits for the seconds below.",
    "twice": "Each is sent two times, at the same moment.",
    "out_of_order": "One is held until the next was sent.",
}


@dataclass(frozen=True, slots=True)
class Mishap:
    kind: str = "none"
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the challenge came back from the request URL."""

    came_back: bool
    answer: Answer


@dataclass(frozen=True, slots=True)
class _Parcel:
    """`round_` tells what was sent before a reset from what came after."""

    number: int
    round_: int
    body: bytes
    secret: str = field(repr=False)
    attempt: int = 0
    because: str = ""


class Outbox:
    def __init__(self, url: str = "", retry_waits: Sequence[float] = RETRY_WAITS) -> None:
        self.url = url
        self.retry_waits = tuple(retry_waits)
        self.mishap = Mishap()
        self.verification: Verification | None = None
        self._lock = threading.RLock()
        self._sent = Sent()
        self._courier = Courier()
        self._held: _Parcel | None = None
        self._round = 0

    @property
    def events(self) -> tuple[SentEvent, ...]:
        return self._sent.newest()

    @property
    def pending(self) -> int:
        """How many are on their way or wait to be sent again; not one that is held until the next."""
        return self._courier.pending

    def settle(self, seconds: float) -> bool:
        """Waits until nothing is on its way, and tells whether that happened in time."""
        return self._courier.settle(seconds)

    def reset(self) -> None:
        with self._lock:
            self._round += 1
            self._held = self.verification = None
            self.mishap = Mishap()
            self._courier.clear()
            self._sent.clear()

    def spoil(self, kind: str, seconds: float = 5.0) -> None:
        """What happens to events from now on: one of MISHAPS. ValueError for anything else."""
        if kind not in MISHAPS or seconds < 0:
            raise ValueError("No such mishap.")
        with self._lock:
            self.mishap, held, self._held = Mishap(kind, seconds), self._held, None
            if held:
                self._send(held)

    def post(self, secret: str, envelope: dict[str, Any]) -> None:
        with self._lock:
            kind = self.mishap.kind if self.url else "nowhere"
            number = self._sent.add(envelope, "" if kind == "none" else kind)
            parcel = _Parcel(number, self._round, _encoded(envelope), secret)
            match kind:
                case "nowhere" | "lost":
                    pass
                case "late":
                    self._send(parcel, delay=self.mishap.seconds)
                case "out_of_order":
                    self._hold_or_send(parcel)
                case _:
                    for _ in range(2 if kind == "twice" else 1):
                        self._send(parcel)

    def verify(self, secret: str) -> Verification:
        """As Slack does when somebody saves the request URL."""
        challenge = secrets.token_urlsafe(36)
        answer = deliver(self.url, secret, _encoded(envelopes.url_verification(challenge)))
        self.verification = Verification(not answer.reason and challenge in _challenges(answer.text), answer)
        return self.verification

    def _hold_or_send(self, parcel: _Parcel) -> None:
        if self._held is None:
            self._held = parcel
            return
        before, self._held = self._held, None
        self._send(parcel, then=before)

    def _send(self, parcel: _Parcel, delay: float = 0.0, then: _Parcel | None = None) -> None:
        if not self._courier.add(lambda: self._deliver(parcel, then), delay):
            self._sent.note(parcel.number, "dropped")

    def _deliver(self, parcel: _Parcel, then: _Parcel | None) -> None:
        answer = deliver(self.url, parcel.secret, parcel.body, attempt=parcel.attempt, because=parcel.because)
        with self._lock:
            if parcel.round_ != self._round:
                return
            self._sent.record(parcel.number, parcel.attempt, answer.status, answer.reason)
            if then:
                self._send(then)
            if answer.reason and answer.may_retry and parcel.attempt < len(self.retry_waits):
                again = replace(parcel, attempt=parcel.attempt + 1, because=answer.reason)
                self._send(again, self.retry_waits[parcel.attempt])


def _encoded(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope, separators=(",", ":")).encode()


def _challenges(text: str) -> list[Any]:
    """An app may answer with plain text, a form or JSON."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    named = [value.get("challenge")] if isinstance(value, dict) else []
    return [text.strip(), *named, *parse_qs(text).get("challenge", [])]
