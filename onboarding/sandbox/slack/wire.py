"""How answers travel, to a redeemed code and to any other call: at once, late, cut short, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from flask import Response, current_app, jsonify

from onboarding.sandbox.serve import hang_up, pause
from onboarding.sandbox.slack import cursors
from onboarding.sandbox.slack.faults import Fault
from onboarding.sandbox.slack.state import Slack

RETRY_AFTER: Final = "30"
PAGE: Final = "<!doctype html><html lang=en><title>{0}</title><h1>{0}</h1>"


def answer_redeem(slack: Slack, code: str, redirect_uri: str | None) -> Response:
    """SlackError if Slack answers `ok: false`; otherwise the answer travels as the code's outcome says."""
    outcome = slack.outcome_of(code)
    slug = outcome.slug if outcome else ""
    answer = slack.redeem(code, redirect_uri)
    match slug:
        case "server_error" | "html":
            return _page(slug)
        case "rate_limited":
            return _limited(RETRY_AFTER)
        case "reset_before" | "reset_after":
            return hang_up()
        case "truncated":
            return _cut_short(answer)
        case "slow" | "hang":
            return _late(answer, current_app.config["PAUSES"][slug])
        case _:
            return jsonify(answer)


def answer_faulty(fault: Fault, do: Callable[[], Response]) -> Response:
    """The answer to a call that a fault strikes. `do` makes the honest one, and has its effects."""
    match fault.kind:
        case "server_error" | "html":
            return _page(fault.kind)
        case "error":
            return jsonify({"ok": False, "error": fault.error})
        case "rate_limited":
            return _limited(str(fault.retry_after))
        case "reset_before":
            return hang_up()
        case _:
            return _done_but(fault.kind, do())


def _done_but(kind: str, answer: Response) -> Response:
    match kind:
        case "reset_after":
            return hang_up()
        case "truncated":
            return _cut_short(answer.get_json())
        case "slow" | "hang":
            return answer if pause(current_app.config["PAUSES"][kind]) else hang_up()
        case _:
            return _endless(answer)


def _endless(answer: Response) -> Response:
    """As if a list began again, for ever."""
    told = answer.get_json()
    if told.get("ok"):
        answer.set_data(json.dumps(told | {"response_metadata": {"next_cursor": cursors.write(0, 1)}}))
    return answer


def _page(kind: str) -> Response:
    title, status = ("Server Error", 500) if kind == "server_error" else ("Sign in to the network", 200)
    return Response(PAGE.format(title), status, mimetype="text/html")


def _limited(retry_after: str) -> Response:
    limited = jsonify({"ok": False, "error": "ratelimited"})
    limited.status_code, limited.headers["Retry-After"] = 429, retry_after
    return limited


def _cut_short(answer: dict[str, Any]) -> Response:
    text = json.dumps(answer)
    return Response(text[: len(text) // 2], 200, mimetype="application/json")


def _late(answer: dict[str, Any], seconds: float) -> Response:
    return jsonify(answer) if pause(seconds) else hang_up()
