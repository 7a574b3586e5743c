"""The nouns of Sprocket: who a connection belongs to, what is known about it, and the events that tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    NONE = "none"
    PENDING = "pending"
    AWAITING = "awaiting_approval"
    WORKING = "working"
    BROKEN = "broken"


class Effect(StrEnum):
    """What a delivery did."""

    APPLIED = "applied"
    REPEATED = "repeated"
    OLDER = "older"
    UNKNOWN = "unknown"
    PING = "ping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Owner:
    """Events are numbered for each of these."""

    subscriber_id: str | None
    context_keys: tuple[str, ...] = ()
    integration: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How things are with Slack. `destination` is a type of Novu's endpoints, `reason` why it is no better."""

    status: Status = Status.NONE
    workspace: str | None = None
    destination: str | None = None
    reason: str | None = None
    reconnect_url: str | None = None
    connection: str | None = None
    attempt: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """`sequence` is that of the newest event applied, 0 before the first."""

    standing: Standing = Standing()
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """`owner` is None for an event about nobody, like a ping."""

    id: str
    type: str
    timestamp: str
    data: dict[str, Any]
    owner: Owner | None
    sequence: int


@dataclass(frozen=True, slots=True)
class Received:
    """One delivery of an event. `answered` is None if it got no answer; `number` counts those of the same id from 1."""

    event: Event
    at: datetime
    number: int
    effect: Effect
    change: str
    answered: int | None
