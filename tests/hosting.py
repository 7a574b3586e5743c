"""A host's webhook endpoint that remembers what came."""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NEW, OLD = ("whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


@dataclass(slots=True)
class Host:
    """The host's endpoint: what came, and what it answers next."""

    url: str = ""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    waits: float = 0
    """Seconds before each answer."""
    fails_each: int = 0
    """One in so many requests ends in 500, which one nobody knows."""
    body: bytes = b"ok"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.came]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


@contextmanager
def hosting() -> Iterator[Host]:
    host = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            host.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
            time.sleep(host.waits)
            status, headers = host.answers.pop(0) if host.answers else (200, {})
            if host.fails_each and random.randrange(host.fails_each) == 0:
                status = 500
            self.send_response(status)
            for name, value in {"Content-Length": str(len(host.body)), **headers}.items():
                self.send_header(name, value)
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(host.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.url = f"http://127.0.0.1:{server.server_port}/hooks?from=slack"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
