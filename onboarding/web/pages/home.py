"""The front door, and the two questions that load balancers ask."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from onboarding.model.errors import StoreUnavailable
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
        scopes=apps[0].slack.scopes,
    )


@home_pages.get("/livez")
def livez() -> ResponseReturnValue:
    return _plain("ok")


@home_pages.get("/readyz")
def readyz() -> ResponseReturnValue:
    try:
        wiring().ledger.postgres.ping()
        wiring().ephemeral.states.ping()
    except StoreUnavailable as error:
        return _plain(f"{error.store} does not answer", 503)
    return _plain("ok")


def _plain(text: str, status: int = 200) -> Response:
    return Response(f"{text}\n", status, mimetype="text/plain")
