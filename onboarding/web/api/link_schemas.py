"""The shapes of a link and of what it is made from."""

from __future__ import annotations

from typing import Final

from onboarding.model import ConnectionMode, WhoChooses
from onboarding.signing.links import MOST_CONTEXTS
from onboarding.web.api import examples
from onboarding.web.api.shapes import ID, MOMENT, OPTIONAL_TEXT, PATH_SEGMENT, TEXT, Schema, record, ref

CONTEXT_ID: Final[Schema] = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,100}$"}
PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
ONE_LINE: Final = r"^[^\n]*[^\x00-\x20\x7f][^\n]*$"
WORKSPACE_ID: Final = r"^[TE][A-Z0-9]{1,63}$"
RETURN_URL: Final = r"^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"


def new_link(most_seconds: int) -> Schema:
    """Null counts as not given."""
    return {
        "type": "object",
        "description": "Needs a subscriberId, unless it has a context; a shared connection needs a context.",
        "properties": {
            **owner_fields(),
            "identifier": _printable(
                200,
                "The connection's identifier; by default one that its owner always has. Printable, without /?#%\\.",
                PATH_SEGMENT,
            ),
            "account": _printable(200, "The customer's name, as the person knows it. On one line.", ONE_LINE),
            "returnUrl": _printable(
                2000, "Where the person goes on afterwards: https, or http on a loopback host.", RETURN_URL
            ),
            "destination": {
                "enum": [*(choosing.value for choosing in WhoChooses), None],
                "description": "Where notifications go: whoever connects may `choose`, by default; they go to the "
                "direct messages of the `installer`, which needs a subscriberId; or `none`: your back end sets it.",
            },
            "workspaceId": {
                **OPTIONAL_TEXT,
                "pattern": WORKSPACE_ID,
                "description": "The Slack workspace (T…) or organisation (E…) that the link is for. Whoever chooses "
                "another one is told so, and nothing is connected.",
            },
            "expiresIn": {
                "type": ["integer", "null"],
                "minimum": 1,
                "maximum": most_seconds,
                "default": most_seconds,
                "description": "Seconds until the link stops working.",
            },
        },
        "additionalProperties": False,
        "anyOf": _needed(),
        "examples": [examples.NEW_LINK],
    }


def owner_fields() -> dict[str, Schema]:
    """What says whose a connection is."""
    return {
        "subscriberId": _printable(255, "Whom the connection belongs to, in Novu. Printable."),
        "context": {"anyOf": [ref("Context"), {"type": "null"}], "description": "Novu contexts of the connection."},
        "connectionMode": {
            "enum": [*(mode.value for mode in ConnectionMode), None],
            "description": "By default shared if only a context is given, and subscriber otherwise.",
        },
        "integrationIdentifier": _printable(200, "Novu's Slack integration; this service has a default. Printable."),
    }


def context() -> Schema:
    data = {
        "type": ["object", "null"],
        "description": "At most 64 KB without NUL characters, kept by Novu with the context.",
    }
    entry = {"type": "object", "required": ["id"], "properties": {"id": CONTEXT_ID, "data": data}}
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": MOST_CONTEXTS,
        "propertyNames": {"minLength": 1, "maxLength": 100, "pattern": PRINTABLE},
        "additionalProperties": {"anyOf": [CONTEXT_ID, entry]},
        "description": "By context type, printable: an id of letters, digits, _ and -, or such an id and data.",
        "examples": [{"tenant": "org-1"}, {"tenant": {"id": "org-1", "data": {"plan": "pro"}}}],
    }


def link() -> Schema:
    return record(
        {
            "id": {**ID, "description": "Names the link, and revokes it."},
            "url": {**TEXT, "format": "uri", "description": "Give this to the person who is to connect Slack."},
            "expiresAt": {**MOMENT, "description": "When the link stops working by itself."},
        },
        examples=[examples.LINK],
    )


def _printable(longest: int, description: str, pattern: str = PRINTABLE) -> Schema:
    """Text that may be left out."""
    return {**OPTIONAL_TEXT, "minLength": 1, "maxLength": longest, "pattern": pattern, "description": description}


def _needed() -> list[Schema]:
    """What each mode asks for, and each destination."""
    contexts, given = {"context": {"type": "object"}}, {"subscriberId": TEXT}
    anywhere = {
        "destination": {"enum": [*(each.value for each in WhoChooses if each is not WhoChooses.INSTALLER), None]}
    }
    default, shared = {"connectionMode": {"const": None}}, {"connectionMode": {"const": "shared"}}
    return [
        {"required": ["subscriberId"], "properties": {**given, "connectionMode": {"enum": ["subscriber", None]}}},
        {"required": ["context"], "properties": {**contexts, **default, **anywhere}},
        {"required": ["context", "connectionMode"], "properties": {**contexts, **shared, **anywhere}},
        {
            "required": ["context", "connectionMode", "subscriberId"],
            "properties": {**contexts, **shared, **given},
        },
    ]
