"""The calls about links, attempts and status tokens, and two addresses that tell how to call."""

from __future__ import annotations

import json
import re

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from onboarding.ledger.audit import Action
from onboarding.web import auditing
from onboarding.web.api import answers, asking, bodies, callers, creation, reference, repeats, status_tokens
from onboarding.web.api.description import document
from onboarding.web.context import wiring
from onboarding.web.pages import render
from onboarding.web.pages.about import About

ID = re.compile(r"[A-Za-z0-9_-]{22}")

api_calls = Blueprint("api", __name__)
api_calls.before_app_request(callers.admit)


@api_calls.post("/v1/links", provide_automatic_options=False)
def create_link() -> ResponseReturnValue:
    body, key = bodies.read_object(), request.headers.get(repeats.KEY)
    traceparent = request.headers.get(creation.TRACEPARENT)
    return jsonify(creation.create(body, key, traceparent, callers.caller())), 201


@api_calls.delete("/v1/links/<link_id>", provide_automatic_options=False)
def revoke_link(link_id: str) -> ResponseReturnValue:
    """Hosts may sign links themselves: a link that was not created here can be revoked too."""
    _check(link_id)
    wiring().minting.revoke(link_id)
    auditing.record(callers.caller().name, Action.REVOKED, link_id)
    return answers.nothing(204)


@api_calls.get("/v1/attempts/<attempt_id>", provide_automatic_options=False)
def read_attempt(attempt_id: str) -> ResponseReturnValue:
    _check(attempt_id)
    found = wiring().ledger.attempts.get(attempt_id) or abort(404)
    return jsonify(answers.attempt(found, wiring().choosing.open_to(found)))


@api_calls.get("/v1/attempts", provide_automatic_options=False)
def list_attempts() -> ResponseReturnValue:
    wanted = asking.wanted(request.args)
    wiring().ledger.attempts.expire()
    found = wiring().ledger.lists.find(wanted)
    standing = [each for each in found.attempts if asking.still_stands(each, wanted.standing)]
    return jsonify(answers.page(standing, wiring().choosing.open_to_each(standing), found.next))


@api_calls.post("/v1/status-tokens", provide_automatic_options=False)
def create_status_token() -> ResponseReturnValue:
    body, key = bodies.read_object(), request.headers.get(repeats.KEY)
    return jsonify(status_tokens.create(body, key, callers.caller())), 201


@api_calls.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    return Response(json.dumps(document(wiring().settings)), mimetype="application/json")


@api_calls.get("/reference")
def show_reference() -> ResponseReturnValue:
    described = document(wiring().settings)
    return render.render(
        "reference.html", described["info"]["title"], About(), reference=reference.of(described), document=described
    )


def _check(given_id: str) -> None:
    if not ID.fullmatch(given_id):
        abort(404)
