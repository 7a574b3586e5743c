"""The nouns of the local Novu, in Novu's own words. Plain values, so that they could be written to a file."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

_PROCESS: Final = secrets.token_hex(5)
_COUNTER: Final = itertools.count(secrets.randbelow(2**20))


@dataclass(frozen=True, slots=True)
class Integration:
    id: str
    identifier: str
    provider_id: str
    channel: str
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """A channel connection. `id` is the cursor in lists; `identifier` is what everybody else calls it by.

    `workspace` is whatever JSON object (or, as at Novu, array) was sent: unknown fields survive in it.
    """

    id: str
    identifier: str
    integration: Integration
    subscriber_id: str | None
    context_keys: tuple[str, ...]
    workspace: Any
    auth: Mapping[str, Any] = field(repr=False)
    created_at: datetime
    updated_at: datetime

    @property
    def token(self) -> str:
        return str(self.auth.get("accessToken") or "")

    @property
    def workspace_id(self) -> str:
        return self._of_workspace("id")

    @property
    def workspace_name(self) -> str:
        return self._of_workspace("name")

    def _of_workspace(self, name: str) -> str:
        return str(self.workspace.get(name) or "") if isinstance(self.workspace, dict) else ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A channel endpoint: where the messages for one subscriber in one context go, and by which connection.

    `endpoint` is what its type asks for. An incoming webhook's address is as good as a token.
    """

    id: str
    identifier: str
    integration: Integration
    connection_identifier: str | None
    subscriber_id: str
    context_keys: tuple[str, ...]
    type: str
    endpoint: Mapping[str, str] = field(repr=False)
    created_at: datetime
    updated_at: datetime

    @property
    def target(self) -> str:
        """Where messages go, in a few words and without what must not be shown."""
        if self.type == "webhook":
            return self.endpoint.get("channel") or "a webhook"
        return ", ".join(value for name, value in self.endpoint.items() if name != "authToken")


class Kept(Protocol):
    """What lists hold: connections, endpoints."""

    @property
    def id(self) -> str: ...
    @property
    def identifier(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def updated_at(self) -> datetime: ...


Row = TypeVar("Row", bound=Kept)


def new_id() -> str:
    """24 hex digits that grow with time, as a Mongo `_id` does."""
    seconds = int(datetime.now(UTC).timestamp()) & 0xFFFFFFFF
    return f"{seconds:08x}{_PROCESS}{next(_COUNTER) & 0xFFFFFF:06x}"


def made_at(id_: str) -> datetime:
    return datetime.fromtimestamp(int(id_[:8], 16), UTC)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
