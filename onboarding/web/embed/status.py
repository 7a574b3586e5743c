"""Tells a browser that holds a status token how its owner stands. Only pages of the origins that the settings name may
read the answer, whatever it is.
"""

from __future__ import annotations

import hashlib
from typing import Final

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers

from onboarding.ephemeral.limits import STATUS_READS, Limit
from onboarding.flows.status import OwnerStatus, status_of
from onboarding.model import Secret
from onboarding.model.errors import StoreUnavailable, TooOften
from onboarding.settings.log import LOGGER
from onboarding.web.api import problems
from onboarding.web.api.problems import Refused
from onboarding.web.context import wiring
from onboarding.web.embed.files import embed

PATH: Final = "/embed/status"
NO_TOKEN: Final = "Send a status token that has not expired as `Authorization: Bearer <token>`."  # noqa: S105
TOO_OFTEN: Final = (
    f"More than {STATUS_READS.a_minute} calls within a minute; the Retry-After header says how many seconds to wait."
)
PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET",
    "Access-Control-Allow-Headers": "Authorization",
    "Access-Control-Max-Age": "7200",
}


@embed.get(PATH, provide_automatic_options=False)
def read_status() -> ResponseReturnValue:
    token = _token(request.headers.get("Authorization", ""))
    owner = wiring().status_tokens.owner_of(token, wiring().clock())
    if owner is None:
        raise Refused(401, NO_TOKEN)
    _count(token)
    return jsonify(_told(status_of(wiring().ledger.owners.find(owner))))


@embed.route(PATH, methods=["OPTIONS"], provide_automatic_options=False)
def allow_status() -> ResponseReturnValue:
    """What browsers ask before they send a token."""
    response = Response(status=204, headers=PREFLIGHT if _is_welcome() else None)
    del response.headers["Content-Type"]
    return response


@embed.errorhandler(Refused)
@embed.errorhandler(StoreUnavailable)
def _refuse(error: Exception) -> Response:
    response = problems.answer(error)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


@embed.after_request
def _let_read(response: Response) -> Response:
    """Errors too: a page has to see that its token has expired."""
    if request.path == PATH:
        response.headers.extend(_sharing())
    return response


def _sharing() -> Headers:
    headers = Headers({"Vary": "Origin"})
    if _is_welcome():
        headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        headers["Access-Control-Expose-Headers"] = "Retry-After"
    return headers


def _is_welcome() -> bool:
    return request.headers.get("Origin") in wiring().settings.embed_origins


def _token(authorization: str) -> Secret:
    scheme, _, token = authorization.partition(" ")
    return Secret(token.strip() if scheme.lower() == "bearer" else "")


def _count(token: Secret) -> None:
    """Without Redis nothing is counted: reading needs PostgreSQL only."""
    who = hashlib.sha256(token.reveal().encode()).hexdigest()[:16]
    try:
        wiring().ephemeral.limits.spend(Limit(STATUS_READS, who))
    except TooOften as error:
        raise Refused(429, TOO_OFTEN, retry_after=error.retry_after) from error
    except StoreUnavailable as error:
        LOGGER.warning("status read not counted error=%s", error)


def _told(status: OwnerStatus) -> dict[str, object]:
    return {
        "state": status.state,
        "workspace": {"name": status.workspace} if status.workspace is not None else None,
        "reason": status.reason,
        "attemptId": status.attempt_id,
    }
