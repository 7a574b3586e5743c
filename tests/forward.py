"""A small forward proxy: tunnels for https, whole addresses for http, a password if one is set."""

from __future__ import annotations

import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
FORBIDDEN = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
UNKNOWN = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class Proxy:
    """`knows` tells on which local port a host is to be found; nobody else can find it. `heads` is what was asked."""

    knows: dict[str, int]
    user: str = ""
    port: int = 0
    heads: list[str] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """The first line of each request."""
        return [head.split("\r\n")[0] for head in self.heads]

    def serve(self, front: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._join, args=(front.accept()[0],), daemon=True).start()

    def _join(self, outside: socket.socket) -> None:
        with outside, suppress(OSError):
            received = b""
            while b"\r\n\r\n" not in received:
                received += outside.recv(65536)
            head = received.partition(b"\r\n\r\n")[0].decode("latin-1")
            self.heads.append(head)
            refusal, port = self._decide(head)
            if refusal:
                outside.sendall(refusal)
                return
            with socket.create_connection(("127.0.0.1", port)) as inside:
                if head.startswith("CONNECT "):
                    outside.sendall(ESTABLISHED)
                else:
                    inside.sendall(received)
                threading.Thread(target=_copy, args=(inside, outside), daemon=True).start()
                _copy(outside, inside)

    def _decide(self, head: str) -> tuple[bytes, int]:
        """The refusal, or the port to connect to."""
        needed = f"proxy-authorization: basic {b64encode(self.user.encode('latin-1')).decode()}".lower()
        if self.user and needed not in head.lower().split("\r\n"):
            return FORBIDDEN, 0
        host = head.split(" ")[1].removeprefix("http://").partition("/")[0].partition(":")[0]
        return (b"", self.knows[host]) if host in self.knows else (UNKNOWN, 0)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def forwarding(proxy: Proxy) -> Iterator[Proxy]:
    with socket.create_server(("127.0.0.1", 0)) as front:
        proxy.port = int(front.getsockname()[1])
        threading.Thread(target=proxy.serve, args=(front,), daemon=True).start()
        yield proxy
        front.shutdown(socket.SHUT_RDWR)
