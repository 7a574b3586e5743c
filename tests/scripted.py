"""A server on loopback that answers each request with given bytes, or with silence."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(slots=True)
class Script:
    """`answers` are used up in turn; the last one stays. `hangs` leaves the connection open after an answer."""

    answers: list[bytes]
    hangs: bool = False
    delay: float = 0
    drip: bytes = b""
    """Sent every tenth of a second after the answer, without end."""
    takes: int = 1
    """How many requests a connection takes before it is closed."""
    resets: int = 0
    """How many connections are torn down once something came: over TLS, in the middle of the handshake."""
    seen: list[bytes] = field(default_factory=list)
    connections: int = 0


def answer(status: int, body: bytes = b"", headers: str = "Content-Type: application/json\r\n") -> bytes:
    return f"HTTP/1.1 {status} Something\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def scripted(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        thread = threading.Thread(target=_serve, args=(server, script, stop, tls))
        thread.start()
        port = server.getsockname()[1]
        try:
            yield f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        finally:
            stop.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def deaf() -> Iterator[str]:
    """An address where connecting takes for ever: the queue of the listener is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(server.getsockname())
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            for filler in fillers:
                filler.close()


def _serve(server: socket.socket, script: Script, stop: threading.Event, tls: ssl.SSLContext | None) -> None:
    threads: list[threading.Thread] = []
    handles: list[socket.socket] = []
    with suppress(OSError):
        while not stop.is_set():
            connection, _ = server.accept()
            script.connections += 1
            if script.connections <= script.resets:
                reset(connection)
                continue
            handles.append(connection.dup())
            threads.append(threading.Thread(target=_welcome, args=(connection, handles[-1], script, stop, tls)))
            threads[-1].start()
    for handle in handles:
        hang_up(handle)
    for thread in threads:
        thread.join()


def reset(connection: socket.socket) -> None:
    """Tear a connection down without a word."""
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hang_up(handle: socket.socket) -> None:
    """End a connection, whoever else holds it."""
    with suppress(OSError), handle:
        handle.shutdown(socket.SHUT_RDWR)


def _welcome(
    connection: socket.socket,
    handle: socket.socket,
    script: Script,
    stop: threading.Event,
    tls: ssl.SSLContext | None,
) -> None:
    with suppress(OSError), connection:
        connection.settimeout(20)
        if tls:
            with tls.wrap_socket(connection, server_side=True) as secured:
                _talk(secured, script, stop)
        else:
            _talk(connection, script, stop)
    hang_up(handle)


def _talk(connection: socket.socket, script: Script, stop: threading.Event) -> None:
    for _ in range(script.takes):
        request = _read(connection)
        if not request:
            return
        script.seen.append(request)
        answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
        stop.wait(script.delay)
        connection.sendall(answer)
        while script.drip and not stop.wait(0.1):
            connection.sendall(script.drip)
        if script.hangs:
            stop.wait(20)


def _read(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        chunk = connection.recv(65536)
        if not chunk:
            return request
        request += chunk
    head, _, body = request.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
