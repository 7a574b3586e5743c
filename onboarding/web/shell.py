"""What every request and response gets: our own origin, an id, headers, one log line."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from onboarding.settings.environment import Settings
from onboarding.settings.log import LOGGER
from onboarding.web.context import request_id, wiring
from onboarding.web.overload import refuse_if_turned_away
from onboarding.web.pages.brand import logo_sources

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Opener-Policy": "same-origin",
}


MAY_BE_KEPT: Final = {
    "static",
    "brand.stylesheet",
    "embed.script",
    "embed.pinned_script",
    "embed.integrity",
    "embed.types",
}
"""The endpoints whose answers browsers and proxies may store."""


class Service(Flask):
    """Flask, but an unexpected error is logged by route: its path may hold an install link."""

    def log_exception(self, exc_info: Any) -> None:
        LOGGER.error("unexpected error route=%s request=%s", route(), request_id(), exc_info=exc_info)


TO_SLACK: Final = "install.landing"
"""Its form leads to Slack, and from there through whatever hosts a company signs its people in with. Browsers hold
`form-action` against every redirect after a form, so this page has none."""
COPIED: Final = ("/install/", "/slack/")
"""Addresses that people and programs copy."""
DECORATED: Final = re.compile(r"(/install/[^/]+)/[^A-Za-z0-9]*|(/slack/(?:oauth_redirect|install))[^A-Za-z0-9]+")
"""The same, with punctuation behind them that nobody meant."""


class PublicOrigin:
    """Scheme and host are those of `PUBLIC_URL`, whatever a proxy or a client claims."""

    def __init__(self, app: WSGIApplication, public_url: str) -> None:
        self._app = app
        parts = urlsplit(public_url)
        self._scheme, self._host = parts.scheme, parts.netloc

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.url_scheme"], environ["HTTP_HOST"] = self._scheme, self._host
        environ["SCRIPT_NAME"] = ""
        environ["PATH_INFO"] = _without_slashes(environ["PATH_INFO"])
        return self._app(environ, start_response)


def _without_slashes(path: str) -> str:
    """For links that were copied: a slash too many is no other address, and needs no redirect that repeats it."""
    joined = re.sub("/{2,}", "/", path)
    if decorated := DECORATED.fullmatch(joined):
        return decorated[1] or decorated[2]
    return joined.rstrip("/") if joined.startswith(COPIED) else path


def install(app: Flask, settings: Settings) -> None:
    behind = app.wsgi_app
    if settings.trusted_proxy_count:
        behind = ProxyFix(behind, x_for=settings.trusted_proxy_count, x_proto=0, x_host=0)
    app.wsgi_app = PublicOrigin(behind, settings.public_url)  # type: ignore[method-assign]
    app.before_request(_begin)
    app.after_request(_finisher(_content_security_policy(settings), is_https=settings.is_https))


def _begin() -> None:
    g.began = time.monotonic()
    given = request.headers.get("X-Request-ID", "") if wiring().settings.trusted_proxy_count else ""
    g.request_id = given if re.fullmatch(r"[A-Za-z0-9-]{8,64}", given) else secrets.token_hex(12)
    refuse_if_turned_away()


def _finisher(policy: str, *, is_https: bool) -> Callable[[Response], Response]:
    def finish(response: Response) -> Response:
        response.headers.update(HEADERS)
        leads_on = request.endpoint == TO_SLACK
        response.headers["Content-Security-Policy"] = policy if leads_on else f"{policy}; form-action 'self'"
        response.headers["X-Request-ID"] = request_id()
        if request.endpoint not in MAY_BE_KEPT or response.status_code not in {200, 206, 304}:
            response.headers["Cache-Control"] = "no-store"
        if is_https:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        LOGGER.info(
            "answered method=%s route=%s status=%s ms=%d request=%s",
            method(),
            route(),
            response.status_code,
            (time.monotonic() - g.began) * 1000,
            request_id(),
        )
        return response

    return finish


def method() -> str:
    return request.method if request.method in METHODS else "-"


def route() -> str:
    """The pattern, never the path: a path may hold an install link, a query a code."""
    return request.url_rule.rule if request.url_rule else "-"


def _content_security_policy(settings: Settings) -> str:
    images = " ".join(("'self'", *logo_sources(settings)))
    return (
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src {images}; connect-src 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
