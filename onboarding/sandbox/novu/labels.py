"""What lists filter by: the labels that a connection and an endpoint bear."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeAlias

from onboarding.sandbox.novu.model import Connection, Endpoint

Label: TypeAlias = tuple[str, Any]
"""A field's name in a list's query, and one value of it."""


def owner(integration: str, subscriber_id: str | None, context_keys: Collection[str]) -> Label:
    """The label that the connections of one owner share."""
    return "owner", (integration, subscriber_id, frozenset(context_keys))


def audience(subscriber_id: str, context_keys: Collection[str]) -> Label:
    """The label that the endpoints share which one notification goes to."""
    return "audience", (subscriber_id, frozenset(context_keys))


def of_connection(row: Connection) -> set[Label]:
    shared = row.subscriber_id is None
    labels = _of_both(row) | {
        ("connectionMode", "shared" if shared else "subscriber"),
        owner(row.integration.identifier, row.subscriber_id, row.context_keys),
    }
    return labels if shared else labels | {("subscriberId", row.subscriber_id)}


def of_endpoint(row: Endpoint) -> set[Label]:
    labels = _of_both(row) | {("subscriberId", row.subscriber_id), audience(row.subscriber_id, row.context_keys)}
    connection = row.connection_identifier
    return labels if connection is None else labels | {("connectionIdentifier", connection)}


def _of_both(row: Connection | Endpoint) -> set[Label]:
    return {
        ("integrationIdentifier", row.integration.identifier),
        ("channel", row.integration.channel),
        ("providerId", row.integration.provider_id),
        ("contextKeys", frozenset(row.context_keys)),
    }
