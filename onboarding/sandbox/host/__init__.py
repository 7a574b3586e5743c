"""A local host product, called Sprocket: its customers connect Slack, and it hears of that in webhooks.

It knows the service as any product would, by its HTTP API and its webhooks, and keeps everything in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from onboarding.sandbox.fake import POLICY, Links, create_fake
from onboarding.sandbox.host import actions, log, pages, receiving
from onboarding.sandbox.host.onboarding import Onboarding
from onboarding.sandbox.host.signatures import key_of
from onboarding.sandbox.host.state import Host

__all__ = ["Host", "create_host"]


def create_host(
    onboarding_url: str,
    api_key: str,
    *webhook_secrets: str,
    links: Links = (),
    hang_seconds: float = 60.0,
) -> Flask:
    """ValueError for a webhook secret that is none. The state is at `extensions["host"]`."""
    flask = create_fake(__name__, "a local product", links)
    flask.extensions["host"] = Host(_keys(webhook_secrets))
    flask.extensions["onboarding_api"] = Onboarding(onboarding_url, api_key)
    flask.config["HANG_SECONDS"] = hang_seconds
    parts = urlsplit(onboarding_url)
    leads_to = f"{parts.scheme}://{parts.netloc}"

    @flask.after_request
    def let_the_service_in(response: Response) -> Response:
        """The element comes from there and asks there, and Connect Slack redirects there: browsers hold `form-action`
        against redirects too.
        """
        element = f"script-src 'self' {leads_to}; connect-src 'self' {leads_to}"
        response.headers["Content-Security-Policy"] = f"{POLICY}; {element}; form-action 'self' {leads_to}"
        return response

    flask.register_error_handler(HTTPException, pages.show_problem)
    flask.context_processor(pages.on_every_page)
    for each in (pages, actions, receiving, log):
        flask.register_blueprint(each.blueprint)
    return flask


def _keys(secrets: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(map(key_of, secrets))
