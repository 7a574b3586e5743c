"""The nouns of the story: install link, attempt, workspace, grant, channel connection."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

STATE_LIFETIME: Final = timedelta(minutes=10)
GRANT_KEPT: Final = timedelta(days=7)
"""How long a grant waits for a person: to be delivered again after a failure, or to be claimed."""
DISCONNECTED: Final = "disconnected"
"""The event that ends a connected attempt's story."""
CLAIM_GRACE: Final = timedelta(seconds=60)
"""How long a claimed attempt may take to reach an outcome; a callback itself stays under 25 s."""
ABANDONED_AFTER: Final = timedelta(hours=12)
"""How long an attempt that nobody finished stays readable."""


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


class WhoChooses(StrEnum):
    """Who decides where notifications go: the person who connects, nobody (they go to that person), or the host."""

    CHOOSE = "choose"
    INSTALLER = "installer"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Context:
    """One entry of a Novu context: a type, an id and, optionally, the data Novu keeps with it."""

    type: str
    id: str
    data: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        return f"{self.type}:{self.id}"


def contexts_of(keys: Iterable[str]) -> dict[str, str]:
    """The id of each type. A type may hold a colon, an id may not."""
    return {type_: id_ for type_, _, id_ in (key.rpartition(":") for key in keys)}


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
    """What a host back end asked for. `expires_at` is the moment it stops working, whatever the cause.

    A short one was created here: its address holds its id only, and the ledger the rest. `traceparent` is where the
    host's trace stood at that moment, as W3C Trace Context writes it.
    """

    id: str
    subscriber_id: str | None
    contexts: tuple[Context, ...]
    mode: ConnectionMode
    integration: str
    identifier: str
    account: str | None
    return_url: str | None
    expires_at: datetime
    destination: WhoChooses = WhoChooses.CHOOSE
    is_short: bool = False
    workspace_id: str | None = None
    traceparent: str | None = None

    @property
    def owner(self) -> Owner:
        keys = tuple(sorted(context.key for context in self.contexts))
        return Owner(self.integration, None if self.mode is ConnectionMode.SHARED else self.subscriber_id, keys)

    @property
    def is_direct(self) -> bool:
        """Whether it is a placeholder: the attempt began without a link, and nobody has claimed it."""
        return self.subscriber_id is None and not self.contexts

    @property
    def has_destination(self) -> bool:
        """Whether somebody here decides where notifications go. Novu sends to endpoints of subscribers only."""
        return self.subscriber_id is not None and self.destination is not WhoChooses.NONE


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
    installer_id: str | None = None
    refresh_token: Secret | None = None
    expires_at: datetime | None = None


class Status(StrEnum):
    STARTED = "started"
    GRANTED = "granted"
    CONNECTED = "connected"
    AWAITING_APPROVAL = "awaiting_approval"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"
    UNCLAIMED = "unclaimed"

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
    WRONG_WORKSPACE = "wrong_workspace"

    NOVU_UNAUTHORIZED = "novu_unauthorized"
    INTEGRATION_NOT_FOUND = "integration_not_found"
    SUBSCRIBER_NOT_FOUND = "subscriber_not_found"
    IDENTIFIER_TAKEN = "identifier_taken"
    NOVU_REJECTED = "novu_rejected"
    NOVU_UNREACHABLE = "novu_unreachable"

    SUPERSEDED = "superseded"
    GRANT_LOST = "grant_lost"

    TIMED_OUT = "timed_out"
    APPROVAL_NOT_GIVEN = "approval_not_given"
    NOT_CLAIMED = "not_claimed"

    REPLACED = "replaced"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an attempt's timeline."""

    at: datetime
    name: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One person's try at connecting, from the click to its outcome. Its id is also the support code.

    `connection` is the identifier of the channel connection that was made, `has_grant` whether the grant is still kept.
    """

    id: str
    link: InstallLink
    status: Status
    started_at: datetime
    browser_hash: str = field(repr=False)
    reason: Reason | None = None
    detail: str | None = None
    workspace: Workspace | None = None
    app_id: str | None = None
    installer_id: str | None = None
    connection: str | None = None
    is_claimed: bool = False
    has_grant: bool = False
    tried_for: timedelta = timedelta(0)
    tries: int = 0
    round: int = 0
    timeline: tuple[Event, ...] = field(default=(), repr=False)

    @property
    def granted_at(self) -> datetime:
        """When Slack said yes, if it did; otherwise when it began."""
        moments = (event.at for event in self.timeline if event.name in {"granted", "unclaimed"})
        return next(moments, self.started_at)

    @property
    def has_old_token(self) -> bool:
        """Whether its grant waited for a person, perhaps for days: its token may have died meanwhile."""
        return self.round > 0 or any(event.name == Status.UNCLAIMED for event in self.timeline)

    @property
    def idempotency_key(self) -> str:
        """The same for every try of a delivery; another once a person tries again."""
        return f"{self.id}.{self.round}"

    @property
    def is_disconnected(self) -> bool:
        """Whether the customer was disconnected after it, before or after Novu had the connection."""
        return self.reason is Reason.DISCONNECTED or self.was_fenced

    @property
    def was_fenced(self) -> bool:
        """Whether a disconnect kept its grant from being delivered."""
        return self.reason is Reason.SUPERSEDED and self.detail == DISCONNECTED

    @property
    def can_be_retried(self) -> bool:
        """Whether a person can have it delivered: at once if it is on its way, again if Novu refused."""
        return self.status is Status.GRANTED or (self.status is Status.FAILED and self.has_grant)


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """What became of a grant while the store could not be told: connected, or failed because it was lost."""

    status: Status
    workspace: Workspace


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
