"""Two clients of one API, made alike: Novu's official one for Python, and ours.

Each raises `Refused` where Novu did not do it, with the status and the words that reached the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import httpx
from novu_py import Novu as OfficialNovu
from novu_py import models, utils

from onboarding.clock.deadline import Deadline
from onboarding.model import Connection, ConnectionMode, Context, Grant, InstallLink, Secret, Workspace
from onboarding.model.errors import NovuError
from onboarding.remote.novu import Filter, Novu
from onboarding.settings.apps import NovuSettings

KEY: Final = "sandbox-novu-key"
NEVER: Final = utils.RetryConfig("none", utils.BackoffStrategy(1, 1, 1.0, 1, 0), False)
BRIEFLY: Final = utils.RetryConfig("backoff", utils.BackoffStrategy(100, 100, 1.0, 400, 0), False)
"""Tries again for less than half a second; the default is an hour."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What both clients are asked to create, and the workspace and auth of an update."""

    identifier: str = "mine"
    subscriber: str | None = "subscriber-123"
    integration: str = "slack-prod"
    context: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    mode: str = "subscriber"
    workspace: str = "T9TK3CUKW"
    token: str = "xoxb-1-2-secret"
    refresh: str | None = None
    expires_at: datetime | None = None
    bot_user: str | None = None

    def but(self, **changes: Any) -> Ask:
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Seen:
    """A channel connection as a client gave it to its caller."""

    identifier: str
    integration: str
    subscriber: str | None
    context_keys: tuple[str, ...]
    workspace: tuple[str, str | None]
    channel: str
    provider: str


@dataclass(frozen=True, slots=True)
class SeenPage:
    rows: tuple[Seen, ...]
    next: str | None
    previous: str | None
    total: int | None


