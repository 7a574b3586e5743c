"""A local Novu: channel connections, endpoints and the little around them, in memory and, if wanted, in a file."""

from __future__ import annotations

from typing import Final

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from onboarding.sandbox.fake import Links, create_fake, show_problem
from onboarding.sandbox.novu import (
    activity_pages,
    addresses,
    endpoint_pages,
    endpoint_routes,
    pages,
    routes,
    subscriber_pages,
)
from onboarding.sandbox.novu.answer import Crash, NovuError
from onboarding.sandbox.novu.journal import DataRefused
from onboarding.sandbox.novu.model import Connection, Endpoint, Integration
from onboarding.sandbox.novu.options import PLAIN, Options
from onboarding.sandbox.novu.state import Novu

__all__ = ["SECRET_KEY", "Connection", "DataRefused", "Endpoint", "Integration", "Novu", "Options", "create_novu"]

LARGEST_BODY: Final = 100 * 1024
SECRET_KEY: Final = "sandbox-novu-key"


def create_novu(
    *secret_keys: str, idempotency: bool = False, links: Links = (), options: Options = PLAIN, slack_url: str = ""
) -> Flask:
    """Each key has an environment of its own. `links` are (label, URL) pairs for the header.
    `slack_url` is where messages are delivered; without it every notification fails.

    The state is at `extensions["novu"]`. Raises DataRefused.
    """
    flask = create_fake(__name__, "a local Novu", links)
    flask.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    flask.extensions["novu"] = Novu(secret_keys or (SECRET_KEY,), options, idempotency=idempotency, slack_url=slack_url)
    addresses.install(flask)
    for part in (routes, endpoint_routes, pages, endpoint_pages, subscriber_pages, activity_pages):
        flask.register_blueprint(part.blueprint)
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
