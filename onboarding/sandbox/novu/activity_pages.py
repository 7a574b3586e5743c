"""The activity feed: a page for people, JSON for tests."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, jsonify, render_template

from onboarding.sandbox.novu import delivery
from onboarding.sandbox.novu.activity import MOST
from onboarding.sandbox.novu.state import local_novu

WORDS: Final = {
    delivery.SENT: "At least one endpoint took it.",
    delivery.NO_CHANNEL: "No channel endpoint has this subscriber and exactly this context, so nothing was posted.",
    delivery.ALL_FAILED: "No endpoint took it.",
}
HINTS: Final = {
    "Slack API Error: not_authed": "The token was empty: look at the endpoint's connection and its context.",
}

blueprint: Final = Blueprint("activity", __name__)


@blueprint.get("/activity")
def show() -> str:
    feed = local_novu().activity
    return render_template(
        "novu/activity.html",
        activities=feed.activities,
        pending=feed.pending,
        most=MOST,
        words=WORDS,
        hints=HINTS,
    )


@blueprint.get("/sandbox/activity")
def tell() -> Response:
    """Newest first; `pending` counts what is still on its way. Novu has no such address."""
    feed = local_novu().activity
    return jsonify({"data": [each.view() for each in feed.activities], "pending": feed.pending})
