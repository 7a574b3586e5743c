"""A local Slack: its consent page, its Web API, and workspaces with people, channels and messages, all in memory."""

from __future__ import annotations

from flask import Flask, render_template

from onboarding.sandbox.slack import api, consent, pages, switches
from onboarding.sandbox.slack.faults import KINDS
from onboarding.sandbox.slack.model import Installation, IssuedGrant, SlackApp
from onboarding.sandbox.slack.state import Slack
from onboarding.sandbox.stand_in import Links, create_stand_in

__all__ = ["Installation", "IssuedGrant", "Slack", "SlackApp", "create_slack"]


def create_slack(app: SlackApp, links: Links = (), *, slow_seconds: float = 3.0, hang_seconds: float = 30.0) -> Flask:
    """`links` are (label, URL) pairs for the header. The state is at `extensions["slack"]`."""
    flask = create_stand_in(__name__, "a local Slack", links)
    slack = flask.extensions["slack"] = Slack(app)
    flask.config["PAUSES"] = {"slow": slow_seconds, "hang": hang_seconds}
    flask.register_blueprint(consent.blueprint)
    flask.register_blueprint(api.blueprint)
    flask.register_blueprint(pages.blueprint)
    flask.register_blueprint(switches.blueprint)
    flask.add_url_rule(
        "/", "home", lambda: render_template("slack/home.html", slack=slack, kinds=KINDS, methods=sorted(api.METHODS))
    )
    return flask
