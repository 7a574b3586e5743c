"""The web application, put together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from flask import Flask

from onboarding import wiring
from onboarding.settings import environment, log
from onboarding.web import problems, shell
from onboarding.web.admin import admin_pages
from onboarding.web.api import api_calls
from onboarding.web.csrf import Csrf
from onboarding.web.embed import embed
from onboarding.web.pages.brand import brand_pages
from onboarding.web.pages.destination import destination_pages
from onboarding.web.pages.direct import direct_pages
from onboarding.web.pages.home import home_pages
from onboarding.web.pages.install import install_pages
from onboarding.web.pages.outcome import outcome_pages
from onboarding.web.session import LazySessions
from onboarding.web.slack import slack_events

_HERE = Path(__file__).resolve().parent.parent
_ASSETS = _HERE if (_HERE / "templates").is_dir() else _HERE.parent
"""Templates and static files lie beside the package in a checkout, inside it in a wheel."""


def build(env: Mapping[str, str]) -> Flask:
    """Raises `ConfigError`."""
    settings = environment.load(env)
    log.configure(settings.log_level, as_json=settings.is_https)
    app = shell.Service(
        "onboarding",
        template_folder=str(_ASSETS / "templates"),
        static_folder=str(_ASSETS / "static"),
    )
    # A slash too many would be answered with the whole address, code and state included.
    app.url_map.merge_slashes = False
    app.session_interface = LazySessions()
    app.config.update(_flask_config(settings))
    _wire(app, settings)
    csrf = Csrf(app, settings.secret_keys[:-1])
    csrf.exempt(api_calls)
    csrf.exempt(slack_events)
    problems.install(app)
    for blueprint in (
        home_pages,
        brand_pages,
        install_pages,
        direct_pages,
        outcome_pages,
        destination_pages,
        slack_events,
        api_calls,
    ):
        app.register_blueprint(blueprint)
    if settings.embed_origins:
        app.register_blueprint(embed)
    if settings.has_status_page:
        app.register_blueprint(admin_pages)
    return app


def _wire(app: Flask, settings: environment.Settings) -> None:
    shell.install(app, settings)
    if settings.metrics_token is None:
        app.extensions["onboarding"] = wiring.wire(settings)
        return
    from onboarding.web import metrics  # noqa: PLC0415 (it costs memory and time at the start)

    counting = metrics.Metrics()
    app.extensions["onboarding"] = wired = wiring.wire(settings, counting.called)
    metrics.install(app, counting, settings.metrics_token, wired.ledger.numbers.read)


def _flask_config(settings: environment.Settings) -> dict[str, object]:
    *fallbacks, key = (key.reveal() for key in settings.secret_keys)
    return {
        "SECRET_KEY": key,
        "SECRET_KEY_FALLBACKS": fallbacks,
        "SESSION_COOKIE_NAME": "__Host-session" if settings.is_https else "session",
        "SESSION_COOKIE_SECURE": settings.is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "MAX_CONTENT_LENGTH": 65_536,
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(hours=1),
    }
