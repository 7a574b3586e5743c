"""The front door, and the two questions that load balancers ask."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from onboarding.web.context import wiring
from onboarding.web.pages import addresses, messages, render

home_pages = Blueprint("home", __name__)


@home_pages.get("/")
def home() -> ResponseReturnValue:
    settings = wiring().settings
    if not settings.direct_install:
        return render.show(messages.HOME_PAGE)
    apps = [settings.apps.default] if settings.apps.default else list(settings.apps.all)
    return render.show(
        messages.HOME_DIRECT,
        template="home.html",
        installs=[(app.brand.product_name, addresses.direct_install(app.integration)) for app in apps],
        scopes=list(dict.fromkeys(scope for app in apps for scope in app.slack.scopes)),
    )


@home_pages.get("/livez")
def livez() -> ResponseReturnValue:
    return _plain("ok")


@home_pages.get("/readyz")
def readyz() -> ResponseReturnValue:
    problem = wiring().readiness.problem()
    return _plain(problem, 503) if problem else _plain("ok")


def _plain(text: str, status: int = 200) -> Response:
    return Response(f"{text}\n", status, mimetype="text/plain")
