"""What went over the wire, as the server got it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask


@dataclass(frozen=True, slots=True)
class Arrived:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Tap:
    """Writes down every request on its way to an app's API."""

    arrived: list[Arrived] = field(default_factory=list)

    @property
    def last(self) -> Arrived:
        return self.arrived[-1]

    @property
    def keys(self) -> list[str]:
        return [each.headers.get("idempotency-key", "") for each in self.arrived]

    def on(self, flask: Flask) -> None:
        inside: Any = flask.wsgi_app

        def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            names = {name: name[5:].replace("_", "-").lower() for name in environ if name.startswith("HTTP_")}
            headers = {shown: str(environ[name]) for name, shown in names.items()}
            body = environ["wsgi.input"].getvalue()
            if environ["PATH_INFO"].startswith(("/v1/", "/v2/", "/api/")):
                self.arrived.append(Arrived(environ["REQUEST_METHOD"], environ["REQUEST_URI"], headers, body))
            answer: Iterable[bytes] = inside(environ, start_response)
            return answer

        flask.wsgi_app = serve  # type: ignore[method-assign]
