"""Channel endpoints: create, retrieve, update, delete, with Novu's checks in Novu's order.

An endpoint says where a subscriber's messages go; the token comes from the connection that it names. Nothing checks
that the two have the same subscriber or context, and nothing removes an endpoint whose connection goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from onboarding.sandbox.novu.answer import Crash, NovuError
from onboarding.sandbox.novu.checks import existing, find_integration, free_identifier, keep_contexts, no_subscriber
from onboarding.sandbox.novu.endpoint_types import matches, mismatch
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.model import Endpoint, Integration, iso, new_id

HINT: Final = ". Pass createSubscriberIfMissing: true to create it, or provision it via POST /v1/subscribers."


def create(environment: Environment, body: Mapping[str, Any], failure: str | None = None) -> Endpoint:
    """`failure` makes one of the checks fail that would have passed."""
    with environment.lock:
        integration = find_integration(environment, body["integrationIdentifier"], failure)
        keys = keep_contexts(environment, body.get("context"))
        _settle_subscriber(environment, body, failure)
        identifier = free_identifier(environment, environment.channel_endpoints, body.get("identifier"), failure)
        connection = _find_connection(environment, integration, body.get("connectionIdentifier"), failure)
        if failure == "duplicate_key":
            raise Crash
        now = datetime.now(UTC)
        endpoint = Endpoint(
            id=new_id(),
            identifier=identifier,
            integration=integration,
            connection_identifier=connection,
            subscriber_id=body["subscriberId"],
            context_keys=keys,
            type=body["type"],
            endpoint=body["endpoint"],
            created_at=now,
            updated_at=now,
        )
        environment.channel_endpoints.save(endpoint)
        return endpoint


def retrieve(environment: Environment, identifier: str) -> Endpoint:
    return existing(environment.channel_endpoints, identifier)


def update(environment: Environment, identifier: str, body: Mapping[str, Any]) -> Endpoint:
    """Replaces the target whole, by another of the same type; nothing else of an endpoint can change."""
    with environment.lock:
        before = environment.channel_endpoints.get(identifier)
        if before is None:
            message = f'Channel endpoint with identifier "{identifier}" not found in environment'
            raise NovuError(404, f'{message} "{environment.id}"')
        if not matches(before.type, body["endpoint"]):
            raise NovuError(400, mismatch(before.type))
        endpoint = replace(before, endpoint=body["endpoint"], updated_at=datetime.now(UTC))
        environment.channel_endpoints.save(endpoint)
        return endpoint


def delete(environment: Environment, identifier: str) -> None:
    with environment.lock:
        environment.channel_endpoints.remove(retrieve(environment, identifier).identifier)


def view(endpoint: Endpoint) -> dict[str, Any]:
    """The object as Novu sends it, a webhook's address and all."""
    return {
        "identifier": endpoint.identifier,
        "channel": endpoint.integration.channel,
        "providerId": endpoint.integration.provider_id,
        "integrationIdentifier": endpoint.integration.identifier,
        "connectionIdentifier": endpoint.connection_identifier,
        "subscriberId": endpoint.subscriber_id,
        "contextKeys": list(endpoint.context_keys),
        "type": endpoint.type,
        "endpoint": dict(endpoint.endpoint),
        "createdAt": iso(endpoint.created_at),
        "updatedAt": iso(endpoint.updated_at),
    }


def _settle_subscriber(environment: Environment, body: Mapping[str, Any], failure: str | None) -> None:
    subscriber_id = body["subscriberId"]
    if failure == "subscriber_missing":
        # In the words of an older Novu, which does not know `createSubscriberIfMissing` either.
        raise no_subscriber(subscriber_id)
    if environment.has_subscriber(subscriber_id):
        return
    if not (subscriber_id and body.get("createSubscriberIfMissing")):
        raise no_subscriber(subscriber_id, HINT)
    environment.add_subscriber(subscriber_id)


def _find_connection(
    environment: Environment, integration: Integration, identifier: str | None, failure: str | None
) -> str | None:
    """Its identifier. Only the integration has to be the same."""
    if not identifier:
        return None
    connection = environment.channel_connections.get(identifier)
    is_there = connection is not None and connection.integration.identifier == integration.identifier
    if failure == "connection_missing" or not is_there:
        raise NovuError(404, f"Channel connection not found: {identifier}")
    return identifier
