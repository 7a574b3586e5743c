"""The shapes of what goes in and comes out, as JSON Schema, with the limits that are checked."""

from __future__ import annotations

from typing import Any, Final

from onboarding.model import ConnectionMode, Reason, Status
from onboarding.signing.links import MOST_CONTEXTS
from onboarding.web.api import asking, examples, problems

Schema = dict[str, Any]

ID: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
TEXT: Final[Schema] = {"type": "string"}
OPTIONAL_TEXT: Final[Schema] = {"type": ["string", "null"]}
CONTEXT_ID: Final[Schema] = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,100}$"}
PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
PATH_SEGMENT: Final = r"^(?!\.{1,2}$)[^\x00-\x1f\x7f/?#%\\]*[^\x00-\x20\x7f/?#%\\][^\x00-\x1f\x7f/?#%\\]*$"
ONE_LINE: Final = r"^[^\n]*[^\x00-\x20\x7f][^\n]*$"
RETURN_URL: Final = r"^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"
EVENTS: Final = (
    "started",
    "returned",
    "granted",
    "delivery_postponed",
    "connected",
    "awaiting_approval",
    "cancelled",
    "failed",
    "expired",
    "retried_by_person",
    "replaced",
    "disconnected",
)
OUTCOMES: Final = ("pending", *(status.value for status in Status if not status.is_pending))


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def schemas(most_seconds: int) -> dict[str, Schema]:
    """Every shape by its name. `most_seconds` is how long a link may live."""
    return {
        "NewLink": _new_link(most_seconds),
        "Context": _context(),
        "Link": _record(
            {
                "id": {**ID, "description": "Names the link, and revokes it."},
                "url": {**TEXT, "format": "uri", "description": "Give this to the person who is to connect Slack."},
                "expiresAt": {**MOMENT, "description": "When the link stops working by itself."},
            },
            examples=[examples.LINK],
        ),
        "Attempt": _attempt(),
        "AttemptPage": _record(
            {
                "data": {"type": "array", "items": ref("Attempt"), "maxItems": asking.MOST},
                "next": {**OPTIONAL_TEXT, "description": "Ask for the page after this one with it; null at the end."},
            },
            examples=[{"data": [examples.ATTEMPT], "next": None}],
        ),
        "Connection": _connection(),
        "Workspace": _record(
            {"id": {**TEXT, "description": "Slack's id; that of an organisation begins with E."}, "name": TEXT}
        ),
        "Event": _record(
            {
                "at": MOMENT,
                "event": {**TEXT, "description": f"One of {', '.join(EVENTS)}; others may come."},
                "detail": OPTIONAL_TEXT,
            }
        ),
        "Problem": _problem({}),
        "InvalidProblem": _problem({"errors": {"type": "array", "minItems": 1, "items": ref("FieldProblem")}}),
        "FieldProblem": _record(
            {
                "field": {**TEXT, "description": "A field of the body, a parameter or a header; `body` is all of it."},
                "message": {**TEXT, "description": "What is wrong with it. Never holds the value."},
            }
        ),
    }


def _record(properties: dict[str, Schema], **more: Any) -> Schema:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "required": [*properties],
        "properties": properties,
        "additionalProperties": False,
        **more,
    }


def _printable(longest: int, description: str, pattern: str = PRINTABLE) -> Schema:
    """Text that may be left out."""
    return {**OPTIONAL_TEXT, "minLength": 1, "maxLength": longest, "pattern": pattern, "description": description}


def _new_link(most_seconds: int) -> Schema:
    """Null counts as not given."""
    return {
        "type": "object",
        "description": "Needs a subscriberId, unless it has a context; a shared connection needs a context.",
        "properties": {
            "subscriberId": _printable(255, "Whom the connection belongs to, in Novu. Printable."),
            "context": {"anyOf": [ref("Context"), {"type": "null"}], "description": "Novu contexts of the connection."},
            "connectionMode": {
                "enum": [*(mode.value for mode in ConnectionMode), None],
                "description": "By default shared if only a context is given, and subscriber otherwise.",
            },
            "integrationIdentifier": _printable(
                200, "Novu's Slack integration; this service has a default. Printable."
            ),
            "identifier": _printable(
                200,
                "The connection's identifier; by default one that its owner always has. Printable, without /?#%\\.",
                PATH_SEGMENT,
            ),
            "account": _printable(200, "The customer's name, as the person knows it. On one line.", ONE_LINE),
            "returnUrl": _printable(
                2000, "Where the person goes on afterwards: https, or http on a loopback host.", RETURN_URL
            ),
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


def _needed() -> list[Schema]:
    """What each mode asks for."""
    context = {"type": "object"}
    return [
        {
            "required": ["subscriberId"],
            "properties": {"subscriberId": TEXT, "connectionMode": {"enum": ["subscriber", None]}},
        },
        {"required": ["context"], "properties": {"context": context, "connectionMode": {"const": None}}},
        {
            "required": ["context", "connectionMode"],
            "properties": {"context": context, "connectionMode": {"const": "shared"}},
        },
    ]


def _context() -> Schema:
    data = {"type": ["object", "null"], "description": "At most 64 KB, kept by Novu with the context."}
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


def _attempt() -> Schema:
    reasons = [*(reason.value for reason in Reason), None]
    return _record(
        {
            "id": {**ID, "description": "Also the support code on the person's page."},
            "linkId": {**ID, "description": "The link it was started from."},
            "subscriberId": {
                **OPTIONAL_TEXT,
                "description": "As the link names it; null if it has only a context.",
            },
            "startedAt": MOMENT,
            "status": {
                "enum": [*OUTCOMES],
                "description": "`awaiting_approval` becomes `connected` when anybody connects the same owner, and "
                "`expired` with its link; a person may retry what `failed`. The others are final. A start that nobody "
                "finished is `expired` after ten minutes. Ask every few seconds while `pending`, and less often later.",
            },
            "workspace": _optional("Workspace", "Known as soon as Slack said yes."),
            "reason": {
                "enum": reasons,
                "description": "Why nothing is connected. For `connected`: null, or why that has ended; `replaced` "
                "means that the customer has connected another workspace since.",
            },
            "connection": _optional("Connection", "Null until connected."),
            "timeline": {"type": "array", "items": ref("Event"), "description": "What happened, oldest first."},
        },
        examples=[examples.ATTEMPT],
    )


def _connection() -> Schema:
    return _record(
        {
            "identifier": {**TEXT, "description": "Finds the channel connection at Novu."},
            "integrationIdentifier": TEXT,
            "subscriberId": {**OPTIONAL_TEXT, "description": "Null if the connection is shared."},
            "contextKeys": {"type": "array", "items": TEXT, "description": "type:id, sorted."},
        }
    )


def _optional(name: str, description: str) -> Schema:
    return {"anyOf": [ref(name), {"type": "null"}], "description": description}


def _problem(more: dict[str, Schema]) -> Schema:
    return _record(
        {
            "type": {"const": "about:blank"},
            "title": {**TEXT, "description": "The words of the status."},
            "status": {"enum": [*problems.DETAILS]},
            "detail": {**TEXT, "description": "What to do about it."},
            **more,
        }
    )
