"""The failures that can be switched on, and the switch. They strike channel connections and endpoints."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

VERIFY: Final = frozenset({"verify"})
CREATE_ENDPOINT: Final = frozenset({"create_endpoint"})
CREATE: Final = frozenset({"create"}) | CREATE_ENDPOINT
WRITES: Final = CREATE | {"update", "update_endpoint"}
SHOWN: Final = WRITES | VERIFY | {"list", "retrieve", "list_endpoints", "retrieve_endpoint"}
EVERY: Final = SHOWN | {"delete", "delete_endpoint", "trigger"}


class Stage(Enum):
    """When a failure strikes, in the order in which a request meets them."""

    WIRE = auto()
    GUARD = auto()
    BODY = auto()
    OPERATION = auto()
    AFTER = auto()


@dataclass(frozen=True, slots=True)
class Failure:
    """`times` is how many requests it strikes; None means until it is cleared."""

    slug: str
    label: str
    explanation: str
    stage: Stage
    operations: frozenset[str]
    times: int | None = None


_ALL: Final = (
    Failure("conflict", "Conflict", "Creating meets an identifier held by another owner.", Stage.OPERATION, CREATE),
    Failure("integration_missing", "No integration", "Creating finds no integration: 404.", Stage.OPERATION, CREATE),
    Failure("subscriber_missing", "No subscriber", "Creating finds no subscriber: 404.", Stage.OPERATION, CREATE),
    Failure(
        "connection_missing",
        "No connection",
        "Creating an endpoint finds no connection: 404.",
        Stage.OPERATION,
        CREATE_ENDPOINT,
    ),
    Failure(
        "duplicate_key", "Lost race", "Creating loses its identifier to another, late: 500.", Stage.OPERATION, CREATE
    ),
    Failure(
        "refresh_failed", "Refresh fails", "Verifying finds that Slack refuses the token: 502.", Stage.OPERATION, VERIFY
    ),
    Failure("refresh_busy", "Refresh under way", "Verifying meets another refresh: 502.", Stage.OPERATION, VERIFY),
    Failure("rejected", "Rejected", "Creating or changing fails validation: 422.", Stage.BODY, WRITES),
    Failure("unauthorized", "Unauthorized", "The API key is not accepted: 401.", Stage.GUARD, EVERY),
    Failure("feature_off", "Feature off", "Slack is not enabled for the organisation: 404.", Stage.GUARD, EVERY),
    Failure("unavailable", "Unavailable", "The rate limiter has lost its cache: 503.", Stage.GUARD, EVERY),
    Failure("rate_limited", "Rate limited", "429 with Retry-After.", Stage.GUARD, EVERY),
    Failure("in_progress", "In progress", "The next write meets an earlier one: 409.", Stage.GUARD, WRITES, times=1),
    Failure("error_twice", "Two errors", "The next two requests end in 500.", Stage.WIRE, EVERY, times=2),
    Failure("error_after_commit", "Error, too late", "The next write is kept, then 500.", Stage.AFTER, WRITES, times=1),
    Failure("truncated", "Cut short", "The next write is kept; half its answer arrives.", Stage.AFTER, WRITES, times=1),
    Failure("unknown_provider", "Unknown provider", "Answers name a provider nobody has heard of.", Stage.AFTER, SHOWN),
    Failure("extra_fields", "New fields", "Answers come with fields nobody has heard of.", Stage.AFTER, SHOWN),
    Failure("slow", "Slow", "Every answer takes some seconds.", Stage.WIRE, EVERY),
    Failure("down", "Down", "Connections close without an answer.", Stage.WIRE, EVERY),
    Failure("html", "A web page", "502 with HTML, as from a proxy.", Stage.WIRE, EVERY),
)

FAILURES: Final = {failure.slug: failure for failure in _ALL}


class Switch:
    """At most one failure at a time, for everybody."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._current: Failure | None = None
            self._left: int | None = None

    def turn(self, slug: str, times: int | None = None) -> None:
        """KeyError for an unknown slug."""
        chosen = FAILURES[slug]
        with self._lock:
            self._current, self._left = chosen, times or chosen.times

    @property
    def current(self) -> tuple[Failure, int | None] | None:
        """The failure and how often it will strike yet; None for until cleared."""
        with self._lock:
            return (self._current, self._left) if self._current else None

    def strike(self, stage: Stage, operation: str) -> str | None:
        """The slug of the failure that strikes this request, if any; that uses it up once."""
        with self._lock:
            current = self._current
            if current is None or current.stage is not stage or operation not in current.operations:
                return None
            if self._left is not None:
                self._left -= 1
                self._current = current if self._left else None
            return current.slug
