"""What JSON Schemas are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

ID: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
TEXT: Final[Schema] = {"type": "string"}
OPTIONAL_TEXT: Final[Schema] = {"type": ["string", "null"]}
SUBSCRIBER_ID: Final[Schema] = {**OPTIONAL_TEXT, "description": "Null if the connection is shared."}
CONTEXT_KEYS: Final[Schema] = {"type": "array", "items": TEXT, "description": "type:id, sorted."}
CONNECTION: Final[dict[str, Schema]] = {
    "identifier": {**TEXT, "description": "Finds the channel connection at Novu."},
    "integrationIdentifier": TEXT,
    "subscriberId": SUBSCRIBER_ID,
    "contextKeys": CONTEXT_KEYS,
}
"""What finds a connection, and whose it is."""
PATH_SEGMENT: Final = r"^(?!\.{1,2}$)[^\x00-\x1f\x7f/?#%\\]*[^\x00-\x20\x7f/?#%\\][^\x00-\x1f\x7f/?#%\\]*$"


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def optional(name: str, description: str) -> Schema:
    return {"anyOf": [ref(name), {"type": "null"}], "description": description}


def record(properties: dict[str, Schema], **more: Any) -> Schema:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "required": [*properties],
        "properties": properties,
        "additionalProperties": False,
        **more,
    }


def page(of: str, most: int, example: Mapping[str, Any]) -> Schema:
    """A page of a list."""
    return record(
        {
            "data": {"type": "array", "items": ref(of), "maxItems": most},
            "next": {**OPTIONAL_TEXT, "description": "Ask for the page after this one with it; null at the end."},
        },
        examples=[{"data": [example], "next": None}],
    )
