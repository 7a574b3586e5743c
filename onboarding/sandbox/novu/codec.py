"""An environment's changes as plain JSON, and back.

Reading raises ValueError, TypeError, KeyError or AttributeError for anything that was not written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.model import Connection, Endpoint, Integration

_TEXTS: Final = ("id", "identifier", "provider_id", "channel")


def changes(environment: Environment) -> Iterator[tuple[str, Any]]:
    """What makes an empty environment into this one."""
    yield from (("subscriber", [*each]) for each in environment.subscribers.items())
    yield from (("integration", written(each)) for each in environment.integrations)
    yield from (("context", [*each]) for each in environment.contexts.items())
    yield from (("connection", written(each)) for each in environment.connections)
    yield from (("endpoint", written(each)) for each in environment.endpoints)


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
            environment.channel_connections.save(_connection(environment, value))
        case "removed":
            environment.channel_connections.remove(value)
        case "endpoint":
            environment.channel_endpoints.save(_endpoint(environment, value))
        case "endpoint removed":
            environment.channel_endpoints.remove(value)
        case _:
            raise ValueError(what)


def written(value: object) -> Any:
    if isinstance(value, Connection):
        return {**_of_both(value), "workspace": value.workspace, "auth": value.auth}
    if isinstance(value, Endpoint):
        more = {"connection": value.connection_identifier, "type": value.type, "endpoint": value.endpoint}
        return {**_of_both(value), **more}
    if isinstance(value, Integration):
        return {name: getattr(value, name) for name in (*_TEXTS, "credentials")}
    return value


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _optional_text(value: Any) -> str | None:
    return None if value is None else text(value)


def _of_both(value: Connection | Endpoint) -> dict[str, Any]:
    return {
        "id": value.id,
        "identifier": value.identifier,
        "integration": value.integration.identifier,
        "subscriber_id": value.subscriber_id,
        "context_keys": value.context_keys,
        "created_at": value.created_at.isoformat(),
        "updated_at": value.updated_at.isoformat(),
    }


def _read_both(environment: Environment, value: dict[str, Any]) -> dict[str, Any]:
    integration = environment.integration(value["integration"])
    if integration is None:
        raise ValueError("integration")
    return {
        "id": text(value["id"]),
        "identifier": text(value["identifier"]),
        "integration": integration,
        "context_keys": tuple(map(text, value["context_keys"])),
        "created_at": datetime.fromisoformat(value["created_at"]),
        "updated_at": datetime.fromisoformat(value["updated_at"]),
    }


def _integration(value: dict[str, Any]) -> Integration:
    id_, identifier, provider_id, channel = (text(value[name]) for name in _TEXTS)
    return Integration(id_, identifier, provider_id, channel, dict(value["credentials"]))


def _connection(environment: Environment, value: dict[str, Any]) -> Connection:
    return Connection(
        **_read_both(environment, value),
        subscriber_id=_optional_text(value["subscriber_id"]),
        workspace=value["workspace"],
        auth=dict(value["auth"]),
    )


def _endpoint(environment: Environment, value: dict[str, Any]) -> Endpoint:
    return Endpoint(
        **_read_both(environment, value),
        subscriber_id=text(value["subscriber_id"]),
        connection_identifier=_optional_text(value["connection"]),
        type=text(value["type"]),
        endpoint={text(name): text(part) for name, part in value["endpoint"].items()},
    )
