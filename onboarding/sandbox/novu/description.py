"""The local Novu's API as an OpenAPI 3.1 document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from onboarding.sandbox.novu.listing import CHOICES, MOST
from onboarding.sandbox.novu.schemas import SCHEMAS, TEXT, Schema, ref

COLLECTION: Final = "/v1/channel-connections"
ONE: Final = "/v1/channel-connections/{identifier}"
IDENTIFIER: Final = {"name": "identifier", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Honoured where idempotency is switched on: at most 255 characters, kept for a day.",
    "schema": TEXT,
}
CURSOR: Final = {"type": "string", "pattern": "^([0-9a-fA-F]{24})?$"}
LIMIT: Final = {"anyOf": [{"type": "number", "minimum": 0, "maximum": MOST}, {"const": ""}]}
FILTERS: Final[dict[str, Schema]] = {
    "limit": {**LIMIT, "description": "10 where it is absent, empty or 0."},
    "after": {**CURSOR, "description": "A `next` cursor; an id that nothing has gives an empty page."},
    "before": {**CURSOR, "description": "A `previous` cursor."},
    "includeCursor": {**TEXT, "description": "Only `true` is true."},
    **{name: {"enum": ["", *choices]} for name, choices in CHOICES.items()},
    "subscriberId": TEXT,
    "providerId": TEXT,
    "integrationIdentifier": TEXT,
}
CONTEXT_KEYS: Final = {
    "name": "contextKeys",
    "in": "query",
    "description": "The exact set, in any order, a key each; one empty value asks for connections without context.",
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
            "description": "Channel connections as at Novu, and the little they need around them.",
        },
        "security": [{"secretKey": []}],
        "paths": {
            COLLECTION: {"get": _list(), "post": _create()},
            ONE: {"parameters": [IDENTIFIER], "get": _retrieve(), "patch": _update(), "delete": _delete()},
            f"{ONE}/verify": {"parameters": [IDENTIFIER], "post": _verify()},
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


def _list() -> Schema:
    filters = [{"name": name, "in": "query", "schema": schema} for name, schema in FILTERS.items()]
    operation = _operation("listConnections", {"200": _governed("ConnectionPage")}, (*ALWAYS, 400, 422))
    return {**operation, "parameters": [*filters, CONTEXT_KEYS]}


def _create() -> Schema:
    answers = {"201": {**_governed("WrappedConnection"), "links": _links()}}
    operation = _operation("createConnection", answers, (*ALWAYS, *SENT))
    return {**operation, "parameters": [KEY], "requestBody": _body("CreateConnection")}


def _retrieve() -> Schema:
    return _operation("retrieveConnection", {"200": _governed("WrappedConnection")}, ALWAYS)


def _update() -> Schema:
    operation = _operation("updateConnection", {"200": _governed("WrappedConnection")}, (*ALWAYS, *SENT))
    return {**operation, "parameters": [KEY], "requestBody": _body("UpdateConnection")}


def _delete() -> Schema:
    return _operation("deleteConnection", {"204": {"description": "Deleted", "headers": RATE_LIMIT}}, ALWAYS)


def _verify() -> Schema:
    answers = {"200": _governed("WrappedConnection")}
    return {**_operation("verifyConnection", answers, (*ALWAYS, *SENT, 502)), "parameters": [KEY]}


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


def _links() -> Schema:
    """What to do with a connection that was created."""
    names = ("retrieveConnection", "updateConnection", "deleteConnection", "verifyConnection")
    identifier = {"identifier": "$response.body#/data/identifier"}
    return {name: {"operationId": name, "parameters": identifier} for name in names}
