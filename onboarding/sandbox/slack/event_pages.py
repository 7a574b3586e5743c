"""The events that were sent: a page for people, JSON for tests, and how to make them go astray."""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as Redirect

from onboarding.sandbox.fake import read_number, refuse_cross_site
from onboarding.sandbox.slack.calling import local_slack
from onboarding.sandbox.slack.sent import KEPT, SentEvent

LONGEST_WAIT: Final = 86400
NOTES: Final = {
    "nowhere": "Not sent: this Slack knows no request URL.",
    "lost": "Not sent: events are lost.",
    "late": "Late on purpose.",
    "twice": "Twice on purpose.",
    "out_of_order": "Held until the next event, or sent before the one that was held.",
    "dropped": "Not sent, or not sent again: too many were waiting.",
}
REASONS: Final = {
    "http_timeout": "No answer within 3 seconds",
    "connection_failed": "Nobody answered",
    "ssl_error": "The certificate is not good",
    "too_many_redirects": "Redirected too often",
    "unknown_error": "The request URL makes no sense",
}

blueprint: Final = Blueprint("events", __name__)


@blueprint.get("/events")
def show() -> str:
    return render_template(
        "slack/events.html",
        outbox=local_slack().outbox,
        most=KEPT,
        notes=NOTES,
        reasons=REASONS,
        written=lambda envelope: json.dumps(envelope, ensure_ascii=False),
    )


@blueprint.get("/sandbox/events")
def tell() -> Response:
    """Newest first; `pending` counts deliveries on their way or waiting for another try."""
    outbox = local_slack().outbox
    return jsonify({"events": [_event(each) for each in outbox.events], "pending": outbox.pending})


@blueprint.post("/events/verify")
def verify() -> Redirect:
    refuse_cross_site()
    slack = local_slack()
    if not slack.outbox.url:
        abort(400, "This Slack knows no request URL.")
    slack.outbox.verify(slack.app.signing_secret)
    return redirect("/events", 303)


@blueprint.post("/events/mishap")
def spoil() -> Redirect:
    """Fields: `kind`, and `seconds` for what is late."""
    refuse_cross_site()
    seconds = read_number("seconds", LONGEST_WAIT, least=0)
    try:
        local_slack().outbox.spoil(request.form.get("kind", ""), 5 if seconds is None else seconds)
    except ValueError:
        abort(400, "No such mishap.")
    return redirect("/", 303)


def _event(event: SentEvent) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "type": event.type,
        "place": event.place,
        "at": event.at.isoformat(),
        "note": event.note,
        "envelope": event.envelope,
        "deliveries": [
            {"attempt": each.attempt, "at": each.at.isoformat(), "status": each.status, "reason": each.reason}
            for each in event.deliveries
        ],
    }
