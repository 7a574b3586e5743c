"""A local Slack: its consent page, its Web API, and workspaces with people, channels and messages, all in memory."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, render_template

from onboarding.sandbox.fake import Links, create_fake
from onboarding.sandbox.slack import api, consent, event_pages, happenings, pages, switches
from onboarding.sandbox.slack.faults import KINDS
from onboarding.sandbox.slack.model import Installation, IssuedGrant, SlackApp
from onboarding.sandbox.slack.outbox import MISHAPS, RETRY_WAITS
from onboarding.sandbox.slack.state import Slack

__all__ = ["Installation", "IssuedGrant", "Slack", "SlackApp", "create_slack"]


def create_slack(  # noqa: PLR0913 (all but the first are for tests and the sandbox)
    app: SlackApp,
    links: Links = (),
    *,
    slow_seconds: float = 3.0,
    hang_seconds: float = 30.0,
    events_url: str = "",
    retry_waits: Sequence[float] = RETRY_WAITS,
) -> Flask:
    """`links` are (label, URL) pairs for the header; events go to `events_url`. The state is at `extensions["slack"]`.

    An event that fails is sent again after each of `retry_waits`, in seconds.
    """
    flask = create_fake(__name__, "a local Slack", links)
    slack = flask.extensions["slack"] = Slack(app, events_url, retry_waits)
    flask.config["PAUSES"] = {"slow": slow_seconds, "hang": hang_seconds}
    for each in (consent, api, pages, happenings, event_pages, switches):
        flask.register_blueprint(each.blueprint)
    home = {"slack": slack, "kinds": KINDS, "mishaps": MISHAPS, "methods": sorted(api.METHODS)}
    flask.add_url_rule("/", "home", lambda: render_template("slack/home.html", **home))
    return flask
