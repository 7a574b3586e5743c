"""What nobody can ask Slack or Novu about an app, and where an operator finds it.

Without somebody's token Slack says of an app whether its id and secret belong together, and nothing else. Novu never
shows the credentials of an integration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from onboarding.flows.manifest import EVENTS
from onboarding.settings.apps import App


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look, and what has to be there."""

    where: str
    what: str


def at_slack(app: App, events_url: str) -> Iterator[Place]:
    """In the app's settings at https://api.slack.com/apps."""
    yield Place("OAuth & Permissions > Redirect URLs", f"{app.slack.redirect_uri} is one of them")
    if app.signing_keys:
        yield Place("Event Subscriptions > Request URL", f"it is {events_url}, and verified")
        yield Place("Event Subscriptions > Subscribe to bot events", ", ".join(EVENTS))
        key = app.name_of("SLACK_SIGNING_SECRET")
        yield Place("Basic Information > Signing Secret", f"it is that of {key}; Request URL is verified only if so")
    yield Place("Manage Distribution", "it is activated; if not, only the app's own workspace can install it")
    yield Place("App Home > Show Tabs", "the Messages Tab is on; if not, direct messages fail")


def elsewhere(app: App, public_url: str) -> Iterator[Place]:
    yield Place("Novu > Integrations", f"{app.integration} holds the app's Client ID and Secret, if its tokens rotate")
    yield Place("From another network", f"{public_url}/livez answers 200: browsers and Slack come from there")
    if app.webhook:
        yield Place("onboarding webhook ping", f"your endpoint in {app.name_of('WEBHOOK_URL')} takes events")
