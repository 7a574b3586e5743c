"""The local Novu's page: what it holds, never a token, and the misfortunes a person can switch on."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from onboarding.sandbox.novu import directory
from onboarding.sandbox.novu.answer import NovuError, ValidationFailed
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.misfortunes import MISFORTUNES
from onboarding.sandbox.novu.state import local_novu
from onboarding.sandbox.stand_in import refuse_cross_site

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
        misfortunes=MISFORTUNES.values(),
        current=novu.misfortune.current,
        kind_of=kind_of,
    )


@blueprint.post("/misfortune")
def misfortune() -> Response:
    refuse_cross_site()
    switch, name = local_novu().misfortune, request.form.get("name", "")
    if name == "none":
        switch.clear()
    elif name in MISFORTUNES:
        switch.turn(name, _times())
    else:
        abort(400, "No such misfortune.")
    return redirect("/", 303)


@blueprint.post("/subscribers")
def subscriber() -> Response:
    refuse_cross_site()
    try:
        directory.add_subscriber(_chosen(), {"subscriberId": _text("subscriberId")})
    except NovuError as error:
        abort(400, _words(error))
    return redirect("/", 303)


@blueprint.post("/integrations")
def integration() -> Response:
    refuse_cross_site()
    given = {name: _text(name) for name in ("identifier", "providerId")}
    try:
        directory.add_integration(_chosen(), {**given, "channel": "chat"})
    except NovuError as error:
        abort(400, _words(error))
    return redirect("/", 303)


def kind_of(token: str) -> str:
    """As much of a token as may be shown: the prefix that every token of its kind has."""
    kind = _KIND.match(token)
    return f"{kind[0] if kind else ''}…"


def _shown(environment: Environment) -> dict[str, Any]:
    """The latest of each, and how many there are."""
    with environment.lock:
        places = environment.index.select((), "createdAt")
        latest = [environment.index.find(id_) for _, id_ in reversed(places[-MOST_SHOWN:])]
        subscribers = list(environment.subscribers)
        return {
            "id": environment.id,
            "connections": [each for each in latest if each is not None],
            "count": len(places),
            "subscribers": subscribers[-MOST_SHOWN:],
            "subscriber_count": len(subscribers),
            "integrations": environment.integrations[-MOST_SHOWN:],
        }


def _chosen() -> Environment:
    """The environment a form is about; the first one where it does not say."""
    id_, novu = _text("environment"), local_novu()
    found = [each for each in novu.environments if each.id == id_]
    if id_ and not found:
        abort(400, "No such environment.")
    return found[0] if found else novu.environment


def _times() -> int | None:
    text = request.form.get("times", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MOST_TIMES):
        abort(400, f"Times must be a number from 1 to {MOST_TIMES}.")
    return int(text)


def _text(name: str) -> str:
    return request.form.get(name, "").strip()


def _words(error: NovuError) -> str:
    return "; ".join(error.messages) if isinstance(error, ValidationFailed) else error.message
