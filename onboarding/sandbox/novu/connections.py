"""Channel connections: create, retrieve, update, delete, verify, with Novu's checks in Novu's order.

Each is one step under the environment's lock. Novu's own check-then-insert can let two racing creates both win;
this one never does.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from onboarding.sandbox.novu import labels
from onboarding.sandbox.novu.answer import Crash, NovuError
from onboarding.sandbox.novu.checks import existing, find_integration, free_identifier, keep_contexts, no_subscriber
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.model import Connection, Integration, iso, new_id

ROTATING: Final = frozenset({"slack", "novu-slack", "webex-messaging"})
MANAGED: Final = "novu-slack"
AUTH_FIELDS: Final = ("refreshToken", "expiresAt", "refreshTokenExpiresAt")
REFRESH_BUSY: Final = "A token refresh for the Slack channel connection is already in progress."
REFRESH_FAILED: Final = "Slack token refresh failed"
TOKEN_LIFETIME: Final = timedelta(hours=12)


def create(environment: Environment, body: Mapping[str, Any], failure: str | None = None) -> Connection:
    """`failure` makes one of the checks fail that would have passed."""
    subscriber_id, context = body.get("subscriberId") or None, body.get("context")
    with environment.lock:
        _check_mode(body.get("connectionMode"), subscriber_id, context)
        integration = find_integration(environment, body["integrationIdentifier"], failure)
        auth = _settle_auth(integration, body["auth"])
        keys = keep_contexts(environment, context)
        if failure == "subscriber_missing" or not _exists(environment, subscriber_id):
            raise no_subscriber(subscriber_id)
        _check_unique(environment, integration, subscriber_id, keys)
        identifier = free_identifier(environment, environment.channel_connections, body.get("identifier"), failure)
        if failure == "duplicate_key":
            raise Crash
        now = datetime.now(UTC)
        connection = Connection(
            id=new_id(),
            identifier=identifier,
            integration=integration,
            subscriber_id=None if body.get("connectionMode") == "shared" else subscriber_id,
            context_keys=keys,
            workspace=body["workspace"],
            auth=auth,
            created_at=now,
            updated_at=now,
        )
        environment.channel_connections.save(connection)
        return connection


def retrieve(environment: Environment, identifier: str) -> Connection:
    return existing(environment.channel_connections, identifier)


def update(environment: Environment, identifier: str, body: Mapping[str, Any]) -> Connection:
    """Replaces workspace and auth whole; nothing else of a connection can change."""
    with environment.lock:
        before = environment.channel_connections.get(identifier)
        if before is None:
            raise NovuError(404, f'Channel connection with identifier "{identifier}" not found')
        connection = replace(
            before,
            workspace=body["workspace"],
            auth=_settle_auth(before.integration, body["auth"]),
            updated_at=datetime.now(UTC),
        )
        environment.channel_connections.save(connection)
        return connection


def verify(environment: Environment, identifier: str, failure: str | None = None) -> Connection:
    """Trades the refresh token for a new pair, made up here. Does nothing for a token that does not rotate."""
    with environment.lock:
        before = retrieve(environment, identifier)
        if not before.auth.get("refreshToken"):
            return before
        if failure == "refresh_busy":
            raise NovuError(502, f"{REFRESH_BUSY} Retry the verification in a few seconds.")
        if failure == "refresh_failed":
            raise NovuError(502, f"{REFRESH_FAILED}: invalid_refresh_token. Reconnect the Slack channel connection.")
        now = datetime.now(UTC)
        connection = replace(before, auth={**before.auth, **_fresh_pair(now)}, updated_at=now)
        environment.channel_connections.save(connection)
        return connection


def delete(environment: Environment, identifier: str) -> None:
    with environment.lock:
        environment.channel_connections.remove(retrieve(environment, identifier).identifier)


def view(connection: Connection) -> dict[str, Any]:
    """The object as Novu sends it, token and all."""
    auth = {"accessToken": connection.token}
    auth |= {name: connection.auth[name] for name in AUTH_FIELDS if connection.auth.get(name) is not None}
    return {
        "identifier": connection.identifier,
        "channel": connection.integration.channel,
        "providerId": connection.integration.provider_id,
        "integrationIdentifier": connection.integration.identifier,
        "subscriberId": connection.subscriber_id,
        "contextKeys": list(connection.context_keys),
        "workspace": connection.workspace,
        "auth": auth,
        "createdAt": iso(connection.created_at),
        "updatedAt": iso(connection.updated_at),
    }


def _check_mode(mode: str | None, subscriber_id: str | None, context: Any) -> None:
    if mode == "shared" and context is None:
        raise NovuError(400, 'context is required when connectionMode is "shared"')
    if mode == "subscriber" and subscriber_id is None:
        raise NovuError(400, 'subscriberId is required when connectionMode is "subscriber"')
    if subscriber_id is None and context is None:
        raise NovuError(400, "Either subscriberId or context must be provided")


def _exists(environment: Environment, subscriber_id: str | None) -> bool:
    return subscriber_id is None or environment.has_subscriber(subscriber_id)


def _settle_auth(integration: Integration, sent: Any) -> dict[str, Any]:
    auth: dict[str, Any] = sent if isinstance(sent, dict) else {}
    if not auth.get("refreshToken"):
        return auth
    if integration.provider_id not in ROTATING:
        message = f'Token rotation is not supported for provider "{integration.provider_id}".'
        raise NovuError(400, f"{message} Remove refreshToken from the connection auth.")
    credentials = integration.credentials
    if integration.provider_id != MANAGED and not (credentials.get("clientId") and credentials.get("secretKey")):
        message = f'Integration "{integration.identifier}" must have clientId and secretKey configured'
        raise NovuError(400, f"{message} to store a rotating refresh token.")
    return {**auth, "expiresAt": auth.get("expiresAt") or iso(datetime.now(UTC))}


def _check_unique(
    environment: Environment, integration: Integration, subscriber_id: str | None, keys: tuple[str, ...]
) -> None:
    """Asks for the subscriber that was sent, although `shared` stores none: Novu overlooks those duplicates too."""
    other = environment.channel_connections.index.oldest(labels.owner(integration.identifier, subscriber_id, keys))
    if other is not None:
        subscriber = f'subscriberId "{subscriber_id}"' if subscriber_id else "no subscriberId"
        context = f"context [{', '.join(keys)}]" if keys else "no context"
        raise NovuError(
            409,
            f'A channel connection already exists for integration "{integration.identifier}"'
            f" with {subscriber} and {context}. Connection ID: {other.identifier}",
        )


def _fresh_pair(now: datetime) -> dict[str, str]:
    return {
        "accessToken": f"xoxe.xoxb-1-{secrets.token_urlsafe(48)}",
        "refreshToken": f"xoxe-1-{secrets.token_urlsafe(48)}",
        "expiresAt": iso(now + TOKEN_LIFETIME),
    }
