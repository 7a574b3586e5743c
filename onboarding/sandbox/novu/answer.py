"""What Novu sends: a status, a body, and the envelope that errors come in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from flask import Response, jsonify, request

from onboarding.sandbox.novu.model import iso

CRASHED: Final = "Internal server error, contact support and provide them with the errorId"


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` None means an empty one."""

    status: int
    body: Any = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        response = Response(status=self.status) if self.body is None else jsonify(self.body)
        response.status_code = self.status
        response.headers.update(self.headers)
        return response


class NovuError(Exception):
    """An HTTP error with Novu's message. `named` is False for the few bodies that lack the `error` key."""

    def __init__(
        self, status: int, message: str, headers: Mapping[str, str] | None = None, *, named: bool = True
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.named = named

    def answer(self) -> Answer:
        context: dict[str, Any] = {"error": HTTPStatus(self.status).phrase} if self.named else {}
        context["statusCode"] = self.status
        return Answer(self.status, {**context, **_envelope(self.status, self.message), "ctx": context}, self.headers)


class ValidationFailed(NovuError):
    def __init__(self, messages: list[str]) -> None:
        super().__init__(422, "Validation Error")
        self.messages = messages

    def answer(self) -> Answer:
        errors = {"general": {"messages": self.messages, "value": "No Value Recorded"}}
        return Answer(422, {**_envelope(422, self.message), "ctx": {}, "errors": errors})


class Crash(NovuError):
    """A 500 with nothing but an errorId to go by."""

    def __init__(self) -> None:
        super().__init__(500, CRASHED)

    def answer(self) -> Answer:
        return Answer(500, {**_envelope(500, self.message), "errorId": str(uuid.uuid4())})


class RateLimited(NovuError):
    def __init__(self, retry_after: str) -> None:
        super().__init__(429, "API rate limit exceeded", {"Retry-After": retry_after})

    def answer(self) -> Answer:
        return Answer(429, {**_envelope(429, self.message), "ctx": {}}, self.headers)


def _envelope(status: int, message: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "timestamp": iso(datetime.now(UTC)),
        "path": request.environ.get("REQUEST_URI", request.path),
        "message": message,
    }
