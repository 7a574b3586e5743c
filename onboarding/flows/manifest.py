"""The Slack app manifest of one app: what to paste at api.slack.com/apps. Holds no secret.

https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from onboarding.settings.apps import NO_NAME, App, Apps

EVENTS: Final = ("app_uninstalled", "team_access_granted", "team_access_revoked", "tokens_revoked")
"""What may be subscribed to of what we listen for. Slack sends `app_rate_limited` unasked."""
LONGEST_NAME: Final = 35
LONGEST_DISPLAY_NAME: Final = 80
FALLBACK_NAME: Final = "Notifications"


def manifest(app: App, events_url: str) -> dict[str, Any]:
    """Slack asks `events_url` whether it is ours when the manifest is saved, so it needs a signing secret to answer."""
    return {
        "display_information": _display(app),
        "features": {
            "bot_user": {"display_name": _display_name(_name(app))},
            # Without the Messages tab every direct message fails with messages_tab_disabled.
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
        },
        "oauth_config": {
            "redirect_urls": [app.slack.redirect_uri],
            "scopes": {"bot": list(dict.fromkeys(app.slack.scopes))},
        },
        "settings": {
            **(_subscriptions(events_url) if app.signing_keys else {}),
            "org_deploy_enabled": False,
            "socket_mode_enabled": False,
            "token_rotation_enabled": False,
        },
    }


def events_url(app: App, public_url: str, apps: Apps) -> str:
    """Where Slack sends this app's events."""
    events = f"{public_url}/slack/events"
    return f"{events}/{quote(app.integration, safe='')}" if apps.is_from_file else events


def _display(app: App) -> dict[str, str]:
    name = _name(app)[:LONGEST_NAME].strip()
    color = {"background_color": app.brand.accent_color} if app.brand.accent_color else {}
    return {"name": name, "description": f"Brings notifications from {name} to a channel or to you.", **color}


def _name(app: App) -> str:
    return FALLBACK_NAME if app.brand.product_name == NO_NAME else app.brand.product_name


def _display_name(name: str) -> str:
    """Slack refuses display names with its own name in them."""
    without = re.sub(r"(\b(for|in|on)\s+)?slack", "", name, flags=re.IGNORECASE)
    return " ".join(without.split())[:LONGEST_DISPLAY_NAME].strip() or FALLBACK_NAME


def _subscriptions(url: str) -> dict[str, Any]:
    return {"event_subscriptions": {"request_url": url, "bot_events": list(EVENTS)}}