class Refused(Exception):
    """`status` None: no answer, or none that the client could read. `kind` is the client's own exception."""

    def __init__(self, status: int | None, message: str, kind: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.kind = kind


class Client(Protocol):
    def create(self, ask: Ask, key: str = "") -> Seen: ...
    def retrieve(self, identifier: str) -> Seen: ...
    def update(self, identifier: str, ask: Ask, key: str = "") -> Seen: ...
    def delete(self, identifier: str) -> None: ...
    def list(self, **query: Any) -> SeenPage: ...


class Official:
    """novu-py, told not to try again and given a key of its own for each call unless one is chosen."""

    def __init__(self, url: str, secret_key: str = KEY) -> None:
        self.sdk = OfficialNovu(secret_key=secret_key, server_url=url, retry_config=NEVER, timeout_ms=5000)

    def create(self, ask: Ask, key: str = "") -> Seen:
        body: dict[str, Any] = {
            "identifier": ask.identifier,
            "subscriber_id": ask.subscriber,
            "integration_identifier": ask.integration,
            "context": dict(ask.context) or None,
            "connection_mode": ask.mode,
            **_official_grant(ask),
        }
        calls: Any = self.sdk.channel_connections
        return _ask(lambda: calls.create(create_channel_connection_request_dto=body, idempotency_key=key or None))

    def retrieve(self, identifier: str) -> Seen:
        return _ask(lambda: self.sdk.channel_connections.retrieve(identifier=identifier))

    def update(self, identifier: str, ask: Ask, key: str = "") -> Seen:
        calls: Any = self.sdk.channel_connections
        body = _official_grant(ask)
        return _ask(
            lambda: calls.update(
                identifier=identifier, update_channel_connection_request_dto=body, idempotency_key=key or None
            )
        )

    def delete(self, identifier: str) -> None:
        _refusing(lambda: self.sdk.channel_connections.delete(identifier=identifier))

    def list(self, **query: Any) -> SeenPage:
        calls: Any = self.sdk.channel_connections
        page = _refusing(lambda: calls.list(request=query)).result
        return SeenPage(tuple(map(_official_seen, page.data)), page.next, page.previous, int(page.total_count))


class Ours:
    """`onboarding.remote.novu.Novu`, one try per call."""

    def __init__(self, url: str, secret_key: str = KEY) -> None:
        self.novu = Novu(NovuSettings(url, Secret(secret_key), "slack-prod"))

    def create(self, ask: Ask, key: str = "") -> Seen:
        return _our_ask(lambda: self.novu.create(link_of(ask), grant_of(ask), key, Deadline(5)))

    def retrieve(self, identifier: str) -> Seen:
        return _our_ask(lambda: self.novu.retrieve(identifier, Deadline(5)))

    def update(self, identifier: str, ask: Ask, key: str = "") -> Seen:
        return _our_ask(lambda: self.novu.update(identifier, grant_of(ask), key, Deadline(5)))

    def verify(self, identifier: str, key: str = "") -> Seen:
        return _our_ask(lambda: self.novu.verify(identifier, key, Deadline(5)))

    def delete(self, identifier: str) -> None:
        _our_refusing(lambda: self.novu.delete(identifier, Deadline(5)))

    def list(self, **query: Any) -> SeenPage:
        page = _our_refusing(lambda: self.novu.list(_filter(query), Deadline(5)))
        return SeenPage(tuple(map(_our_seen, page.connections)), page.next, page.previous, page.total)


def link_of(ask: Ask) -> InstallLink:
    return InstallLink(
        id="link",
        subscriber_id=ask.subscriber,
        contexts=tuple(_context(type_, entry) for type_, entry in ask.context.items()),
        mode=ConnectionMode(ask.mode),
        integration=ask.integration,
        identifier=ask.identifier,
        account=None,
        return_url=None,
        expires_at=datetime.max.replace(tzinfo=UTC),
    )


def grant_of(ask: Ask) -> Grant:
    return Grant(
        workspace=Workspace(ask.workspace, "Acme HQ"),
        bot_token=Secret(ask.token),
        scopes=frozenset(),
        granted_at=datetime.now(UTC),
        bot_user_id=ask.bot_user,
        refresh_token=Secret(ask.refresh) if ask.refresh else None,
        expires_at=ask.expires_at,
    )


def _context(type_: str, entry: str | Mapping[str, Any]) -> Context:
    return Context(type_, entry) if isinstance(entry, str) else Context(type_, entry["id"], entry.get("data"))


def _official_grant(ask: Ask) -> dict[str, Any]:
    expires_at = ask.expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if ask.expires_at else None
    return {
        "workspace": {"id": ask.workspace, "name": "Acme HQ", "bot_user_id": ask.bot_user},
        "auth": {"access_token": ask.token, "refresh_token": ask.refresh, "expires_at": expires_at},
    }


def _ask(call: Any) -> Seen:
    return _official_seen(_refusing(call).result)


def _refusing(call: Any) -> Any:
    try:
        return call()
    except models.NovuError as error:
        raise Refused(error.status_code, _message(error.raw_response), type(error).__name__) from error
    except httpx.HTTPError as error:
        raise Refused(None, str(error), type(error).__name__) from error


def _message(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return response.text
    return str(body.get("message", "")) if isinstance(body, dict) else response.text


def _official_seen(row: Any) -> Seen:
    workspace = row.workspace.id, row.workspace.name
    keys = tuple(row.context_keys)
    place = row.channel.value, row.provider_id.value
    return Seen(row.identifier, row.integration_identifier, row.subscriber_id, keys, workspace, *place)


def _our_ask(call: Any) -> Seen:
    return _our_seen(_our_refusing(call))


def _our_refusing(call: Any) -> Any:
    try:
        return call()
    except NovuError as error:
        raise Refused(error.status, error.message, type(error).__name__) from error


def _our_seen(row: Connection) -> Seen:
    workspace = row.workspace.id, row.workspace.name
    return Seen(
        row.identifier, row.integration, row.subscriber_id, row.context_keys, workspace, row.channel, row.provider
    )


def _filter(query: dict[str, Any]) -> Filter:
    """The official client's names for what ours calls otherwise."""
    names = {
        "integration_identifier": "integration",
        "connection_mode": "mode",
        "provider_id": "provider",
    }
    fields = {names.get(name, name): value for name, value in query.items()}
    if "mode" in fields:
        fields["mode"] = ConnectionMode(fields["mode"])
    if "context_keys" in fields:
        fields["context_keys"] = tuple(filter(None, fields["context_keys"]))
    return Filter(**fields)
