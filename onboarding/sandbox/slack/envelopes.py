"""What Slack posts to an app's request URL. Builds dictionaries; decides and remembers nothing.

https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

import secrets
import time
from typing import Any, Final

from onboarding.sandbox.slack.model import Installation, SlackApp

TOKEN: Final = "deprecated-verification-token"


def callback(app: SlackApp, installation: Installation, event: dict[str, Any]) -> dict[str, Any]:
    """One event. What happens to an org-wide installation names the organisation and no team."""
    enterprise = _enterprise_id(installation)
    team = {} if installation.org_wide else {"team_id": installation.id}
    return {
        "token": TOKEN,
        **team,
        **({"enterprise_id": enterprise} if enterprise else {}),
        "api_app_id": app.id,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": enterprise,
                "team_id": None if installation.org_wide else installation.id,
                "user_id": installation.user_id,
                "is_bot": False,
                "is_enterprise_install": installation.org_wide,
            }
        ],
    }


def tokens_revoked(installation: Installation, kinds: frozenset[str]) -> dict[str, Any]:
    """Lists the ids of users, never tokens."""
    ids = {"oauth": ("user", installation.user_id), "bot": ("bot", installation.bot_user_id)}
    return {"type": "tokens_revoked", "tokens": {key: [id_] for key, (kind, id_) in ids.items() if kind in kinds}}


def app_rate_limited(app: SlackApp, installation: Installation) -> dict[str, Any]:
    """No event, but a message of its own: those of the minute were dropped."""
    minute = int(time.time()) // 60 * 60
    return {
        "token": TOKEN,
        "type": "app_rate_limited",
        "team_id": installation.id,
        "minute_rate_limited": minute,
        "api_app_id": app.id,
    }


def url_verification(challenge: str) -> dict[str, Any]:
    return {"token": TOKEN, "challenge": challenge, "type": "url_verification"}


def _enterprise_id(installation: Installation) -> str | None:
    if installation.org_wide:
        return installation.id
    enterprise = installation.workspace.enterprise
    return enterprise.id if enterprise else None
