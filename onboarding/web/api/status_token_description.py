"""The call that gives status tokens and its shapes, for the OpenAPI document."""

from __future__ import annotations

from onboarding.web.api import examples
from onboarding.web.api.describing import WITH_BODY, answer, answers, key
from onboarding.web.api.link_schemas import owner_fields
from onboarding.web.api.shapes import MOMENT, TEXT, Schema, record, ref
from onboarding.web.api.status_tokens import DEFAULT, MOST


def paths() -> dict[str, Schema]:
    return {"/v1/status-tokens": {"post": _create()}}


def schemas() -> dict[str, Schema]:
    return {
        "NewStatusToken": _new(),
        "StatusToken": record(
            {
                "token": {**TEXT, "description": "Opaque. Give it to the page, as the `status-token` of its element."},
                "expiresAt": {**MOMENT, "description": "When it stops working. Nobody can take it back before."},
            },
            examples=[examples.STATUS_TOKEN],
        ),
    }


def _create() -> Schema:
    return {
        "operationId": "createStatusToken",
        "summary": "Create a status token",
        "description": "Lets a browser read whether one owner is connected, with `GET /embed/status`, and nothing "
        "else. `null` counts as not given.",
        "parameters": [
            key("The same body under the same key is answered with the same token for 24 hours.", "page-4711")
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref("NewStatusToken")}}},
        "responses": answers(201, answer("StatusToken", "The token"), WITH_BODY),
    }


def _new() -> Schema:
    contexts = {"context": {"type": "object"}}
    return {
        "type": "object",
        "description": "Whose status it is, as the link names them.",
        "properties": {
            **owner_fields(),
            "expiresIn": {
                "type": ["integer", "null"],
                "minimum": 1,
                "maximum": MOST,
                "default": DEFAULT,
                "description": "Seconds until the token stops working.",
            },
        },
        "additionalProperties": False,
        "anyOf": [
            {
                "required": ["subscriberId"],
                "properties": {"subscriberId": TEXT, "connectionMode": {"enum": ["subscriber", None]}},
            },
            {"required": ["context"], "properties": {**contexts, "connectionMode": {"const": None}}},
            {
                "required": ["context", "connectionMode"],
                "properties": {**contexts, "connectionMode": {"const": "shared"}},
            },
        ],
        "examples": [examples.NEW_STATUS_TOKEN],
    }
