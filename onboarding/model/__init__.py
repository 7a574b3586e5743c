"""The nouns of the story: install link, attempt, workspace, grant, channel connection."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

STATE_LIFETIME: Final = timedelta(minutes=10)
GRANT_KEPT: Final = timedelta(days=7)
"""How long the grant of a failed delivery waits for a person."""
DISCONNECTED: Final = "disconnected"
"""The event that ends a connected attempt's story."""
CLAIM_GRACE: Final = timedelta(seconds=60)
"""How long a claimed attempt may take to reach an outcome; a callback itself stays under 25 s."""


class Secret:
    """A string that shows itself only when asked: repr, str and format give `…`, JSON refuses it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "…"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)


class ConnectionMode(StrEnum):
    SUBSCRIBER = "subscriber"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Context:
    """One entry of a Novu context: a type, an id and, optionally, the data Novu keeps with it."""

    type: str
    id: str
    data: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        return f"{self.type}:{self.id}"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a channel connection belongs to. Novu keeps one connection per owner."""

    integration: str
    subscriber_id: str | None
    context_keys: tuple[str, ...]

    @property
    def identifier(self) -> str:
        """The owner's own connection identifier, the same on every machine and in every release."""
        canonical = json.dumps([self.integration, self.subscriber_id, self.context_keys], separators=(",", ":"))
        return f"chconn_{hashlib.sha256(canonical.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class InstallLink:
    """What a host back end asked for. `expires_at` is the moment it stops working, whatever the cause."""

    id: str
    subscriber_id: str | None
    contexts: tuple[Context, ...]
    mode: ConnectionMode
    integration: str
    identifier: str
    account: str | None
    return_url: str | None
    expires_at: datetime

    @property
    def owner(self) -> Owner:
        keys = tuple(sorted(context.key for context in self.contexts))
        return Owner(self.integration, None if self.mode is ConnectionMode.SHARED else self.subscriber_id, keys)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A Slack workspace, or the Enterprise organisation of an org-wide installation."""

    id: str
    name: str

    @property
    def is_organisation(self) -> bool:
        return self.id.startswith("E")


@dataclass(frozen=True, slots=True)
class Grant:
    """What Slack gave: the right to post into one workspace."""

    workspace: Workspace
    bot_token: Secret
    scopes: frozenset[str]
    granted_at: datetime
    app_id: str | None = None
    bot_user_id: str | None = None
    refresh_token: Secret | None = None
    expires_at: datetime | None = None


class Status(StrEnum):
    STARTED = "started"
    GRANTED = "granted"
    CONNECTED = "connected"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"

    @property
    def is_pending(self) -> bool:
        return self in {Status.STARTED, Status.GRANTED}


class Reason(StrEnum):
    DENIED_BY_PERSON = "denied_by_person"
    NOT_PERMITTED = "not_permitted"
    SLACK_REFUSED = "slack_refused"

    CODE_REFUSED = "code_refused"
    SLACK_MISCONFIGURED = "slack_misconfigured"
    SLACK_UNAVAILABLE = "slack_unavailable"
    WORKSPACE_POLICY = "workspace_policy"
    NO_BOT_TOKEN = "no_bot_token"  # noqa: S105
    SCOPES_MISSING = "scopes_missing"

    NOVU_UNAUTHORIZED = "novu_unauthorized"
    INTEGRATION_NOT_FOUND = "integration_not_found"
    SUBSCRIBER_NOT_FOUND = "subscriber_not_found"
    IDENTIFIER_TAKEN = "identifier_taken"
    NOVU_REJECTED = "novu_rejected"
    NOVU_UNREACHABLE = "novu_unreachable"

    SUPERSEDED = "superseded"
    GRANT_LOST = "grant_lost"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an attempt's timeline."""

    at: datetime
    name: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One person's try at connecting, from the click to its outcome. Its id is also the support code.

    `connection` is the identifier of the channel connection that came of it.
    """

    id: str
    link: InstallLink
    status: Status
    started_at: datetime
    browser_hash: str = field(repr=False)
    claimed_at: datetime | None = None
    reason: Reason | None = None
    detail: str | None = None
    workspace: Workspace | None = None
    app_id: str | None = None
    connection: str | None = None
    trying_since: datetime | None = None
    tries: int = 0
    round: int = 0
    timeline: tuple[Event, ...] = field(default=(), repr=False)

    @property
    def idempotency_key(self) -> str:
        """The same for every try of a delivery; another once a person tries again."""
        return f"{self.id}.{self.round}"

    @property
    def is_disconnected(self) -> bool:
        """Whether the customer was disconnected after it, before or after it had come to Novu."""
        was_ended = self.reason is Reason.SUPERSEDED and self.detail == DISCONNECTED
        return was_ended or (bool(self.timeline) and self.timeline[-1].name == DISCONNECTED)

    def keeps_grant(self, now: datetime) -> bool:
        """Whether the grant of a failed delivery can still be there."""
        return bool(self.timeline) and now - self.timeline[-1].at < GRANT_KEPT

    def can_be_retried(self, now: datetime) -> bool:
        """Whether a person can have it delivered: at once where it is on its way, again where Novu refused."""
        if self.status is Status.GRANTED:
            return True
        was_granted = self.workspace is not None and self.reason is not Reason.SUPERSEDED
        is_lost = self.reason is Reason.GRANT_LOST and not self.detail
        return self.status is Status.FAILED and was_granted and not is_lost and self.keeps_grant(now)

    def is_over(self, now: datetime) -> bool:
        """Whether a started attempt can no longer reach an outcome."""
        return now > (self.claimed_at + CLAIM_GRACE if self.claimed_at else self.started_at + STATE_LIFETIME)


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """What became of a grant while the store could not be told: connected, or failed because it was lost."""

    status: Status
    workspace: Workspace


@dataclass(frozen=True, slots=True)
class LastConnection:
    """What an owner was last connected to, as far as this service remembers. Novu holds the truth."""

    attempt_id: str
    workspace: Workspace
    app_id: str | None
    connected_at: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """A Novu channel connection, without its token: nothing here needs to read one back."""

    identifier: str
    integration: str
    subscriber_id: str | None
    context_keys: tuple[str, ...]
    workspace: Workspace
    channel: str
    provider: str
    created_at: datetime | None
    updated_at: datetime | None

    @property
    def owner(self) -> Owner:
        return Owner(self.integration, self.subscriber_id, tuple(sorted(self.context_keys)))


def utc_now() -> datetime:
    return datetime.now(UTC)
