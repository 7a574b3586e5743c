"""Takes Slack's events: checks the signature, stores what they hint at, and answers at once. A worker checks later.

https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from onboarding.ledger.postgres import is_storable
from onboarding.settings.log import LOGGER
from onboarding.web import body
from onboarding.web.context import wiring
from onboarding.web.slack import envelope, signature

LARGEST: Final = 1_048_576

slack_events = Blueprint("slack_events", __name__)


@slack_events.post("/slack/events", provide_automatic_options=False)
@slack_events.post("/slack/events/<integration>", provide_automatic_options=False)
def hear(integration: str = "") -> ResponseReturnValue:
    """Of the app that this integration is for; the plain address is the default app's."""
    apps = wiring().settings.apps
    app = apps.by_integration.get(integration) if integration else apps.default
    if app is None or not app.signing_keys:
        abort(404)
    raw = body.read(LARGEST)
    if not signature.is_slacks(app.signing_keys, request.headers, raw, wiring().clock().timestamp()):
        return _answer(401)
    told = _parse(raw)
    if told is None:
        return _answer(400)
    if told.get("type") == "url_verification":
        challenge = told.get("challenge")
        return _answer(200, challenge if isinstance(challenge, str) and is_storable(challenge) else "")
    _heed(told, raw, app.integration if apps.is_from_file else None)
    return _answer(200)


def _heed(told: dict[str, Any], raw: bytes, integration: str | None) -> None:
    """Raises `StoreUnavailable`: then Slack sends it again."""
    hint = envelope.hint(told, raw)
    if hint is None or not all(map(is_storable, (hint.event_id, hint.app_id, *hint.places))):
        return
    hit = wiring().ledger.findings.hear(replace(hint, integration=integration))
    if hit:
        LOGGER.info("slack event heard event=%s connections=%d", hint.event_id, hit)


def _parse(raw: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _answer(status: int, text: str = "") -> Response:
    return Response(text, status, mimetype="text/plain")
