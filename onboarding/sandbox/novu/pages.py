"""The local Novu's first page: connections, never a token, and the failures a person can switch on."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from onboarding.sandbox.fake import read_number, refuse_cross_site
from onboarding.sandbox.novu import connections, directory
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.failures import FAILURES
from onboarding.sandbox.novu.forms import chosen_environment, field, submit
from onboarding.sandbox.novu.state import local_novu

MOST_TIMES: Final = 1000
MOST_SHOWN: Final = 100
_KIND: Final = re.compile(r"(?:xoxe\.)?xox[a-z]-")

blueprint: Final = Blueprint("pages", __name__)


@blueprint.get("/")
def home() -> str:
    novu = local_novu()
    return render_template(
        "novu/home.html",
        environments=[_shown(each) for each in novu.environments],
        most=MOST_SHOWN,
        failures=FAILURES.values(),
        current=novu.failures.current,
        kind_of=kind_of,
    )


@blueprint.post("/failure")
def switch_failure() -> Response:
    refuse_cross_site()
    switch, name = local_novu().failures, request.form.get("name", "")
    if name == "none":
        switch.clear()
    elif name in FAILURES:
        switch.turn(name, read_number("times", MOST_TIMES))
    else:
        abort(400, "No such failure.")
    return redirect("/", 303)


@blueprint.post("/integrations")
def integration() -> Response:
    def add() -> None:
        given = {name: field(name) for name in ("identifier", "providerId")}
        directory.add_integration(chosen_environment(), {**given, "channel": "chat"})

    return submit(add, "/")


@blueprint.post("/connections/delete")
def delete_connection() -> Response:
    """Leaves the endpoints that name it, as Novu does."""
    return submit(lambda: connections.delete(chosen_environment(), request.form.get("identifier", "")), "/")


def kind_of(token: str) -> str:
    """As much of a token as may be shown: the prefix that every token of its kind has."""
    kind = _KIND.match(token)
    return f"{kind[0] if kind else ''}…"


def _shown(environment: Environment) -> dict[str, Any]:
    """The latest of each, and how many there are."""
    with environment.lock:
        subscribers = list(environment.subscribers)
        return {
            "id": environment.id,
            "connections": environment.channel_connections.index.latest(MOST_SHOWN),
            "count": len(environment.channel_connections),
            "subscribers": subscribers[-MOST_SHOWN:],
            "subscriber_count": len(subscribers),
            "integrations": environment.integrations[-MOST_SHOWN:],
        }
