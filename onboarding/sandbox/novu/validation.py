"""Checks the shape of request bodies and words the complaints as class-validator does at Novu."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from onboarding.sandbox.novu import contexts, endpoint_types
from onboarding.sandbox.novu.answer import ValidationFailed

MODES: Final = ("subscriber", "shared")


def check_create(body: Any) -> dict[str, Any]:
    """The body, when it passes. An array or nothing at all fails like an empty object."""
    body = body if isinstance(body, dict) else {}
    messages = [
        *_optional_text(body, "identifier"),
        *_optional_text(body, "subscriberId"),
        *_context(body),
        *_mode(body),
        *_text(body, "integrationIdentifier"),
        *_workspace_and_auth(body),
    ]
    return _passed(body, messages)


def check_update(body: Any) -> dict[str, Any]:
    body = body if isinstance(body, dict) else {}
    return _passed(body, [*_workspace_and_auth(body)])


def check_endpoint_create(body: Any) -> dict[str, Any]:
    body = body if isinstance(body, dict) else {}
    messages = [
        *_optional_text(body, "identifier"),
        *_text(body, "subscriberId"),
        *_create_subscriber(body),
        *_context(body),
        *_text(body, "integrationIdentifier"),
        *_optional_text(body, "connectionIdentifier"),
        *_typed_endpoint(body),
    ]
    return _passed(body, messages)


def check_endpoint_update(body: Any) -> dict[str, Any]:
    """Its format depends on the type of what is there, so that is for later."""
    body = body if isinstance(body, dict) else {}
    return _passed(body, [*_endpoint(body)])


def check_trigger(body: Any) -> dict[str, Any]:
    """`to` has words of its own, later."""
    body = body if isinstance(body, dict) else {}
    messages = [
        *(_text(body, "name") if body.get("workflowId") is None else _optional_text(body, "name")),
        *_optional_text(body, "workflowId"),
        *(["to should not be null or undefined"] if body.get("to") is None else []),
        *_optional_object(body, "payload"),
        *_optional_object(body, "overrides"),
        *_optional_text(body, "transactionId"),
        *_context(body),
    ]
    return _passed(body, messages)


def check_texts(body: Any, *names: str) -> dict[str, Any]:
    """For the small bodies: every name must be there and be text."""
    body = body if isinstance(body, dict) else {}
    return _passed(body, [message for name in names for message in _text(body, name)])


def _passed(body: dict[str, Any], messages: list[str]) -> dict[str, Any]:
    if messages:
        raise ValidationFailed(messages)
    return body


def _workspace_and_auth(body: dict[str, Any]) -> Iterator[str]:
    yield from _nested(body, "workspace", _workspace)
    yield from _nested(body, "auth", _auth)


def _workspace(value: dict[str, Any], path: str) -> Iterator[str]:
    yield from _text(value, "id", path)
    yield from _optional_text(value, "name", path)
    yield from _optional_text(value, "botUserId", path)


def _auth(value: dict[str, Any], path: str) -> Iterator[str]:
    yield from _text(value, "accessToken", path)
    for name in ("refreshToken", "expiresAt", "refreshTokenExpiresAt"):
        yield from _optional_text(value, name, path)


def _nested(body: dict[str, Any], name: str, check: Callable[[dict[str, Any], str], Iterator[str]]) -> Iterator[str]:
    value = body.get(name)
    if value is None:
        yield f"{name} should not be null or undefined"
    if isinstance(value, dict):
        yield from check(value, f"{name}.")
    elif isinstance(value, list):
        yield from _each(value, name, check)
    elif name in body:
        yield f"nested property {name} must be either object or array"


def _each(items: list[Any], name: str, check: Callable[[dict[str, Any], str], Iterator[str]]) -> Iterator[str]:
    """class-validator takes an array for a list of nested objects, so an empty one passes."""
    for index, item in enumerate(items):
        if isinstance(item, dict):
            yield from check(item, f"{name}.{index}.")
        else:
            yield f"each value in nested property {name} must be either object or array"


def _text(body: dict[str, Any], name: str, path: str = "") -> Iterator[str]:
    if body.get(name) is None:
        yield f"{path}{name} should not be null or undefined"
    if not isinstance(body.get(name), str):
        yield f"{path}{name} must be a string"


def _optional_text(body: dict[str, Any], name: str, path: str = "") -> Iterator[str]:
    if not isinstance(body.get(name), str | None):
        yield f"{path}{name} must be a string"


def _optional_object(body: dict[str, Any], name: str) -> Iterator[str]:
    if not isinstance(body.get(name), dict | None):
        yield f"{name} must be an object"


def _create_subscriber(body: dict[str, Any]) -> Iterator[str]:
    if not isinstance(body.get("createSubscriberIfMissing"), bool | None):
        yield "createSubscriberIfMissing must be a boolean value"


def _typed_endpoint(body: dict[str, Any]) -> Iterator[str]:
    type_ = body.get("type")
    if type_ is None:
        yield "type should not be null or undefined"
    if type_ not in endpoint_types.TYPES:
        yield f"type must be one of the following values: {', '.join(endpoint_types.TYPES)}"
        yield from _endpoint(body)
    elif body.get("endpoint") is None:
        yield from _endpoint(body)
    else:
        yield from endpoint_types.complaints(type_, body["endpoint"])


def _endpoint(body: dict[str, Any]) -> Iterator[str]:
    if body.get("endpoint") is None:
        yield "endpoint should not be null or undefined"
    if not isinstance(body.get("endpoint"), dict):
        yield "endpoint must be an object"


def _context(body: dict[str, Any]) -> Iterator[str]:
    complaint = None if body.get("context") is None else contexts.complaint(body["context"])
    if complaint:
        yield complaint


def _mode(body: dict[str, Any]) -> Iterator[str]:
    mode = body.get("connectionMode")
    if mode is not None and mode not in MODES:
        yield "connectionMode must be one of the following values: subscriber, shared"
    if not isinstance(mode, str | None):
        yield "connectionMode must be a string"
