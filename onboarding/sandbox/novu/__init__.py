"""A local Novu: its channel connections API and the little around it, all in memory."""

from __future__ import annotations

from typing import Final

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from onboarding.sandbox.novu import pages, routes
from onboarding.sandbox.novu.answer import Crash, NovuError
from onboarding.sandbox.novu.model import Connection, Integration
from onboarding.sandbox.novu.state import Novu
from onboarding.sandbox.stand_in import Links, create_stand_in, show_problem

__all__ = ["Connection", "Integration", "Novu", "create_novu"]

LARGEST_BODY: Final = 100 * 1024


def create_novu(
    secret_key: str = "sandbox-novu-key",
    idempotency: bool = False,
    links: Links = (),
    *,
    slow_seconds: float = 3.0,
) -> Flask:
    """`links` are (label, URL) pairs for the header. The state is at `extensions["novu"]`."""
    flask = create_stand_in(__name__, "a local Novu", links)
    flask.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    flask.config["SLOW_SECONDS"] = slow_seconds
    flask.extensions["novu"] = Novu(secret_key, idempotency=idempotency)
    flask.register_blueprint(routes.blueprint)
    flask.register_blueprint(pages.blueprint)
    flask.register_error_handler(HTTPException, _explain)
    return flask


def _explain(error: HTTPException) -> ResponseReturnValue:
    if not request.path.startswith(("/v1/", "/v2/")):
        return show_problem(error)
    if error.code in {404, 405}:
        return NovuError(404, f"Cannot {request.method} {request.path}").answer().response()
    if error.code == 413:
        return NovuError(413, "request entity too large").answer().response()
    return (Crash() if not error.code or error.code >= 500 else NovuError(error.code, error.name)).answer().response()
