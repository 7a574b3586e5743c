"""How the answer to a redeemed code travels: at once, late, cut short, or not at all."""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Response, current_app, jsonify

from onboarding.sandbox.serve import hang_up, pause
from onboarding.sandbox.slack.state import Slack

RETRY_AFTER: Final = "30"
PAGE: Final = "<!doctype html><html lang=en><title>{0}</title><h1>{0}</h1>"


def answer_redeem(slack: Slack, code: str, redirect_uri: str | None) -> Response:  # noqa: PLR0911
    """SlackError where Slack answers `ok: false`; the code's own misfortune otherwise."""
    outcome = slack.outcome_of(code)
    slug = outcome.slug if outcome else ""
    answer = slack.redeem(code, redirect_uri)
    match slug:
        case "server_error":
            return Response(PAGE.format("Server Error"), 500, mimetype="text/html")
        case "html":
            return Response(PAGE.format("Sign in to the network"), 200, mimetype="text/html")
        case "rate_limited":
            limited = jsonify({"ok": False, "error": "ratelimited"})
            limited.status_code, limited.headers["Retry-After"] = 429, RETRY_AFTER
            return limited
        case "reset_before" | "reset_after":
            return hang_up()
        case "truncated":
            return _cut_short(answer)
        case "slow" | "hang":
            return _late(answer, current_app.config["PAUSES"][slug])
        case _:
            return jsonify(answer)


def _cut_short(answer: dict[str, Any]) -> Response:
    text = json.dumps(answer)
    return Response(text[: len(text) // 2], 200, mimetype="application/json")


def _late(answer: dict[str, Any], seconds: float) -> Response:
    return jsonify(answer) if pause(seconds) else hang_up()
