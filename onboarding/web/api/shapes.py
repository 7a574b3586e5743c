"""What JSON Schemas are made of."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

ID: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
TEXT: Final[Schema] = {"type": "string"}
OPTIONAL_TEXT: Final[Schema] = {"type": ["string", "null"]}
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
