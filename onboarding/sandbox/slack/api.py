"""The Web API methods that surround an installation. Application errors come at HTTP 200, as Slack's do."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Final, cast

from flask import Blueprint, Response, current_app, jsonify, request

from onboarding.sandbox.slack import arguments
from onboarding.sandbox.slack.model import Installation, SlackApp, SlackError, Token
from onboarding.sandbox.slack.state import Slack
from onboarding.sandbox.slack.wire import answer_redeem

blueprint: Final = Blueprint("api", __name__, url_prefix="/api")


@blueprint.route("/<path:method>", methods=["GET", "POST"])
def call(method: str) -> Response:
    try:
        called = METHODS.get(method)
        if called is None:
            raise SlackError("unknown_method", req_method=method)
        return called(arguments.read())
    except SlackError as error:
        return jsonify({"ok": False, "error": error.code, **error.beside})


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
    return jsonify(slack.exchange(_token(given)))


def auth_test(given: dict[str, str]) -> Response:
    with local_slack().authenticated(_token(given)) as (token, installation):
        is_bot, workspace = token.kind == "bot", installation.workspace
        answer: dict[str, Any] = {
            "ok": True,
            "url": f"https://{workspace.id.lower()}.rehearsal.invalid/",
            "team": workspace.organisation.name if installation.org_wide else workspace.name,
            "team_id": installation.id,
            "user": "rehearsal-bot" if is_bot else "rehearsal",
            "user_id": installation.bot_user_id if is_bot else installation.user_id,
            "is_enterprise_install": installation.org_wide,
        }
        answer |= {"bot_id": installation.bot_id} if is_bot else {}
        if installation.org_wide or workspace.enterprise:
            answer["enterprise_id"] = workspace.organisation.id
        return _scoped(answer, token, installation)


def revoke(given: dict[str, str]) -> Response:
    slack = local_slack()
    with slack.authenticated(_token(given)) as (token, installation):
        rehearsing = given.get("test") in {"1", "true"}
        if not rehearsing:
            slack.revoke(token)
        return _scoped({"ok": True, "revoked": not rehearsing}, token, installation)


def uninstall(given: dict[str, str]) -> Response:
    slack = local_slack()
    with slack.authenticated(_token(given)) as (_, installation):
        _require_client(slack.app, given)
        slack.uninstall(installation)
        return jsonify({"ok": True})


def team_info(given: dict[str, str]) -> Response:
    with local_slack().authenticated(_token(given)) as (token, installation):
        if "team:read" not in _scopes(token, installation):
            provided = ",".join(_scopes(token, installation))
            raise SlackError("missing_scope", needed="team:read", provided=provided)
        workspace = installation.workspace
        team: dict[str, Any] = {"id": workspace.id, "name": workspace.name, "domain": workspace.id.lower()}
        team |= {"email_domain": "", "icon": {"image_default": True}}
        if workspace.enterprise:
            team |= {"enterprise_id": workspace.enterprise.id, "enterprise_name": workspace.enterprise.name}
        return _scoped({"ok": True, "team": team}, token, installation)


METHODS: Final[dict[str, Callable[[dict[str, str]], Response]]] = {
    "oauth.v2.access": access,
    "oauth.v2.exchange": exchange,
    "auth.test": auth_test,
    "auth.revoke": revoke,
    "apps.uninstall": uninstall,
    "team.info": team_info,
}


def local_slack() -> Slack:
    return cast(Slack, current_app.extensions["slack"])


def _require_client(app: SlackApp, given: dict[str, str]) -> None:
    """HTTP Basic is preferred to the body, where both are sent."""
    basic = request.authorization if request.authorization and request.authorization.type == "basic" else None
    client_id = (basic.username if basic else given.get("client_id")) or ""
    secret = (basic.password if basic else given.get("client_secret")) or ""
    if client_id != app.client_id:
        raise SlackError("invalid_client_id")
    if not hmac.compare_digest(secret.encode(), app.client_secret.encode()):
        raise SlackError("bad_client_secret")


def _token(given: dict[str, str]) -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme == "Bearer" else given.get("token", "")


def _scopes(token: Token, installation: Installation) -> tuple[str, ...]:
    return installation.scopes if token.kind == "bot" else installation.user_scopes


def _scoped(answer: dict[str, Any], token: Token, installation: Installation) -> Response:
    response = jsonify(answer)
    response.headers["X-OAuth-Scopes"] = ",".join(_scopes(token, installation))
    return response
