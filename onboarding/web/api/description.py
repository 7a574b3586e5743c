"""The API as an OpenAPI 3.1 document: every call, everything it takes and every answer it can give."""

from __future__ import annotations

from typing import Any, Final

from onboarding.settings.environment import Settings
from onboarding.web.api import asking, connection_description, event_description, status_token_description
from onboarding.web.api.describing import (
    WITH_BODY,
    answer,
    answers,
    given,
    headers,
    id_of,
    in_query,
    key,
    link,
    page_of,
    responses,
)
from onboarding.web.api.examples import ATTEMPT_ID, LINK_ID, SUBSCRIBER_ID
from onboarding.web.api.schemas import schemas
from onboarding.web.api.shapes import Schema, ref

ABOUT: Final = (
    "Creates install links, tells what became of them, sets where notifications go, looks after connections, and lists "
    "events. Every call carries one of this "
    "service's API keys as a bearer token and may be made 600 times a minute per key. Whatever goes wrong is answered "
    "as `application/problem+json` (RFC 9457); the X-Request-ID of an answer finds it in the log. Bodies hold at most "
    "64 KB of JSON in UTF-8, with no key twice in an object and at most 32 objects and arrays inside each other."
)


def document(settings: Settings) -> dict[str, Any]:
    """Described as this deployment is set up."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "API reference", "version": "1", "description": ABOUT},
        "servers": [{"url": settings.public_url}],
        "security": [{"apiKey": []}],
        "paths": {
            "/v1/links": {"post": _create_link()},
            "/v1/links/{id}": {"parameters": [id_of("link", LINK_ID)], "delete": _revoke_link()},
            "/v1/attempts": {"get": _list_attempts()},
            "/v1/attempts/{id}": {"parameters": [id_of("attempt", ATTEMPT_ID)], "get": _read_attempt()},
            **connection_description.paths(),
            **event_description.paths(),
            **status_token_description.paths(),
        },
        "components": {
            "schemas": schemas(int(settings.link_max_age.total_seconds())),
            "headers": headers(),
            "responses": responses(),
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
        "parameters": [
            key("The same body under the same key is answered with the same link for 24 hours.", "order-4711")
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref("NewLink")}}},
        "responses": answers(201, answer("Link", "The link", link("revokeLink", "$response.body#/id")), WITH_BODY),
    }


def _revoke_link() -> Schema:
    gone = {"description": "The link does not work any more, if it ever did", "headers": given()}
    return {
        "operationId": "revokeLink",
        "summary": "Revoke an install link",
        "description": "From now on the link answers 410, and what was started from it cannot be finished. Works for "
        "links that hosts sign themselves, and as often as you like.",
        "responses": answers(204, gone, (404,)),
    }


def _list_attempts() -> Schema:
    page = answer("AttemptPage", "A page of attempts", link("readAttempt", "$response.body#/data/0/id"))
    return {
        "operationId": "listAttempts",
        "summary": "List attempts",
        "description": "Newest first. Empty parameters count as not given; a page may be shorter than its limit and "
        "still have a next one.",
        "parameters": [
            *_filters(),
            *page_of(r"^([0-9]{1,17}\.[A-Za-z0-9_-]{22})?$"),
        ],
        "responses": answers(200, page, (422,)),
    }


def _read_attempt() -> Schema:
    return {
        "operationId": "readAttempt",
        "summary": "Read one attempt",
        "description": "What became of one person's try at connecting. Its id comes with the return URL as `attempt`.",
        "responses": answers(200, answer("Attempt", "The attempt"), (404,)),
    }


def _filters() -> list[Schema]:
    whose = "Whose they are. White space at the ends is ignored."
    return [
        in_query("status", {"enum": [*asking.STANDINGS, ""]}, "Their status; pending is started or granted."),
        in_query("subscriberId", {"type": "string"}, whose, SUBSCRIBER_ID),
        in_query("linkId", {"type": "string"}, "The link that they were started from."),
    ]
