"""The page of subscribers: what each has in which context, and a button that sends a notification there."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, abort, render_template, request
from werkzeug.wrappers import Response

from onboarding.sandbox.novu import directory
from onboarding.sandbox.novu.delivery import Notification
from onboarding.sandbox.novu.endpoint_pages import problem
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.forms import chosen_environment, field, submit
from onboarding.sandbox.novu.model import new_id
from onboarding.sandbox.novu.state import local_novu

MOST_SHOWN: Final = 100
PATIENCE: Final = 1.0
"""How many seconds the button waits, so that the next page already shows the result."""
WORKFLOW: Final = "sandbox"
TEXT: Final = "A notification from the local Novu"

blueprint: Final = Blueprint("subscriber_pages", __name__)


@blueprint.get("/subscribers")
def show() -> str:
    shown = [_shown(each) for each in local_novu().environments]
    return render_template("novu/subscribers.html", environments=shown, most=MOST_SHOWN)


@blueprint.post("/subscribers")
def add() -> Response:
    body = {"subscriberId": field("subscriberId")}
    return submit(lambda: directory.add_subscriber(chosen_environment(), body), "/subscribers")


@blueprint.post("/notifications")
def send() -> Response:
    return submit(_send, "/activity")


def _send() -> None:
    novu, environment, subscriber_id = local_novu(), chosen_environment(), request.form.get("subscriberId", "")
    if not environment.has_subscriber(subscriber_id):
        abort(404, "No such subscriber.")
    keys = tuple(filter(None, request.form.getlist("contextKeys")))
    novu.notify(Notification(environment, f"txn_{new_id()}", WORKFLOW, subscriber_id, keys, TEXT))
    novu.activity.settle(PATIENCE)


def _shown(environment: Environment) -> dict[str, Any]:
    with environment.lock:
        ids = list(environment.subscribers)
        latest = ids[: -MOST_SHOWN - 1 : -1]
        return {
            "id": environment.id,
            "subscribers": [{"id": each, "audiences": _audiences(environment, each)} for each in latest],
            "count": len(ids),
        }


def _audiences(environment: Environment, subscriber_id: str) -> list[dict[str, Any]]:
    """By context, because a notification reaches exactly one."""
    label = ("subscriberId", subscriber_id)
    connections = environment.channel_connections.index.rows(label)
    endpoints = environment.channel_endpoints.index.rows(label)
    contexts = (*(row.context_keys for row in connections), *(row.context_keys for row in endpoints))
    return [
        {
            "keys": ordered,
            "connections": [row for row in connections if {*row.context_keys} == each],
            "endpoints": [
                {"row": row, "problem": problem(environment, row)} for row in endpoints if {*row.context_keys} == each
            ],
        }
        for each, ordered in {frozenset(keys): keys for keys in contexts}.items()
    ]
