"""The shapes of Slack's answers around a grant. Builds dictionaries; decides and remembers nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from onboarding.sandbox.slack import channels
from onboarding.sandbox.slack.model import Consent, Installation, SlackApp, Token


def as_granted(consent: Consent) -> Consent:
    """The consent without what its outcome takes away."""
    if consent.outcome.slug == "fewer_scopes":
        return replace(consent, scopes=consent.scopes[:-1])
    if consent.outcome.slug == "user_only":
        return replace(consent, scopes=(), user_scopes=consent.user_scopes or ("identify",))
    return consent


def grant(
    app: SlackApp, installation: Installation, bot: Token | None, user: Token | None, *, named: bool
) -> dict[str, Any]:
    """The answer to a redeemed code, https://docs.slack.dev/reference/methods/oauth.v2.access."""
    answer: dict[str, Any] = {"ok": True, "app_id": app.id}
    if bot:
        answer |= _bot(installation, bot)
    answer["authed_user"] = {"id": installation.user_id} | (_user(installation, user) if user else {})
    answer |= _place(installation, named=named)
    if bot and "incoming-webhook" in installation.scopes:
        answer["incoming_webhook"] = _webhook(installation)
    return answer


def pair(app: SlackApp, installation: Installation, token: Token) -> dict[str, Any]:
    """The answer to a refresh or an exchange: one token at top level, and no `authed_user`."""
    part = _bot(installation, token) if token.kind == "bot" else _user(installation, token)
    return {"ok": True, "app_id": app.id, **part, **_place(installation, named=True)}


def _bot(installation: Installation, token: Token) -> dict[str, Any]:
    return _token(token, installation.scopes) | {"token_type": "bot", "bot_user_id": installation.bot_user_id}


def _user(installation: Installation, token: Token) -> dict[str, Any]:
    return _token(token, installation.user_scopes) | {"token_type": "user"}


def _token(token: Token, scopes: tuple[str, ...]) -> dict[str, Any]:
    answer: dict[str, Any] = {"access_token": token.value, "scope": ",".join(scopes)}
    if token.expires_at is not None:
        answer |= {"expires_in": round(token.expires_at - time.time()), "refresh_token": token.refresh}
    return answer


def _place(installation: Installation, *, named: bool) -> dict[str, Any]:
    workspace = installation.workspace
    enterprise = workspace.organisation if installation.org_wide else workspace.enterprise
    team = {"id": workspace.id} | ({"name": workspace.name} if named else {})
    return {
        "team": None if installation.org_wide else team,
        "enterprise": {"id": enterprise.id, "name": enterprise.name} if enterprise else None,
        "is_enterprise_install": installation.org_wide,
    }


def _webhook(installation: Installation) -> dict[str, str]:
    place = f"{installation.workspace.id}/{installation.bot_id}"
    return {
        "channel": "#general",
        "channel_id": channels.at(installation.workspace, 0).id,
        "configuration_url": f"https://sandbox.invalid/services/{installation.bot_id}",
        "url": f"https://sandbox.invalid/services/{place}",
    }
