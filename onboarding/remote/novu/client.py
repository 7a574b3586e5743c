"""Calls to Novu's channel-connections API. https://docs.novu.co/api-reference/channel-connections"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import quote, urlencode

from onboarding.clock.deadline import Deadline
from onboarding.model import Connection, ConnectionMode, Grant, InstallLink, Owner, Secret
from onboarding.model.errors import IdentifierTaken, NovuError, RefreshRefused
from onboarding.remote.http import Http
from onboarding.remote.novu import wire
from onboarding.remote.novu.calls import Calls
from onboarding.remote.novu.endpoints import Endpoints
from onboarding.remote.novu.wire import Page
from onboarding.settings.apps import NovuSettings

PATH: Final = "/v1/channel-connections"
MOST_PER_PAGE: Final = 100
REFUSED_REFRESH: Final = "refresh failed"
"""In Novu's words. Without them it may have been busy, and nothing is known of the token."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list. `context_keys` is an exact set; an empty one asks for connections without context."""

    integration: str | None = None
    subscriber_id: str | None = None
    context_keys: tuple[str, ...] | None = None
    mode: ConnectionMode | None = None
    channel: str | None = None
    provider: str | None = None
    limit: int = 10
    after: str | None = None
    before: str | None = None
    include_cursor: bool = False
    order_by: Literal["createdAt", "updatedAt"] = "createdAt"
    order_direction: Literal["ASC", "DESC"] = "DESC"

    def to_query(self) -> str:
        fields: dict[str, str | list[str] | None] = {
            "integrationIdentifier": self.integration,
            "subscriberId": self.subscriber_id,
            "contextKeys": None if self.context_keys is None else list(self.context_keys) or "",
            "connectionMode": self.mode.value if self.mode else None,
            "channel": self.channel,
            "providerId": self.provider,
            "limit": str(self.limit),
            "after": self.after,
            "before": self.before,
            "includeCursor": "true" if self.include_cursor else None,
            "orderBy": self.order_by,
            "orderDirection": self.order_direction,
        }
        return urlencode({name: value for name, value in fields.items() if value is not None}, doseq=True)


@dataclass(frozen=True, slots=True)
class Held:
    """The owner of a connection, and its access token unless Novu hides it."""

    owner: str
    token: Secret | None


