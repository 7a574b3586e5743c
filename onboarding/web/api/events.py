"""The calls about events: list them, and send one again."""

from __future__ import annotations

from typing import Any

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue

from onboarding.ledger.audit import Action
from onboarding.ledger.events import HostEvent
from onboarding.web import auditing
from onboarding.web.api import answers, bodies, callers, event_asking, repeats
from onboarding.web.api.repeats import Content
from onboarding.web.api.views import api_calls
from onboarding.web.context import wiring


@api_calls.get("/v1/events", provide_automatic_options=False)
def list_events() -> ResponseReturnValue:
    found, next_page = wiring().ledger.events.find(event_asking.wanted(request.args))
    return jsonify({"data": [_event(each) for each in found], "next": next_page})


@api_calls.post("/v1/events/<event_id>/redeliver", provide_automatic_options=False)
def redeliver_event(event_id: str) -> ResponseReturnValue:
    bodies.read_nothing()
    key = request.headers.get(repeats.KEY)
    repeats.once(callers.caller(), key, f"redeliver {event_id}", lambda: _redeliver(event_id))
    return answers.nothing(202)


def _redeliver(event_id: str) -> Content:
    if not event_asking.ID.fullmatch(event_id) or not wiring().notify.redeliver(event_id):
        abort(404)
    auditing.record(callers.caller().name, Action.REDELIVERED, event_id)
    return {"id": event_id}


def _event(found: HostEvent) -> dict[str, Any]:
    tried = found.deliveries
    return {
        "id": found.id,
        "type": found.type,
        "timestamp": answers.moment(found.at),
        "data": wiring().notify.data(found),
        "delivery": {
            "status": found.sending.value,
            "tries": found.tries,
            "lastStatus": tried[-1].status if tried else None,
            "nextTryAt": answers.maybe(found.next_try_at),
        },
    }
