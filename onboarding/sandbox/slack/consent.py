"""Slack's consent page: who asks for what, where to install it, and what happens next."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as Redirect

from onboarding.sandbox.fake import POLICY, refuse_cross_site
from onboarding.sandbox.slack import people, scopes, workspaces
from onboarding.sandbox.slack.calling import local_slack
from onboarding.sandbox.slack.model import Consent, SlackApp, Workspace
from onboarding.sandbox.slack.outcomes import APPROVED, OUTCOMES, Outcome
from onboarding.sandbox.slack.redirects import add_answer, is_permitted

CANCELLED: Final = {
    "error": "access_denied",
    "error_description": "The user has denied access to the scope(s) requested by the client application.",
}
PASSED_ON: Final = ("client_id", "redirect_uri", "scope", "user_scope", "state", "team")

blueprint: Final = Blueprint("consent", __name__, url_prefix="/oauth/v2")


@dataclass(frozen=True, slots=True)
class Ask:
    """A well-formed request for consent. `sent_uri` is None if the app left the redirect URI to Slack."""

    redirect_uri: str
    sent_uri: str | None
    state: str
    scopes: tuple[str, ...]
    user_scopes: tuple[str, ...]

    @property
    def complaint(self) -> str | None:
        unknown = scopes.unknown(self.scopes + self.user_scopes)
        if unknown:
            return f"Invalid scope: {', '.join(unknown)}"
        return None if self.scopes or self.user_scopes else "No scopes were requested."


@blueprint.get("/authorize")
def show() -> Response | Redirect:
    slack, ask = local_slack(), read_ask(local_slack().app)
    if ask.complaint:
        return answer(ask, {"error": "invalid_scope", "error_description": ask.complaint})
    page = render_template(
        "slack/consent.html",
        app=slack.app,
        asked=[(scope, scopes.WORDS[scope]) for scope in ask.scopes + ask.user_scopes],
        chosen=workspaces.find(request.args.get("team", "")) or workspaces.DEFAULT,
        offered=workspaces.OFFERED,
        people=people.NAMES,
        passed_on=[(name, request.args[name]) for name in PASSED_ON if name in request.args],
        stages=[(stage, list(group)) for stage, group in groupby(OUTCOMES.values(), lambda each: each.stage)],
        approved=APPROVED,
    )
    response = make_response(page)
    # No `form-action`: browsers apply it to the redirect back to the app, which lives elsewhere.
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.post("/authorize")
def decide() -> Response | Redirect:
    refuse_cross_site()
    slack, ask = local_slack(), read_ask(local_slack().app)
    if ask.complaint:
        return answer(ask, {"error": "invalid_scope", "error_description": ask.complaint})
    if request.form.get("decision") == "cancel":
        return answer(ask, CANCELLED)
    workspace, outcome = _chosen()
    if outcome.callback_error:
        return answer(ask, {"error": outcome.callback_error})
    consent = Consent(workspace, _person(workspace), ask.scopes, ask.user_scopes, ask.sent_uri, outcome)
    return answer(ask, {"code": slack.issue_code(consent)})


def read_ask(app: SlackApp) -> Ask:
    """Slack shows a page of its own, and sends nobody anywhere, for a bad client id or redirect URI."""
    given = request.values
    if given.get("client_id") != app.client_id:
        abort(400, "Invalid client_id parameter")
    sent = given.get("redirect_uri") or None
    uri = sent or next(iter(app.redirect_uris), "")
    if not is_permitted(app, uri):
        abort(400, f"redirect_uri did not match any configured URIs. Passed URI: {uri}")
    return Ask(
        redirect_uri=uri,
        sent_uri=sent,
        state=given.get("state", ""),
        scopes=scopes.split(given.get("scope", "")),
        user_scopes=scopes.split(given.get("user_scope", "")),
    )


def answer(ask: Ask, answer: dict[str, Any]) -> Redirect:
    """`state` is always there, and empty if none was sent."""
    first = dict(list(answer.items())[:1])
    rest = {key: value for key, value in answer.items() if key not in first}
    return redirect(add_answer(ask.redirect_uri, {**first, "state": ask.state, **rest}), 302)


def _chosen() -> tuple[Workspace, Outcome]:
    if request.form.get("decision") != "allow":
        abort(400, "decision must be allow or cancel.")
    workspace = workspaces.find(request.form.get("workspace", workspaces.DEFAULT.id))
    outcome = OUTCOMES.get(request.form.get("outcome", APPROVED.slug))
    if workspace is None or outcome is None:
        abort(400, "No such workspace or outcome.")
    return workspace, outcome


def _person(workspace: Workspace) -> str:
    """Who presses Allow, by name or id."""
    person = people.find(workspace, request.form.get("person", people.NAMES[0][0]))
    if person is None:
        abort(400, "No such person.")
    return person.id
