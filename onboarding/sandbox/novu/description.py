"""The local Novu's API as an OpenAPI 3.1 document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from onboarding.sandbox.novu.listing import CONNECTIONS, ENDPOINTS, MOST, Filters
from onboarding.sandbox.novu.schemas import SCHEMAS, TEXT, Schema, ref

CONNECTIONS_AT: Final = "/v1/channel-connections"
ENDPOINTS_AT: Final = "/v1/channel-endpoints"
ONE: Final = "{identifier}"
IDENTIFIER: Final = {"name": "identifier", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Honoured where idempotency is switched on: at most 255 characters, kept for a day.",
    "schema": TEXT,
}
CURSOR: Final = {"type": "string", "pattern": "^([0-9a-fA-F]{24})?$"}
LIMIT: Final = {"anyOf": [{"type": "number", "minimum": 0, "maximum": MOST}, {"const": ""}]}
CURSORS: Final[dict[str, Schema]] = {
    "limit": {**LIMIT, "description": "10 where it is absent, empty or 0."},
    "after": {**CURSOR, "description": "A `next` cursor; an id that nothing has gives an empty page."},
    "before": {**CURSOR, "description": "A `previous` cursor."},
    "includeCursor": {**TEXT, "description": "Only `true` is true."},
}
CONTEXT_KEYS: Final = {
    "name": "contextKeys",
    "in": "query",
    "description": "The exact set, in any order, a key each; one empty value asks for those without context.",
    "schema": {"type": "array", "items": TEXT},
    "style": "form",
    "explode": True,
}
RATE_LIMIT: Final = {
    f"RateLimit-{name}": {"schema": schema}
    for name, schema in {
        "Limit": {"type": "integer"},
        "Remaining": {"type": "integer"},
        "Reset": {"type": "integer"},
        "Policy": TEXT,
    }.items()
}
ALWAYS: Final = (401, 404, 429, 500, 503)
"""Wrong key; nothing there or the feature is off; too often; crashed; the limiter is not available."""
SENT: Final = (400, 409, 413, 422)
"""Not JSON or against a rule; owner, identifier or key in use; too large; fields, or a key with another body."""


def document() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Local Novu",
            "version": "1",
            "description": "Channel connections and endpoints as at Novu, what they need around them, and triggers.",
        },
        "security": [{"secretKey": []}],
        "paths": {
            CONNECTIONS_AT: _collection("Connection", CONNECTIONS, "verify"),
            f"{CONNECTIONS_AT}/{ONE}": _one("Connection"),
            f"{CONNECTIONS_AT}/{ONE}/verify": {"parameters": [IDENTIFIER], "post": _verify()},
            ENDPOINTS_AT: _collection("Endpoint", ENDPOINTS),
            f"{ENDPOINTS_AT}/{ONE}": _one("Endpoint"),
            "/v1/events/trigger": {"post": _trigger()},
            "/v2/subscribers": {"post": _added("addSubscriber", "CreateSubscriber", "WrappedSubscriber")},
            "/v1/integrations": {
                "get": _operation("listIntegrations", {"200": _answer("WrappedIntegrations")}, (401, 500)),
                "post": _added("addIntegration", "CreateIntegration", "WrappedIntegration"),
            },
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "secretKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`ApiKey <secret key>`",
                }
            },
        },
    }


def _collection(noun: str, filters: Filters, *more: str) -> Schema:
    return {"get": _list(noun, filters), "post": _create(noun, more)}


def _one(noun: str) -> Schema:
    return {"parameters": [IDENTIFIER], "get": _retrieve(noun), "patch": _update(noun), "delete": _delete(noun)}


def _list(noun: str, filters: Filters) -> Schema:
    choices: dict[str, Schema] = {name: {"enum": ["", *choices]} for name, choices in filters.choices.items()}
    fields = {**CURSORS, **dict.fromkeys(filters.exact, TEXT), **choices}
    parameters = [{"name": name, "in": "query", "schema": schema} for name, schema in fields.items()]
    operation = _operation(f"list{noun}s", {"200": _governed(f"{noun}Page")}, (*ALWAYS, 400, 422))
    return {**operation, "parameters": [*parameters, CONTEXT_KEYS]}


def _create(noun: str, more: tuple[str, ...]) -> Schema:
    answers = {"201": {**_governed(f"Wrapped{noun}"), "links": _links(noun, more)}}
    operation = _operation(f"create{noun}", answers, (*ALWAYS, *SENT))
    return {**operation, "parameters": [KEY], "requestBody": _body(f"Create{noun}")}


def _retrieve(noun: str) -> Schema:
    return _operation(f"retrieve{noun}", {"200": _governed(f"Wrapped{noun}")}, ALWAYS)


def _update(noun: str) -> Schema:
    operation = _operation(f"update{noun}", {"200": _governed(f"Wrapped{noun}")}, (*ALWAYS, *SENT))
    return {**operation, "parameters": [KEY], "requestBody": _body(f"Update{noun}")}


def _delete(noun: str) -> Schema:
    return _operation(f"delete{noun}", {"204": {"description": "Deleted", "headers": RATE_LIMIT}}, ALWAYS)


def _verify() -> Schema:
    answers = {"200": _governed("WrappedConnection")}
    return {**_operation("verifyConnection", answers, (*ALWAYS, *SENT, 502)), "parameters": [KEY]}


def _trigger() -> Schema:
    operation = _operation("trigger", {"201": _governed("Triggered")}, (*ALWAYS, *SENT))
    return {**operation, "parameters": [KEY], "requestBody": _body("Trigger")}


def _added(name: str, taken: str, given: str) -> Schema:
    operation = _operation(name, {"201": _answer(given)}, (400, 401, 409, 413, 422, 500))
    return {**operation, "requestBody": _body(taken)}


def _operation(name: str, answers: dict[str, Schema], errors: tuple[int, ...]) -> Schema:
    return {"operationId": name, "responses": {**answers, **{str(status): _error(status) for status in sorted(errors)}}}


def _error(status: int) -> Schema:
    shape = {422: "ValidationError", 500: "Crash"}.get(status, "Error")
    error = {**_answer(shape), "description": HTTPStatus(status).phrase}
    return {**error, "headers": {"Retry-After": {"schema": {"type": "integer"}}}} if status == 429 else error


def _governed(name: str) -> Schema:
    return {**_answer(name), "headers": RATE_LIMIT}


def _answer(name: str) -> Schema:
    return {"description": name, "content": {"application/json": {"schema": ref(name)}}}


def _body(name: str) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": ref(name)}}}


def _links(noun: str, more: tuple[str, ...]) -> Schema:
    """What to do with something that was created."""
    names = [f"{verb}{noun}" for verb in ("retrieve", "update", "delete", *more)]
    identifier = {"identifier": "$response.body#/data/identifier"}
    return {name: {"operationId": name, "parameters": identifier} for name in names}