class Novu:
    """One Novu environment. Every call raises `NovuError` when Novu did not do it."""

    def __init__(self, settings: NovuSettings, http: Http | None = None) -> None:
        self._calls = Calls(settings, http or Http())
        self.endpoints = Endpoints(self._calls)

    def connect(self, link: InstallLink, grant: Grant, key: str, deadline: Deadline) -> Connection:
        """Create the owner's connection or, where one exists, give it this workspace and token.

        `key` makes the whole call idempotent. Raises `IdentifierTaken` when the link's identifier belongs
        to somebody else.
        """
        try:
            return _about(grant, self.create(link, grant, key, deadline))
        except NovuError as error:
            if error.status != 409 or error.is_transient:
                raise
            conflict = error
        existing = self._find(link, deadline)
        if existing is None:
            raise NovuError(conflict.message, retry_after=conflict.retry_after) from None
        key = _update_key(key, existing.identifier)
        return _about(grant, self.update(existing.identifier, grant, key, deadline))

    def list(self, which: Filter, deadline: Deadline) -> Page:
        return wire.read_page(self._calls.call("GET", f"{PATH}?{which.to_query()}", deadline))

    def create(self, link: InstallLink, grant: Grant, key: str, deadline: Deadline) -> Connection:
        body = wire.create_body(link, grant)
        return wire.read_connection(self._calls.call("POST", PATH, deadline, key, body))

    def retrieve(self, identifier: str, deadline: Deadline) -> Connection:
        return wire.read_connection(self._calls.call("GET", _path(identifier), deadline))

    def token(self, identifier: str, deadline: Deadline) -> Secret | None:
        """The connection's access token, unless Novu hides it."""
        return wire.read_token(self._calls.call("GET", _path(identifier), deadline))

    def held(self, identifier: str, deadline: Deadline) -> Held:
        """What is under an identifier, whoever it belongs to."""
        body = self._calls.call("GET", _path(identifier), deadline)
        return Held(wire.read_connection(body).owner.identifier, wire.read_token(body))

    def update(self, identifier: str, grant: Grant, key: str, deadline: Deadline) -> Connection:
        """Replace workspace and token. A grant that does not rotate ends the rotation of the one before."""
        body = wire.update_body(grant)
        return wire.read_connection(self._calls.call("PATCH", _path(identifier), deadline, key, body))

    def delete(self, identifier: str, deadline: Deadline) -> None:
        self._calls.call("DELETE", _path(identifier), deadline)

    def verify(self, identifier: str, key: str, deadline: Deadline) -> Connection:
        """Let Novu prove that it can refresh the connection's token. Does nothing if tokens do not rotate.

        Raises `RefreshRefused` if Slack says no to that.
        """
        try:
            return wire.read_connection(self._calls.call("POST", f"{_path(identifier)}/verify", deadline, key))
        except NovuError as error:
            if REFUSED_REFRESH in error.message.lower():
                raise RefreshRefused(error.message, status=error.status) from None
            raise

    def refreshed(self, identifier: str, key: str, deadline: Deadline) -> Secret | None:
        """The access token of a connection that rotates, after Novu has refreshed it. Raises `RefreshRefused`."""
        self.verify(identifier, key, deadline)
        return self.token(identifier, deadline)

    def rename(self, identifier: str, name: str, key: str, deadline: Deadline) -> Connection:
        """Change what the workspace is called: an update that hands Novu its own token back."""
        held = self._calls.call("GET", _path(identifier), deadline)
        body = wire.renamed_body(held, name)
        return wire.read_connection(self._calls.call("PATCH", _path(identifier), deadline, key, body))

    def each(self, which: Filter, deadline: Callable[[], Deadline]) -> Iterator[Connection]:
        """Every connection, page by page as they are asked for; each page has a deadline of its own."""
        while True:
            page = self.list(which, deadline())
            yield from page.connections
            if page.next is None or page.next == which.after:
                return
            which = replace(which, after=page.next)

    def has_integration(self, identifier: str, deadline: Deadline) -> bool:
        """Whether the environment knows an integration. https://docs.novu.co/api-reference/integrations"""
        return bool(self.integrations(identifier, deadline))

    def integrations(self, identifier: str, deadline: Deadline) -> tuple[wire.Integration, ...]:
        """Those of that name. An older Novu lists all environments of the organisation, so there may be several."""
        found = wire.read_integrations(self._calls.call("GET", "/v1/integrations", deadline))
        return tuple(each for each in found if each.identifier == identifier)

    def has_connections(self, deadline: Deadline) -> bool:
        """Whether this Novu has channel connections at all. An older one answers 404, in whatever words."""
        answer = self._calls.ask("GET", f"{PATH}?limit=1", deadline)
        return answer.status != 404 and wire.read_page(self._calls.read(answer)) is not None

    def _find(self, link: InstallLink, deadline: Deadline) -> Connection | None:
        """The owner's connection: under the link's identifier or, made by another tool, under any."""
        holder = self._holder(link.identifier, deadline)
        if holder and holder.owner == link.owner:
            return holder
        found = self._find_by_owner(link.owner, deadline)
        if found is None and holder:
            raise IdentifierTaken(link.identifier)
        return found

    def _holder(self, identifier: str, deadline: Deadline) -> Connection | None:
        try:
            return self.retrieve(identifier, deadline)
        except NovuError as error:
            if error.status == 404:
                return None
            raise

    def _find_by_owner(self, owner: Owner, deadline: Deadline) -> Connection | None:
        found = self.each(_owned_by(owner), lambda: deadline)
        return next((connection for connection in found if connection.owner == owner), None)


def _about(grant: Grant, connection: Connection) -> Connection:
    """The connection, if Novu's answer is about this grant. If not, asking again finds out what Novu holds."""
    if connection.workspace.id != grant.workspace.id:
        raise NovuError("the answer is about another workspace")
    return connection


def _path(identifier: str) -> str:
    return f"{PATH}/{quote(identifier, safe='')}"


def _owned_by(owner: Owner) -> Filter:
    """Older Novu versions ignore parts of this, so what comes back is compared with the owner again."""
    return Filter(
        integration=owner.integration,
        subscriber_id=owner.subscriber_id,
        context_keys=owner.context_keys,
        mode=ConnectionMode.SUBSCRIBER if owner.subscriber_id else ConnectionMode.SHARED,
        limit=MOST_PER_PAGE,
    )


def _update_key(key: str, identifier: str) -> str:
    """Novu keeps one set of keys for all methods and paths: an update needs one of its own."""
    return f"{key}.update.{hashlib.sha256(identifier.encode()).hexdigest()[:12]}"
