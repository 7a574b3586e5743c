"""What a customer of Sprocket can do: sign in as another one, connect Slack, test it, disconnect it."""

from __future__ import annotations

import re
import secrets
from typing import Final

from flask import Blueprint, Response, abort, jsonify, redirect, request
from werkzeug.wrappers import Response as Redirect

from onboarding.sandbox.fake import refuse_cross_site
from onboarding.sandbox.host import customers
from onboarding.sandbox.host.customers import signed_in
from onboarding.sandbox.host.onboarding import Answer, Unreachable
from onboarding.sandbox.host.pages import api
from onboarding.sandbox.host.receiving import local_host

SETTINGS: Final = "/settings/notifications"
ONCE: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
NO_ANSWER: Final = (
    "The connection service does not answer, and nobody knows whether anything was done. Look again in a minute."
)

blueprint = Blueprint("actions", __name__)
blueprint.before_request(refuse_cross_site)


@blueprint.post("/sign-in")
def sign_in() -> Redirect:
    chosen = customers.find(request.form.get("customer", "")) or abort(400, "No such customer.")
    response = redirect("/", 303)
    response.set_cookie(customers.COOKIE, chosen.id, httponly=True, samesite="Lax", max_age=30 * 86_400)
    return response


@blueprint.get("/slack/connect")
def connect_on_click() -> Redirect:
    """Where the element leads, in a new tab."""
    return _to_link(secrets.token_urlsafe(16))


@blueprint.post("/slack/connect")
def connect() -> Redirect:
    """The key is the form's: pressing the button twice creates one link."""
    return _to_link(_once("connect"))


@blueprint.get("/slack/status-token")
def status_token() -> Response:
    try:
        return jsonify(token=api().status_token(signed_in().id))
    except Unreachable:
        abort(503, NO_ANSWER)


def _to_link(key: str) -> Redirect:
    customer = signed_in()
    fields = {
        "subscriberId": customer.id,
        "account": customer.name,
        "returnUrl": f"{request.host_url}slack/return",
        "destination": "choose",
    }
    try:
        answer = api().create_link(fields, key)
    except Unreachable:
        abort(503, NO_ANSWER)
    if answer.status != 201:
        abort(502, f"The connection service would not create a link: {answer.status} {answer.detail}")
    return redirect(str(answer.body["url"]), 303)


@blueprint.post("/slack/test")
def send_test() -> Redirect:
    try:
        answer = api().send_test(_connection(), _once("test"))
    except Unreachable:
        return _back(NO_ANSWER)
    return _back(_about_test(answer))


@blueprint.post("/slack/disconnect")
def disconnect() -> Redirect:
    try:
        answer = api().disconnect(_connection())
    except Unreachable:
        return _back(NO_ANSWER)
    return _back(_about_disconnect(answer))


def _once(what: str) -> str:
    given = request.form.get("once", "")
    return f"{what}-{signed_in().id}-{given if ONCE.fullmatch(given) else secrets.token_urlsafe(16)}"


def _connection() -> str:
    return local_host().of(signed_in().id).standing.connection or abort(409, "Slack is not connected.")


def _back(sentence: str) -> Redirect:
    local_host().leave_notice(signed_in().id, sentence)
    return redirect(SETTINGS, 303)


def _about_test(answer: Answer) -> str:
    if answer.status == 200:
        return "Slack took the test message."
    if answer.reason == "no_destination":
        return "Nobody has chosen yet where notifications go, so there was nowhere to send it."
    if answer.status == 409:
        return f"Slack did not take the test message: {answer.reason or answer.detail}."
    if answer.status == 429:
        return f"Too many test messages. Try again in {answer.retry_after or 'some'} seconds."
    return f"The test message was not sent: {answer.status} {answer.detail}"


def _about_disconnect(answer: Answer) -> str:
    if answer.status == 204:
        return "Slack is disconnected."
    if answer.status == 202:
        return "Slack is being disconnected. That takes a little longer today."
    if answer.status == 405:
        return "The connection service cannot disconnect by its API yet (405). Nothing was changed."
    if answer.status == 404:
        return "The connection service does not know this connection, or cannot disconnect by its API (404)."
    return f"Slack was not disconnected: {answer.status} {answer.detail}"
