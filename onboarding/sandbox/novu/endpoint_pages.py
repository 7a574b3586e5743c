"""The page of channel endpoints: whose they are, where they lead, and whether their connection is there."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from onboarding.sandbox.novu import endpoints
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.forms import chosen_environment, submit
from onboarding.sandbox.novu.model import Endpoint
from onboarding.sandbox.novu.state import local_novu

MOST_SHOWN: Final = 100

blueprint: Final = Blueprint("endpoint_pages", __name__)


@blueprint.get("/endpoints")
def show() -> str:
    shown = [_shown(each) for each in local_novu().environments]
    return render_template("novu/endpoints.html", environments=shown, most=MOST_SHOWN)


@blueprint.post("/endpoints/delete")
def delete() -> Response:
    return submit(lambda: endpoints.delete(chosen_environment(), request.form.get("identifier", "")), "/endpoints")


def problem(environment: Environment, endpoint: Endpoint) -> str:
    """Why messages to it go out with an empty token; empty if they carry one, or need none."""
    if endpoint.type == "webhook":
        return ""
    if endpoint.connection_identifier is None:
        return "It names no connection"
    connection = environment.channel_connections.get(endpoint.connection_identifier)
    if connection is None:
        return "That connection is missing"
    return "" if {*connection.context_keys} == {*endpoint.context_keys} else "That connection has another context"


def _shown(environment: Environment) -> dict[str, Any]:
    with environment.lock:
        latest = environment.channel_endpoints.index.latest(MOST_SHOWN)
        return {
            "id": environment.id,
            "endpoints": [{"row": each, "problem": problem(environment, each)} for each in latest],
            "count": len(environment.channel_endpoints),
        }
