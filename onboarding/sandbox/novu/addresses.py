"""Routes by the path as it was sent: an identifier may hold a slash, encoded, and still be one step of the path."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from flask import Flask
from werkzeug.routing import UnicodeConverter

FOLDERS: Final = ("/v1/channel-connections/", "/v1/channel-endpoints/")
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class EncodedConverter(UnicodeConverter):
    """One step of a path that is still percent-encoded."""

    def to_python(self, value: str) -> str:
        return unquote(value, errors="replace")


def install(flask: Flask) -> None:
    flask.url_map.converters["encoded"] = EncodedConverter
    flask.wsgi_app = _as_sent(flask.wsgi_app)  # type: ignore[assignment, method-assign]


def _as_sent(app: Any) -> Wsgi:
    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        sent = urlsplit(environ.get("REQUEST_URI", "")).path
        if sent.startswith(FOLDERS):
            environ["PATH_INFO"] = sent
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    return serve
