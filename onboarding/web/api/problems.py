"""Everything that can go wrong with a call, as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from flask import Response
from werkzeug.exceptions import HTTPException

from onboarding.model.errors import CursorMalformed, LinkMalformed, OnboardingError, Problem, StoreUnavailable, TooOften
from onboarding.settings.log import LOGGER
from onboarding.web.context import request_id
from onboarding.web.overload import RETRY_AFTER, Overloaded

MEDIA_TYPE: Final = "application/problem+json"
DETAILS: Final = {
    400: "The body is not JSON in UTF-8, names a key twice, or is nested too deeply.",
    401: "Send one of the API keys of this service as `Authorization: Bearer <key>`.",
    404: "There is nothing here.",
    405: "Not with this method; the Allow header names those that work here.",
    409: "That cannot be done as things are; `reason` says why.",
    413: "The body is larger than 64 KB.",
    415: "The body has to be sent as application/json.",
    422: "Some of what was sent breaks a rule; `errors` names each field.",
    429: "More than 600 calls within a minute; the Retry-After header says how many seconds to wait.",
    500: "Something went wrong here. Whoever runs this service finds it by the X-Request-ID of this answer.",
    503: "This service cannot reach its store right now. Please try again in a moment.",
}
NOTHING_MORE: Final[Mapping[str, object]] = {}


class Invalid(OnboardingError):
    """Something that was sent breaks the rules. `problems` names each header, parameter and field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class Refused(OnboardingError):
    """A call that was understood and could not be done. `reason` is a word for programs, `retry_after` in seconds.

    `more` are further members of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        reason: str = "",
        retry_after: int = 0,
        more: Mapping[str, object] = NOTHING_MORE,
    ) -> None:
        self.status = status
        self.detail = detail
        self.more = more
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(f"{status} {reason}".strip())


def answer(error: Exception) -> Response:
    """The answer to a call that ended in `error`, whatever it is."""
    match error:
        case LinkMalformed() | Invalid():
            return _invalid(error.problems)
        case CursorMalformed():
            return _invalid([Problem("after", "must be the `next` of an earlier page")])
        case TooOften():
            return _problem(429, {"Retry-After": str(error.retry_after)})
        case Refused():
            return _refused(error)
        case HTTPException():
            return _http(error)
        case _:
            return _breakdown(error)


def example(status: int) -> dict[str, Any]:
    """The problem document of a status, without the fields that a 422 names."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": DETAILS.get(status, HTTPStatus(status).description or HTTPStatus(status).phrase),
    }


def _invalid(problems: Sequence[Problem]) -> Response:
    return _problem(422, errors=[{"field": problem.name, "message": problem.message} for problem in problems])


def _refused(error: Refused) -> Response:
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    more = {"reason": error.reason} if error.reason else {}
    return _problem(error.status, headers, detail=error.detail, **more, **error.more)


def _breakdown(error: Exception) -> Response:
    if isinstance(error, Overloaded):
        return _problem(
            503, {"Retry-After": str(RETRY_AFTER)}, detail="Too much at once. Please try again in a moment."
        )
    if isinstance(error, StoreUnavailable):
        LOGGER.error("store unavailable error=%s request=%s", error, request_id())
        return _problem(503)
    LOGGER.error("unexpected error request=%s", request_id(), exc_info=error)
    return _problem(500)


def _http(error: HTTPException) -> Response:
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    if error.code == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return _problem(error.code or 500, headers)


def _problem(status: int, headers: dict[str, str] | None = None, **more: object) -> Response:
    return Response(json.dumps({**example(status), **more}), status, headers, mimetype=MEDIA_TYPE)
