"""What arrived at the webhook: a page for people, JSON for tests, and the switches that make it fail."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as Redirect

from onboarding.sandbox.fake import read_number, refuse_cross_site
from onboarding.sandbox.host.customers import CUSTOMERS
from onboarding.sandbox.host.faults import KINDS
from onboarding.sandbox.host.model import Known, Owner, Received
from onboarding.sandbox.host.receiving import local_host
from onboarding.sandbox.host.state import KEPT

MOST: Final = {"count": 9999, "seconds": 600, "every": 1000}

blueprint = Blueprint("log", __name__)


@blueprint.get("/webhooks/log")
def show() -> str:
    host = local_host()
    received = tuple(reversed(host.received))
    return render_template("host/log.html", host=host, received=received, most=KEPT, kinds=KINDS)


@blueprint.post("/webhooks/faults")
def set_fault() -> Redirect:
    """Fields: `kind`, and optionally `count`, `seconds` (for slow), `every` (for nth)."""
    refuse_cross_site()
    count, seconds, every = (read_number(name, most) for name, most in MOST.items())
    try:
        local_host().faults.set(request.form.get("kind", ""), count, seconds=seconds or 5, every=every or 2)
    except ValueError:
        abort(400, "No such switch.")
    return redirect("/webhooks/log", 303)


@blueprint.post("/webhooks/faults/clear")
def clear_faults() -> Redirect:
    refuse_cross_site()
    local_host().faults.clear()
    return redirect("/webhooks/log", 303)


@blueprint.get("/sandbox/events")
def tell_events() -> Response:
    """Every delivery, newest first."""
    host = local_host()
    return jsonify({"events": [_received(each) for each in reversed(host.received)], "refused": host.refused})


@blueprint.get("/sandbox/state")
def tell_state() -> Response:
    """`subscribers` holds each customer's own; `owners` everything, also what belongs to a context."""
    host = local_host()
    return jsonify(
        {
            "subscribers": {each.id: _known(host.of(each.id)) for each in CUSTOMERS},
            "owners": [_owner(owner) | _known(known) for owner, known in host.known.items()],
        }
    )


def _received(each: Received) -> dict[str, Any]:
    event = each.event
    return {
        "id": event.id,
        "type": event.type,
        "timestamp": event.timestamp,
        "sequence": event.sequence,
        "receivedAt": each.at.isoformat(),
        "delivery": each.number,
        "again": each.number > 1,
        "effect": each.effect,
        "change": each.change,
        "answered": each.answered,
        "data": event.data,
    }


def _known(known: Known) -> dict[str, Any]:
    told = asdict(known.standing)
    told["reconnectUrl"] = told.pop("reconnect_url")
    return {**told, "sequence": known.sequence}


def _owner(owner: Owner) -> dict[str, Any]:
    return {
        "subscriberId": owner.subscriber_id,
        "contextKeys": list(owner.context_keys),
        "integrationIdentifier": owner.integration,
    }
