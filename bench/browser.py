"""A browser, as far as an installation needs one: a connection that stays open, cookies, no redirects followed."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

HEADERS: Final = (
    "Host: connect.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
)
COOKIE: Final = re.compile(rb"\r\nset-cookie: *([^=\r]+)=([^;\r]*)", re.IGNORECASE)
LOCATION: Final = re.compile(rb"\r\nlocation: *([^\r]*)", re.IGNORECASE)
LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
SECONDS: Final = 60


class UnexpectedAnswer(Exception):
    """The app did not do what an installation needs."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: bytes
    body: str

    @property
    def location(self) -> str:
        found = LOCATION.search(self.head)
        return found[1].decode() if found else ""

    def expect(self, status: int) -> Answer:
        if self.status != status:
            raise UnexpectedAnswer(f"{self.head.decode('latin-1')}\n\n{self.body[:1000]}")
        return self


class Browser:
    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        """`headers` are sent with every request, besides those of any browser."""
        self._port = port
        self._headers = HEADERS + "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self._socket: socket.socket | None = None
        self._cookies: dict[str, str] = {}

    async def get(self, path: str) -> Answer:
        return await self._send(f"GET {path} HTTP/1.1\r\n{self._headers}{self._cookie()}\r\n")

    async def post(self, path: str, form: dict[str, str]) -> Answer:
        body = urlencode(form)
        entity = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        return await self._send(f"POST {path} HTTP/1.1\r\n{self._headers}{entity}{self._cookie()}\r\n{body}")

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def _cookie(self) -> str:
        pairs = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return f"Cookie: {pairs}\r\n" if pairs else ""

    async def _send(self, request: str) -> Answer:
        async with asyncio.timeout(SECONDS):
            connection = self._socket or await self._connect()
            await asyncio.get_running_loop().sock_sendall(connection, request.encode())
            answer = await _receive(connection)
        self._cookies.update((name.decode(), value.decode()) for name, value in COOKIE.findall(answer.head))
        return answer

    async def _connect(self) -> socket.socket:
        self._socket = made = socket.socket()
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", self._port))
        return made


async def _receive(connection: socket.socket) -> Answer:
    loop, received, end = asyncio.get_running_loop(), b"", -1
    while end < 0 or len(received) < end:
        piece = await loop.sock_recv(connection, 65_536)
        if not piece:
            raise UnexpectedAnswer(f"the app hung up after {received[:1000]!r}")
        received += piece
        if end < 0:
            end = _end(received)
    head, _, body = received.partition(b"\r\n\r\n")
    return Answer(int(head[9:12]), head, body.decode())


def _end(received: bytes) -> int:
    """Where the answer ends, or -1 while its head is incomplete."""
    head, separator, _ = received.partition(b"\r\n\r\n")
    if not separator:
        return -1
    length = LENGTH.search(head)
    if not length:
        raise UnexpectedAnswer(f"no Content-Length in {head!r}")
    return len(head) + 4 + int(length[1])
