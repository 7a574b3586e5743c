"""An environment's changes as plain JSON, and back.

Reading raises ValueError, TypeError, KeyError or AttributeError for what was never written like that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.model import Connection, Integration

_TEXTS: Final = ("id", "identifier", "provider_id", "channel")


def changes(environment: Environment) -> Iterator[tuple[str, Any]]:
    """What makes an empty environment into this one."""
    yield from (("subscriber", [*each]) for each in environment.subscribers.items())
    yield from (("integration", written(each)) for each in environment.integrations)
    yield from (("context", [*each]) for each in environment.contexts.items())
    yield from (("connection", written(each)) for each in environment.connections)


def apply(environment: Environment, what: str, value: Any) -> None:
    match what:
        case "subscriber":
            subscriber_id, id_ = value
            environment.add_subscriber(text(subscriber_id), text(id_))
        case "integration":
            environment.add_integration(_integration(value))
        case "context":
            key, kept = value
            environment.keep_contexts({text(key): kept})
        case "connection":
            environment.save(_connection(environment, value))
        case "removed":
            environment.remove(value)
        case _:
            raise ValueError(what)


def written(value: object) -> Any:
    if isinstance(value, Connection):
        return {
            "id": value.id,
            "identifier": value.identifier,
            "integration": value.integration.identifier,
            "subscriber_id": value.subscriber_id,
            "context_keys": value.context_keys,
            "workspace": value.workspace,
            "auth": value.auth,
            "created_at": value.created_at.isoformat(),
            "updated_at": value.updated_at.isoformat(),
        }
    if isinstance(value, Integration):
        return {name: getattr(value, name) for name in (*_TEXTS, "credentials")}
    return value


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _integration(value: dict[str, Any]) -> Integration:
    id_, identifier, provider_id, channel = (text(value[name]) for name in _TEXTS)
    return Integration(id_, identifier, provider_id, channel, dict(value["credentials"]))


def _connection(environment: Environment, value: dict[str, Any]) -> Connection:
    integration = environment.integration(value["integration"])
    if integration is None:
        raise ValueError("integration")
    subscriber_id = value["subscriber_id"]
    return Connection(
        id=text(value["id"]),
        identifier=text(value["identifier"]),
        integration=integration,
        subscriber_id=None if subscriber_id is None else text(subscriber_id),
        context_keys=tuple(map(text, value["context_keys"])),
        workspace=value["workspace"],
        auth=dict(value["auth"]),
        created_at=datetime.fromisoformat(value["created_at"]),
        updated_at=datetime.fromisoformat(value["updated_at"]),
    )
