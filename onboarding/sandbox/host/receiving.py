"""The webhook: verified, stored once, in order."""

from __future__ import annotations

import time
from typing import cast

from flask import Blueprint, Response, current_app, jsonify, request

from onboarding.sandbox.host import events
from onboarding.sandbox.host.faults import STORING, Fault
from onboarding.sandbox.host.model import Event
from onboarding.sandbox.host.signatures import Forged, verify
from onboarding.sandbox.host.state import Host
from onboarding.sandbox.serve import hang_up, pause

blueprint = Blueprint("receiving", __name__)


@blueprint.post("/webhooks/slack")
def receive() -> Response:
    """Signed, so it may come from anywhere; and a signature is over the body as it came, not as somebody parsed it."""
    host, body = local_host(), request.get_data()
    try:
        event = events.read(verify(host.keys, request.headers, body, time.time()), body)
    except (Forged, ValueError) as error:
        host.refuse()
        return _answer(400, error=str(error))
    fault = host.faults.strike()
    if fault:
        return _fail(event, fault)
    received = host.receive(event, 200)
    return _answer(200, effect=received.effect)


def local_host() -> Host:
    return cast(Host, current_app.extensions["host"])


def _fail(event: Event, fault: Fault) -> Response:
    happen = local_host().receive if fault.kind in STORING else local_host().fail
    happen(event, fault.answered)
    if fault.kind in STORING:
        pause(fault.seconds if fault.kind == "slow" else current_app.config["HANG_SECONDS"])
    return hang_up() if fault.answered is None else _answer(fault.answered, effect=fault.kind)


def _answer(status: int, **body: str) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response
