"""The sign-in page: who signs in, and what goes wrong then."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as Redirect

from onboarding.sandbox.fake import POLICY, refuse_cross_site
from onboarding.sandbox.issuer import people
from onboarding.sandbox.issuer.metadata import ANOTHER_ISSUER, local_issuer, own_address
from onboarding.sandbox.issuer.model import IssuerApp, Person, SignIn
from onboarding.sandbox.issuer.outcomes import APPROVED, OUTCOMES, Outcome
from onboarding.sandbox.slack import SlackApp, redirects

PASSED_ON: Final = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")

blueprint: Final = Blueprint("authorize", __name__, url_prefix="/authorize")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to sign somebody in, from the known client. `state` is None if none was sent."""

    redirect_uri: str
    response_type: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    challenge: str
    method: str

    @property
    def complaint(self) -> tuple[str, str] | None:
        """An error and its description, https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1."""
        if not self.response_type:
            return "invalid_request", "response_type is missing."
        if self.response_type != "code":
            return "unsupported_response_type", "response_type must be code."
        if "openid" not in self.scopes:
            return "invalid_scope", "scope must contain openid."
        if self.method != "S256" or not CHALLENGE.fullmatch(self.challenge):
            return "invalid_request", "code_challenge with code_challenge_method=S256 is required."
        return None


@blueprint.get("")
def show() -> Response | Redirect:
    app = local_issuer().app
    ask = read_ask(app)
    if ask.complaint:
        return refuse(ask, *ask.complaint)
    page = render_template(
        "issuer/sign_in.html",
        app=app,
        people=people.OFFERED,
        chosen=people.DEFAULT,
        longest=people.LONGEST,
        passed_on=[(name, request.args[name]) for name in PASSED_ON if name in request.args],
        stages=[(stage, list(group)) for stage, group in groupby(OUTCOMES.values(), lambda each: each.stage)],
        approved=APPROVED,
    )
    response = make_response(page)
    # No `form-action`: browsers apply it to the redirect back to the client, which lives elsewhere.
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.post("")
def decide() -> Response | Redirect:
    refuse_cross_site()
    issuer, ask = local_issuer(), read_ask(local_issuer().app)
    if ask.complaint:
        return refuse(ask, *ask.complaint)
    if request.form.get("decision") == "cancel":
        return refuse(ask, "access_denied", "The person pressed Cancel.")
    sign_in = _sign_in(ask)
    issuer.remember(sign_in)
    if sign_in.outcome.callback_error:
        return refuse(ask, sign_in.outcome.callback_error, "Something is wrong with the local issuer.")
    claimed = ANOTHER_ISSUER if sign_in.outcome.slug == "wrong_iss_parameter" else own_address()
    return answer(ask, {"code": issuer.issue_code(sign_in)}, claimed)


def read_ask(app: IssuerApp) -> Ask:
    """A page of its own, and nobody is sent anywhere, for a bad client id or redirect URI."""
    given = request.values
    if given.get("client_id") != app.client_id:
        abort(400, "This client_id is not known here.")
    uri = given.get("redirect_uri", "")
    if not is_permitted(app, uri):
        abort(400, f"This redirect_uri is not permitted: {uri}")
    return Ask(
        redirect_uri=uri,
        response_type=given.get("response_type", ""),
        scopes=tuple(dict.fromkeys(given.get("scope", "").split())),
        state=given.get("state"),
        nonce=given.get("nonce"),
        challenge=given.get("code_challenge", ""),
        method=given.get("code_challenge_method", ""),
    )


def is_permitted(app: IssuerApp, uri: str) -> bool:
    """Safe by Slack's rule and, unlike there, exactly as configured: OpenID Connect knows no prefixes."""
    safe = redirects.is_permitted(SlackApp(redirect_uris=app.redirect_uris), uri)
    return safe and (not app.redirect_uris or uri in app.redirect_uris)


def refuse(ask: Ask, error: str, description: str) -> Redirect:
    return answer(ask, {"error": error, "error_description": description}, own_address())


def answer(ask: Ask, fields: dict[str, str], issuer: str) -> Redirect:
    """Always with `iss`, https://www.rfc-editor.org/rfc/rfc9207."""
    state = {} if ask.state is None else {"state": ask.state}
    return redirect(redirects.add_answer(ask.redirect_uri, {**fields, **state, "iss": issuer}), 302)


def _sign_in(ask: Ask) -> SignIn:
    person, outcome = _chosen()
    return SignIn(person, outcome, ask.redirect_uri, ask.scopes, ask.nonce, ask.challenge, datetime.now(UTC))


def _chosen() -> tuple[Person, Outcome]:
    """A typed e-mail address outweighs the choice, which the page always sends."""
    if request.form.get("decision") != "allow":
        abort(400, "decision must be allow or cancel.")
    typed = request.form.get("email", "").strip()
    person = people.anybody(typed) if typed else people.offered(request.form.get("person", people.DEFAULT.email))
    outcome = OUTCOMES.get(request.form.get("outcome", APPROVED.slug))
    if person is None or outcome is None:
        abort(400, "No such person or outcome.")
    return person, outcome
