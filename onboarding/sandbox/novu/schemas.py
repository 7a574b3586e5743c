"""The shapes of what the local Novu takes and gives, as JSON Schema. What it tolerates is in them too."""

from __future__ import annotations

from typing import Any, Final

from onboarding.sandbox.novu.contexts import MOST as MOST_CONTEXTS

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
OPTIONAL_TEXT: Final[Schema] = {"type": ["string", "null"]}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
CONTEXT_ID: Final[Schema] = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,100}$"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def record(required: dict[str, Schema], optional: dict[str, Schema] | None = None, **more: Any) -> Schema:
    return {"type": "object", "required": [*required], "properties": {**required, **(optional or {})}, **more}


def _one_or_several(name: str, description: str) -> Schema:
    """class-validator takes an array for a list of nested objects, and checks each."""
    return {"anyOf": [ref(name), {"type": "array", "items": ref(name)}], "description": description}


WRITE: Final = {
    "workspace": _one_or_several("Workspace", "Replaced whole by an update; unknown fields are kept."),
    "auth": _one_or_several("Auth", "Replaced whole by an update."),
}
CONNECTION: Final[dict[str, Schema]] = {
    "identifier": TEXT,
    "channel": TEXT,
    "providerId": TEXT,
    "integrationIdentifier": TEXT,
    "subscriberId": OPTIONAL_TEXT,
    "contextKeys": {"type": "array", "items": TEXT},
    "workspace": {"type": ["object", "array"]},
    "auth": ref("Auth"),
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
}
PLACE: Final[dict[str, Schema]] = {
    "_id": TEXT,
    "_organizationId": TEXT,
    "_environmentId": TEXT,
    "deleted": {"type": "boolean"},
}
ERROR: Final[dict[str, Schema]] = {
    "statusCode": {"type": "integer"},
    "timestamp": MOMENT,
    "path": {"type": "string", "description": "With its query."},
    "message": TEXT,
}
SCHEMAS: Final[dict[str, Schema]] = {
    "Workspace": record({"id": TEXT}, {"name": OPTIONAL_TEXT, "botUserId": OPTIONAL_TEXT}),
    "Auth": record(
        {"accessToken": TEXT},
        {"refreshToken": OPTIONAL_TEXT, "expiresAt": OPTIONAL_TEXT, "refreshTokenExpiresAt": OPTIONAL_TEXT},
    ),
    "Context": {
        "type": ["object", "null"],
        "minProperties": 1,
        "maxProperties": MOST_CONTEXTS,
        "additionalProperties": {"anyOf": [CONTEXT_ID, record({"id": CONTEXT_ID}, {"data": {"type": "object"}})]},
        "description": "An id, or an id and data of at most 64 KB, by context type.",
    },
    "CreateConnection": record(
        {"integrationIdentifier": TEXT, **WRITE},
        {
            "identifier": OPTIONAL_TEXT,
            "subscriberId": {**OPTIONAL_TEXT, "description": "This or a context is needed."},
            "context": ref("Context"),
            "connectionMode": {"enum": ["subscriber", "shared", None]},
        },
    ),
    "UpdateConnection": record(WRITE),
    "Connection": record(
        CONNECTION, {"connected": {"type": "boolean"}, "connectionMode": {"enum": ["subscriber", "shared"]}}
    ),
    "WrappedConnection": record({"data": ref("Connection")}),
    "ConnectionPage": record(
        {
            "data": {"type": "array", "items": ref("Connection")},
            "next": {**OPTIONAL_TEXT, "description": "For `after`."},
            "previous": {**OPTIONAL_TEXT, "description": "For `before`."},
            "totalCount": {"type": "integer"},
            "totalCountCapped": {"type": "boolean"},
        }
    ),
    "CreateSubscriber": record({"subscriberId": TEXT}),
    "WrappedSubscriber": record(
        {"data": record({**PLACE, "subscriberId": TEXT, "createdAt": MOMENT, "updatedAt": MOMENT})}
    ),
    "CreateIntegration": record({"providerId": TEXT, "channel": TEXT}),
    "Integration": record({**PLACE, "identifier": TEXT, "providerId": TEXT, "channel": TEXT}),
    "WrappedIntegration": record({"data": ref("Integration")}),
    "WrappedIntegrations": record({"data": {"type": "array", "items": ref("Integration")}}),
    "Error": record(ERROR, {"error": TEXT, "ctx": {"type": "object"}}),
    "ValidationError": record(
        {**ERROR, "ctx": {"type": "object"}},
        {
            "errors": {
                "type": "object",
                "additionalProperties": record({"messages": {"type": "array", "items": TEXT}, "value": {}}),
            }
        },
    ),
    "Crash": record({**ERROR, "errorId": {"type": "string", "format": "uuid"}}),
}
