"""The API as an OpenAPI 3.1 document: every call, everything it takes and every answer it can give."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from onboarding.settings.environment import Settings
from onboarding.web.api import asking, problems
from onboarding.web.api.creation import KEY
from onboarding.web.api.examples import ATTEMPT_ID, LINK_ID
from onboarding.web.api.schemas import Schema, ref, schemas

ABOUT: Final = (
    "Creates install links and tells what became of them. Every call carries one of this service's API keys as a "
    "bearer token and may be made 600 times a minute per key. Whatever goes wrong is answered as "
    "`application/problem+json` (RFC 9457); the X-Request-ID of an answer finds it in the log. Bodies hold at most "
    "64 KB of JSON in UTF-8, with no key twice in an object and at most 32 objects and arrays inside each other."
)
ON_EVERY_ANSWER: Final = ("X-Request-ID", "Cache-Control")
ALWAYS: Final = (401, 429, 500, 503)
WITH_BODY: Final = (400, 413, 415, 422)


def document(settings: Settings) -> dict[str, Any]:
    """Described as this deployment is set up."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "API reference", "version": "1", "description": ABOUT},
        "servers": [{"url": settings.public_url}],
        "security": [{"apiKey": []}],
        "paths": {
            "/v1/links": {"post": _create_link()},
            "/v1/links/{id}": {"parameters": [_id("link", LINK_ID)], "delete": _revoke_link()},
            "/v1/attempts": {"get": _list_attempts()},
            "/v1/attempts/{id}": {"parameters": [_id("attempt", ATTEMPT_ID)], "get": _read_attempt()},
        },
        "components": {
            "schemas": schemas(int(settings.link_max_age.total_seconds())),
            "headers": _headers(),
            "responses": {_name(status): _problem(status) for status in problems.DETAILS},
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "One of the API_KEYS of this service."}
            },
        },
    }


def _create_link() -> Schema:
    return {
        "operationId": "createLink",
        "summary": "Create an install link",
        "description": "Creates a link that lets one person connect Slack. `null` counts as not given.",
        "parameters": [_key()],
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref("NewLink")}}},
        "responses": _answers(201, _answer("Link", "The link", _link("revokeLink", "$response.body#/id")), WITH_BODY),
    }


def _revoke_link() -> Schema:
    gone = {"description": "The link does not work any more, if it ever did", "headers": _given()}
    return {
        "operationId": "revokeLink",
        "summary": "Revoke an install link",
        "description": "From now on the link answers 410, and what was started from it cannot be finished. Works for "
        "links that hosts sign themselves, and as often as you like.",
        "responses": _answers(204, gone, (404,)),
    }


def _list_attempts() -> Schema:
    page = _answer("AttemptPage", "A page of attempts", _link("readAttempt", "$response.body#/data/0/id"))
    return {
        "operationId": "listAttempts",
        "summary": "List attempts",
        "description": "Newest first. Empty parameters count as not given; a page may be shorter than its limit and "
        "still have a next one.",
        "parameters": [
            {"name": name, "in": "query", "schema": schema, "description": text}
            for name, (schema, text) in _filters().items()
        ],
        "responses": _answers(200, page, (422,)),
    }


def _read_attempt() -> Schema:
    return {
        "operationId": "readAttempt",
        "summary": "Read one attempt",
        "description": "What became of one person's try at connecting. Its id comes with the return URL as `attempt`.",
        "responses": _answers(200, _answer("Attempt", "The attempt"), (404,)),
    }


def _filters() -> dict[str, tuple[Schema, str]]:
    limit = {"type": "integer", "minimum": 1, "maximum": asking.MOST, "default": asking.DEFAULT}
    cursor = {"type": "string", "pattern": r"^([0-9]{1,17}\.[A-Za-z0-9_-]{22})?$"}
    return {
        "status": ({"enum": [*asking.STANDINGS, ""]}, "Their status; pending is started or granted."),
        "subscriberId": ({"type": "string"}, "Whose they are. White space at the ends is ignored."),
        "limit": ({"anyOf": [limit, {"const": ""}]}, f"How many at most, {asking.DEFAULT} by default."),
        "after": (cursor, "The `next` of the page before."),
    }


def _id(of: str, example: str) -> Schema:
    schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}
    return {
        "name": "id",
        "in": "path",
        "required": True,
        "description": f"The id of the {of}, 22 URL-safe characters.",
        "schema": schema,
        "example": example,
    }


def _key() -> Schema:
    return {
        "name": KEY,
        "in": "header",
        "description": "Printable ASCII. The same body under the same key is answered with the same link for 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]{1,255}$"},
        "example": "order-4711",
    }


def _answers(status: int, answer: Schema, errors: tuple[int, ...]) -> Schema:
    problem = {str(code): {"$ref": f"#/components/responses/{_name(code)}"} for code in sorted((*ALWAYS, *errors))}
    return {str(status): answer, **problem}


def _answer(name: str, description: str, links: Schema | None = None) -> Schema:
    content = {"application/json": {"schema": ref(name)}}
    answer: Schema = {"description": description, "headers": _given(), "content": content}
    return {**answer, "links": links} if links else answer


def _link(operation: str, expression: str) -> Schema:
    return {operation: {"operationId": operation, "parameters": {"id": expression}}}


def _problem(status: int) -> Schema:
    more = {"errors": [{"field": "subscriberId", "message": "is required, unless context is given"}]}
    body = {**problems.example(status), **(more if status == 422 else {})}
    content = {"schema": ref("InvalidProblem" if status == 422 else "Problem"), "example": body}
    named = {401: ("WWW-Authenticate",), 405: ("Allow",), 429: ("Retry-After",)}.get(status, ())
    return {
        "description": HTTPStatus(status).phrase,
        "headers": _given(*named),
        "content": {problems.MEDIA_TYPE: content},
    }


def _name(status: int) -> str:
    return f"Problem{status}"


def _given(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*ON_EVERY_ANSWER, *names)}


def _headers() -> dict[str, Schema]:
    text = {
        "X-Request-ID": (
            {"type": "string", "pattern": "^[A-Za-z0-9-]{8,64}$"},
            "On every answer; finds it in the log.",
        ),
        "Cache-Control": ({"const": "no-store"}, "On every answer; none may be stored."),
        "WWW-Authenticate": ({"const": "Bearer"}, "How to send a key."),
        "Allow": ({"type": "string"}, "The methods that work here."),
        "Retry-After": ({"type": "integer", "minimum": 1}, "Seconds to wait."),
    }
    return {name: {"required": True, "schema": schema, "description": words} for name, (schema, words) in text.items()}
