"""Calls of the Web API, and the methods that change an installation.

Application errors come at HTTP 200, as Slack's do.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, jsonify, request

from onboarding.sandbox.slack import arguments, conversations, identity, posting
from onboarding.sandbox.slack.calling import local_slack, refusal, token_of
from onboarding.sandbox.slack.model import SlackApp, SlackError
from onboarding.sandbox.slack.wire import answer_faulty, answer_redeem

blueprint: Final = Blueprint("api", __name__, url_prefix="/api")


@blueprint.route("/<path:method>", methods=["GET", "POST"])
def call(method: str) -> Response:
    called, slack = METHODS.get(method), local_slack()
    if called is None:
        return jsonify(refusal(SlackError("unknown_method", req_method=method)))
    slack.count_call(method)
    fault = slack.faults.strike(method)
    return answer_faulty(fault, lambda: _answer(called)) if fault else _answer(called)


def _answer(called: Callable[[dict[str, str]], Response]) -> Response:
    try:
        return called(arguments.read())
    except SlackError as error:
        return jsonify(refusal(error))


def access(given: dict[str, str]) -> Response:
    slack, grant_type = local_slack(), given.get("grant_type") or "authorization_code"
    if grant_type == "authorization_code":
        slack.count_redeem()
    _require_client(slack.app, given)
    if grant_type == "refresh_token":
        return jsonify(slack.refresh(given.get("refresh_token", "")))
    if grant_type != "authorization_code":
        raise SlackError("invalid_grant_type")
    if given.get("code_verifier"):
        raise SlackError("pkce_not_allowed")
    return answer_redeem(slack, given.get("code", ""), given.get("redirect_uri") or None)


def exchange(given: dict[str, str]) -> Response:
    slack = local_slack()
    _require_client(slack.app, given)
    return jsonify(slack.exchange(token_of(given)))


def uninstall(given: dict[str, str]) -> Response:
    slack = local_slack()
    with slack.authenticated(token_of(given)) as (_, installation):
        _require_client(slack.app, given)
        slack.uninstall(installation)
        return jsonify({"ok": True})


METHODS: Final[dict[str, Callable[[dict[str, str]], Response]]] = {
    "oauth.v2.access": access,
    "oauth.v2.exchange": exchange,
    "apps.uninstall": uninstall,
    "auth.test": identity.auth_test,
    "auth.revoke": identity.auth_revoke,
    "auth.teams.list": identity.auth_teams_list,
    "team.info": identity.team_info,
    "conversations.list": conversations.conversations_list,
    "conversations.info": conversations.conversations_info,
    "conversations.join": conversations.conversations_join,
    "conversations.open": conversations.conversations_open,
    "users.conversations": conversations.users_conversations,
    "chat.postMessage": posting.post_message,
}


def _require_client(app: SlackApp, given: dict[str, str]) -> None:
    """If both are sent, HTTP Basic counts and the body does not."""
    basic = request.authorization if request.authorization and request.authorization.type == "basic" else None
    client_id = (basic.username if basic else given.get("client_id")) or ""
    secret = (basic.password if basic else given.get("client_secret")) or ""
    if client_id != app.client_id:
        raise SlackError("invalid_client_id")
    if not hmac.compare_digest(secret.encode(), app.client_secret.encode()):
        raise SlackError("bad_client_secret")
