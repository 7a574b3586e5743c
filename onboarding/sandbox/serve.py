"""Serves one WSGI app on loopback, in a thread or in the foreground, and lets it misbehave on the wire.

Werkzeug's own handler closes every connection and waits 10 ms for stray input. This one keeps connections
alive, because clients pool theirs; it reads each body whole before the app runs.
"""

from __future__ import annotations

import io
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from flask import Flask, Response, request
from werkzeug.datastructures import Headers
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

LOOPBACK: Final = "127.0.0.1"
LARGEST_BODY: Final = 16 * 1024 * 1024
POLL: Final = 0.02
BODILESS: Final = frozenset({"204", "304"})
STOPPING: Final = "sandbox.stopping"


@contextmanager
def serving(app: Flask, port: int = 0) -> Iterator[str]:
    """Serve in a thread and yield the base URL. Leaving lets requests finish, and cuts pauses short."""
    server = _Server(LOOPBACK, port, app, _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(POLL,), name=f"sandbox-{server.port}")
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.port}"
    finally:
        server.stop()
        thread.join()


def serve_forever(app: Flask, port: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; must be called on the main thread."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with serving(app, port) as url:
            announce(url)
            stop.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def pause(seconds: float) -> bool:
    """Hold the current request back. False when the server stopped meanwhile."""
    stopping: threading.Event = request.environ.get(STOPPING) or threading.Event()
    return not stopping.wait(seconds)


def hang_up() -> Response:
    """An answer that never comes: the connection closes without a byte."""
    return Response(_nothing())


def _nothing() -> Iterator[bytes]:
    raise ConnectionAbortedError
    yield b""


class _Server(ThreadedWSGIServer):
    daemon_threads = False

    def __init__(self, *args: Any) -> None:
        self.stopping = threading.Event()
        self._connections: set[Any] = set()
        self._connections_lock = threading.Lock()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        with self._connections_lock:
            for connection in self._connections:
                _stop_reading(connection)
        self.server_close()


def _stop_reading(connection: socket.socket) -> None:
    """Ends an idle connection at once, and one with a request under way after its answer."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


class _Handler(WSGIRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        try:
            environ = self.make_environ()
            environ["wsgi.input"] = io.BytesIO(self._read_body(environ))
        except (ValueError, OSError):
            # An address or a chunk that makes no sense.
            self.send_error(400)
            self.close_connection = True
            return
        environ[STOPPING] = self.server.stopping
        environ["wsgi.input_terminated"] = True
        try:
            chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        except ConnectionError:
            self.close_connection = True
            return
        self._answer(status, headers, b"".join(chunks))

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            body: bytes = environ["wsgi.input"].read(LARGEST_BODY)
            self.close_connection = True
            return body
        length = environ.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()) or int(length) > LARGEST_BODY:
            self.close_connection = True
            return b""
        return self.rfile.read(int(length))

    def _answer(self, status: str, headers: Headers, body: bytes) -> None:
        code, _, words = status.partition(" ")
        self.send_response(int(code), words)
        for name, value in headers:
            self.send_header(name, value)
        if code not in BODILESS and not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection or self.server.stopping.is_set():
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Quiet: request lines carry codes and states."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Quiet, for the same reason."""
