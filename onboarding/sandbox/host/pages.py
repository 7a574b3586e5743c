"""What a customer of Sprocket sees."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final, cast

from flask import Blueprint, abort, current_app, render_template, request
from werkzeug.exceptions import HTTPException

from onboarding.sandbox.host import asking, words
from onboarding.sandbox.host.customers import CUSTOMERS, Customer, signed_in
from onboarding.sandbox.host.model import Standing
from onboarding.sandbox.host.onboarding import Onboarding, Unreachable
from onboarding.sandbox.host.receiving import local_host

NO_ANSWER: Final = "The connection service does not answer. This is what we knew last."
ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def dashboard() -> str:
    standing, notice = _look(signed_in())
    return render_template("host/dashboard.html", standing=standing, notice=notice, customers=CUSTOMERS)


@blueprint.get("/settings/notifications")
def notifications() -> str:
    customer = signed_in()
    standing, silence = _look(customer)
    notice = local_host().take_notice(customer.id)
    attempts = f"{api().url}/attempts"
    return render_template(
        "host/notifications.html",
        standing=standing,
        notice=" ".join(filter(None, (notice, silence))),
        once=secrets.token_urlsafe(16),
        attempt_page=f"{attempts}/{standing.attempt}" if standing.attempt else "",
        status_token=_status_token(customer),
        element=f"{api().url}/embed/v1.js",
    )


@blueprint.get("/slack/return")
def came_back() -> str:
    """Anybody can put anything into an address. It says which attempt to ask about, but not how it ended."""
    customer = signed_in()
    attempt = _attempt_of(customer, request.args.get("attempt", ""))
    standing, notice = _look(customer)
    return render_template(
        "host/returned.html",
        heading=words.heading(attempt),
        attempt=attempt,
        standing=standing,
        notice=notice,
        is_contradicted=request.args.get("status", "") not in {"", words.reported(attempt)},
    )


def api() -> Onboarding:
    return cast(Onboarding, current_app.extensions["onboarding_api"])


def on_every_page() -> dict[str, Any]:
    return {"customer": signed_in(), "words": words}


def show_problem(error: HTTPException) -> tuple[str, int]:
    return render_template("host/problem.html", title=error.name, sentence=error.description), error.code or 500


def _status_token(customer: Customer) -> str:
    try:
        return api().status_token(customer.id)
    except Unreachable:
        return ""


def _attempt_of(customer: Customer, attempt_id: str) -> dict[str, Any]:
    try:
        found = api().attempt(attempt_id) if ID.fullmatch(attempt_id) else None
    except Unreachable:
        abort(503, "The connection service does not answer. Reload this page in a minute.")
    if found is None or found.get("subscriberId") != customer.id:
        abort(404, "We do not know this try to connect Slack, or it belongs to another customer.")
    return found


def _look(customer: Customer) -> tuple[Standing, str]:
    """How things are, asked anew; and a sentence if nobody answered."""
    host, notice = local_host(), ""
    try:
        asking.refresh(host, api(), customer.id)
    except Unreachable:
        notice = NO_ANSWER
    return host.of(customer.id).standing, notice
