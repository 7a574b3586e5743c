"""What every request for channel connections or endpoints passes on its way in and out, in Novu's order.

A failure on the wire, API key, rate limit, idempotency key, body, and then the operation itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from flask import Response, request

from onboarding.sandbox.fake import parse_json
from onboarding.sandbox.novu import disguise
from onboarding.sandbox.novu.answer import Answer, Crash, NovuError, RateLimited, ValidationFailed
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.failures import Stage
from onboarding.sandbox.novu.idempotency import in_progress
from onboarding.sandbox.novu.rate_limit import FULL, Allowance
from onboarding.sandbox.novu.state import Novu, local_novu
from onboarding.sandbox.serve import hang_up, pause

RETRY_AFTER: Final = 1
KEYED_METHODS: Final = frozenset({"POST", "PATCH"})

Handle = Callable[[Environment, Any], Answer]


def govern(operation: str, handle: Handle) -> Response:
    """Run one operation; `handle` gets the environment of the API key and the parsed body."""
    novu = local_novu()
    novu.count(operation)
    lost = _strike_wire(novu, operation)
    if lost is not None:
        return lost
    answer = answer_or_error(lambda: _pass_gate(novu, operation, handle))
    if answer.status >= 300:
        return answer.response()
    return _strike_after(novu, operation, disguise.redact(answer) if novu.options.redact else answer)


def answer_or_error(produce: Callable[[], Answer]) -> Answer:
    try:
        return produce()
    except NovuError as error:
        return error.answer()


def authenticate(novu: Novu) -> Environment:
    header = request.headers.get("Authorization", "")
    scheme, _, key = header.partition(" ")
    if not header:
        raise NovuError(401, "Missing authorization header")
    if scheme == "Bearer" or (scheme == "ApiKey" and not key.strip()):
        raise NovuError(401, "Unauthorized", named=False)
    if scheme != "ApiKey":
        raise NovuError(401, f'Invalid authentication scheme: "{scheme}"')
    environment = novu.environment_of(key.strip())
    if environment is None:
        raise NovuError(401, "API Key not found")
    return environment


def read_body() -> Any:
    """Anything but JSON reads as an empty object, as body-parser has it."""
    if request.mimetype != "application/json" or not request.get_data():
        return {}
    try:
        body = parse_json(request.get_data())
    except ValueError:
        raise NovuError(400, "Unexpected token in JSON") from None
    if not isinstance(body, dict | list):
        raise NovuError(400, "Unexpected token in JSON")
    return body


def _strike_wire(novu: Novu, operation: str) -> Response | None:
    match novu.failures.strike(Stage.WIRE, operation):
        case "down":
            return hang_up()
        case "html":
            return Response("<!doctype html><title>Bad Gateway</title>", 502, mimetype="text/html")
        case "error_twice":
            return Crash().answer().response()
        case "slow":
            return None if pause(novu.options.slow_seconds) else hang_up()
        case _:
            return None


def _pass_gate(novu: Novu, operation: str, handle: Handle) -> Answer:
    struck = novu.failures.strike(Stage.GUARD, operation)
    environment = authenticate(novu)
    if struck == "unauthorized":
        raise NovuError(401, "API Key not found")
    allowance = _allowance(novu, environment, struck)
    try:
        if allowance.is_exceeded:
            raise RateLimited(str(allowance.reset))
        answer = _inside(novu, operation, struck, lambda body: handle(environment, body))
    except NovuError as error:
        answer = error.answer()
    return Answer(answer.status, answer.body, {**allowance.headers, **answer.headers})


def _allowance(novu: Novu, environment: Environment, struck: str | None) -> Allowance:
    if struck == "rate_limited":
        return Allowance(0, RETRY_AFTER, is_exceeded=True)
    if struck == "unavailable":
        raise NovuError(503, "Rate limiting cache service is not available")
    return environment.bucket.take() if novu.options.rate_limit else FULL


def _inside(novu: Novu, operation: str, struck: str | None, handle: Callable[[Any], Answer]) -> Answer:
    key = " ".join(request.headers.get("Idempotency-Key", "").split()) if request.method in KEYED_METHODS else ""
    if struck == "in_progress":
        raise in_progress(key)
    if struck == "feature_off":
        raise NovuError(404, "Feature not enabled")
    body = read_body()

    def produce() -> Answer:
        if novu.failures.strike(Stage.BODY, operation):
            field = "endpoint.channelId" if operation.endswith("_endpoint") else "auth.accessToken"
            raise ValidationFailed([f"{field} must be a string"])
        return handle(body)

    return novu.idempotency.run(key, body, lambda: answer_or_error(produce))


def _strike_after(novu: Novu, operation: str, answer: Answer) -> Response:
    match novu.failures.strike(Stage.AFTER, operation):
        case "error_after_commit":
            return Crash().answer().response()
        case "truncated":
            text = json.dumps(answer.body)
            return Response(text[: len(text) // 2], answer.status, answer.headers, "application/json")
        case "unknown_provider":
            return disguise.with_unknown_provider(answer).response()
        case "extra_fields":
            return disguise.with_extra_fields(answer).response()
        case _:
            return answer.response()
