"""The shapes of what the local Novu takes and gives, as JSON Schema. What it tolerates is in them too."""

from __future__ import annotations

from typing import Any, Final

from onboarding.sandbox.novu.contexts import MOST as MOST_CONTEXTS
from onboarding.sandbox.novu.endpoint_types import SHAPES, TYPES, Shape

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
NAME: Final[Schema] = {"type": "string", "minLength": 1}
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


def _page(name: str) -> Schema:
    return record(
        {
            "data": {"type": "array", "items": ref(name)},
            "next": {**OPTIONAL_TEXT, "description": "For `after`."},
            "previous": {**OPTIONAL_TEXT, "description": "For `before`."},
            "totalCount": {"type": "integer"},
            "totalCountCapped": {"type": "boolean"},
        }
    )


def _create_endpoint(type_: str, shape: Shape) -> Schema:
    target = record(dict.fromkeys(shape.required, TEXT), dict.fromkeys(shape.optional, TEXT))
    required = {
        "subscriberId": TEXT,
        "integrationIdentifier": TEXT,
        "type": {"const": type_},
        "endpoint": {**target, "additionalProperties": False},
    }
    optional = {
        "identifier": OPTIONAL_TEXT,
        "connectionIdentifier": {**OPTIONAL_TEXT, "description": "Without it messages go out with an empty token."},
        "createSubscriberIfMissing": {"type": ["boolean", "null"]},
        "context": ref("Context"),
    }
    return record(required, optional)


WRITE: Final = {
    "workspace": _one_or_several("Workspace", "Replaced whole by an update; unknown fields are kept."),
    "auth": _one_or_several("Auth", "Replaced whole by an update."),
}
ROW: Final[dict[str, Schema]] = {
    "identifier": TEXT,
    "channel": TEXT,
    "providerId": TEXT,
    "integrationIdentifier": TEXT,
    "subscriberId": OPTIONAL_TEXT,
    "contextKeys": {"type": "array", "items": TEXT},
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
}
CONNECTION: Final[dict[str, Schema]] = {
    **ROW,
    "workspace": {"type": ["object", "array"]},
    "auth": ref("Auth"),
}
ENDPOINT: Final[dict[str, Schema]] = {
    **ROW,
    "connectionIdentifier": OPTIONAL_TEXT,
    "type": {"enum": [*TYPES]},
    "endpoint": {"type": "object", "description": "A webhook's address too is in plain text."},
}
PLACE: Final[dict[str, Schema]] = {
    "_id": TEXT,
    "_organizationId": TEXT,
    "_environmentId": TEXT,
    "deleted": {"type": "boolean"},
}
RECIPIENT: Final[Schema] = {"anyOf": [NAME, record({"subscriberId": NAME})]}
TO: Final[Schema] = {"anyOf": [RECIPIENT, {"type": "array", "items": RECIPIENT}]}
EVENT: Final[dict[str, Schema]] = {
    "payload": {"type": ["object", "null"], "description": "`text` is what is posted."},
    "overrides": {"type": ["object", "null"]},
    "transactionId": OPTIONAL_TEXT,
    "context": ref("Context"),
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
    "ConnectionPage": _page("Connection"),
    "CreateEndpoint": {"anyOf": [_create_endpoint(type_, shape) for type_, shape in SHAPES.items()]},
    "UpdateEndpoint": record({"endpoint": {"type": "object", "description": "In the format of the endpoint's type."}}),
    "Endpoint": record(ENDPOINT),
    "WrappedEndpoint": record({"data": ref("Endpoint")}),
    "EndpointPage": _page("Endpoint"),
    "Trigger": {
        "anyOf": [
            record({"name": TEXT, "to": TO}, {"workflowId": OPTIONAL_TEXT, **EVENT}),
            record({"workflowId": TEXT, "to": TO}, {"name": OPTIONAL_TEXT, **EVENT}),
        ]
    },
    "Triggered": record(
        {"data": record({"acknowledged": {"const": True}, "status": {"const": "processed"}, "transactionId": TEXT})}
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
