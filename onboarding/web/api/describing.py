"""What the description of a call is made of: what it takes, its answers, their headers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from onboarding.web.api import asking, problems, refusals
from onboarding.web.api.repeats import KEY
from onboarding.web.api.shapes import PATH_SEGMENT, Schema, ref

ON_EVERY_ANSWER: Final = ("X-Request-ID", "Cache-Control")
ALWAYS: Final = (401, 429, 500, 503)
WITH_BODY: Final = (400, 413, 415, 422)
SHAPES: Final = {409: "ConflictProblem", 422: "InvalidProblem"}
EXAMPLES: Final[dict[int, dict[str, Any]]] = {
    409: {"detail": refusals.CONFLICTS[refusals.BROKEN], "reason": refusals.BROKEN},
    422: {"errors": [{"field": "subscriberId", "message": "is required, unless context is given"}]},
}
HEADERS: Final = {401: ("WWW-Authenticate",), 405: ("Allow",), 429: ("Retry-After",)}
RETRY_AFTER: Final[Schema] = {"type": "integer", "minimum": 1}
MAYBE_RETRY_AFTER: Final = {"schema": RETRY_AFTER, "description": "Seconds to wait, if Slack or Novu said so."}


def id_of(what: str, example: str) -> Schema:
    return _in_path("id", f"The id of the {what}, 22 URL-safe characters.", "^[A-Za-z0-9_-]{22}$", example)


def event_id(example: str) -> Schema:
    return _in_path("id", "The id of the event.", "^evt_[0-9a-f]{32}$", example)


def identifier_of(what: str, example: str) -> Schema:
    return _in_path("identifier", f"The identifier of the {what}, percent-encoded.", PATH_SEGMENT, example)


def in_query(name: str, schema: Schema, description: str, example: str = "") -> Schema:
    """With an example, it is part of the samples."""
    described = {"name": name, "in": "query", "schema": schema, "description": description}
    return {**described, "example": example} if example else described


def page_of(cursor: str) -> list[Schema]:
    """The parameters of a list that comes page by page."""
    limit = {"type": "integer", "minimum": 1, "maximum": asking.MOST, "default": asking.DEFAULT}
    return [
        in_query("limit", {"anyOf": [limit, {"const": ""}]}, f"How many at most, {asking.DEFAULT} by default."),
        in_query("after", {"type": "string", "pattern": cursor}, "The `next` of the page before."),
    ]


def switch() -> Schema:
    return {"enum": ["true", "false", ""]}


def key(what: str, example: str) -> Schema:
    """The header that makes a call repeatable."""
    return {
        "name": KEY,
        "in": "header",
        "description": f"Printable ASCII. {what}",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]{1,255}$"},
        "example": example,
    }


def answers(status: int, good: Schema, errors: tuple[int, ...]) -> Schema:
    problem = {str(code): {"$ref": f"#/components/responses/{_name(code)}"} for code in sorted((*ALWAYS, *errors))}
    return {str(status): good, **problem}


def answer(name: str, description: str, links: Schema | None = None) -> Schema:
    content = {"application/json": {"schema": ref(name)}}
    described: Schema = {"description": description, "headers": given(), "content": content}
    return {**described, "links": links} if links else described


def link(operation: str, expression: str) -> Schema:
    return {operation: {"operationId": operation, "parameters": {"id": expression}}}


def given(*names: str) -> Schema:
    """The headers of an answer."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*ON_EVERY_ANSWER, *names)}


def responses() -> dict[str, Schema]:
    return {_name(status): _problem(status) for status in problems.DETAILS}


def headers() -> dict[str, Schema]:
    text = {
        "X-Request-ID": (
            {"type": "string", "pattern": "^[A-Za-z0-9-]{8,64}$"},
            "On every answer; finds it in the log.",
        ),
        "Cache-Control": ({"const": "no-store"}, "On every answer; none may be stored."),
        "WWW-Authenticate": ({"const": "Bearer"}, "How to send a key."),
        "Allow": ({"type": "string"}, "The methods that work here."),
        "Retry-After": (RETRY_AFTER, "Seconds to wait."),
    }
    return {name: {"required": True, "schema": schema, "description": words} for name, (schema, words) in text.items()}


def _problem(status: int) -> Schema:
    body = {**problems.example(status), **EXAMPLES.get(status, {})}
    content = {"schema": ref(SHAPES.get(status, "Problem")), "example": body}
    maybe = {"Retry-After": MAYBE_RETRY_AFTER} if status == 503 else {}
    return {
        "description": HTTPStatus(status).phrase,
        "headers": {**given(*HEADERS.get(status, ())), **maybe},
        "content": {problems.MEDIA_TYPE: content},
    }


def _in_path(name: str, description: str, pattern: str, example: str) -> Schema:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
        "example": example,
    }


def _name(status: int) -> str:
    return f"Problem{status}"
