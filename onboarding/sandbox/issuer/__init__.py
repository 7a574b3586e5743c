"""A local OpenID Connect issuer: its metadata, its sign-in page and its token endpoint, all in memory."""

from __future__ import annotations

from flask import Flask, render_template

from onboarding.sandbox.fake import Links, create_fake
from onboarding.sandbox.issuer import authorize, metadata, token
from onboarding.sandbox.issuer.model import IssuerApp, Person, SignIn
from onboarding.sandbox.issuer.people import OFFERED
from onboarding.sandbox.issuer.state import Issuer

__all__ = ["Issuer", "IssuerApp", "Person", "SignIn", "create_issuer"]


def create_issuer(app: IssuerApp, links: Links = ()) -> Flask:
    """`links` are (label, URL) pairs for the header. The state is at `extensions["issuer"]`."""
    flask = create_fake(__name__, "a local sign-in", links)
    issuer = flask.extensions["issuer"] = Issuer(app)
    flask.register_blueprint(metadata.blueprint)
    flask.register_blueprint(authorize.blueprint)
    flask.register_blueprint(token.blueprint)
    flask.add_url_rule("/", "home", lambda: render_template("issuer/home.html", issuer=issuer, people=OFFERED))
    return flask
