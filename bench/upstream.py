"""A Slack, a Novu and a host that cost next to nothing: `python -m bench.upstream`, told where to listen.

Answers the calls of an installation and of a check with what the real ones answer, checks nothing, and counts
connections and requests. All speak plain HTTP, or TLS with a given certificate. Whoever measures reads the counts, sets
the delay of every answer and sends Novu away on one more port, which is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import ssl
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote

SCOPES: Final = "chat:write,chat:write.public,channels:read,groups:read"
CONNECTIONS: Final = "/v1/channel-connections"
INTEGRATION: Final = "slack-prod"
MOMENT: Final = "2026-01-05T12:00:00.000Z"
REASONS: Final = {200: "OK", 201: "Created", 204: "No Content", 404: "Not Found", 503: "Service Unavailable"}

Answer = tuple[int, object]
Respond = Callable[[str, str, bytes], Answer]


class Slack:
    """Every code is good, and each leads to a workspace of its own."""

    def __init__(self) -> None:
        self._number = itertools.count(1)

    def __call__(self, _method: str, path: str, _body: bytes) -> Answer:
        if path == "/api/oauth.v2.access":
            return 200, self._grant(next(self._number))
        if path == "/api/auth.test":
            return 200, self._identity()
        return 404, {"ok": False, "error": "unknown_method"}

    @staticmethod
    def _grant(number: int) -> dict[str, Any]:
        """https://docs.slack.dev/reference/methods/oauth.v2.access"""
        return {
            "ok": True,
            "app_id": "A0KRD7HC3",
            "authed_user": {"id": f"U{number:09d}"},
            "scope": SCOPES,
            "token_type": "bot",
            "access_token": f"xoxb-{number:012d}-{number:012d}-bench0bench0bench0bench0",
            "bot_user_id": f"U{number:08d}B",
            "team": {"id": f"T{number:09d}", "name": f"Workspace {number}"},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    @staticmethod
    def _identity() -> dict[str, Any]:
        """https://docs.slack.dev/reference/methods/auth.test"""
        return {
            "ok": True,
            "url": "https://workspace.slack.com/",
            "team": "Workspace",
            "team_id": "T000000001",
            "user": "bot",
            "user_id": "U00000001B",
            "bot_id": "B000000001",
            "is_enterprise_install": False,
        }


class Novu:
    """Takes every connection, and shows it with its token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._held: dict[str, dict[str, Any]] = {}

    def __call__(self, method: str, path: str, body: bytes) -> Answer:
        if self._desk.novu_is_away:
            return 503, {"statusCode": 503, "error": "Service Unavailable", "message": "away", "path": path}
        if path == "/v1/integrations":
            return 200, {"data": [{"identifier": INTEGRATION, "providerId": "slack", "channel": "chat"}]}
        if path == CONNECTIONS and method == "POST":
            made = _connection(json.loads(body))
            self._held[made["identifier"]] = made
            return 201, {"data": made}
        if path == CONNECTIONS:
            return 200, {"data": [], "next": None, "previous": None, "totalCount": 0, "totalCountCapped": False}
        return self._one(method, path, body)

    def _one(self, method: str, path: str, body: bytes) -> Answer:
        identifier = unquote(path.removeprefix(f"{CONNECTIONS}/"))
        if method == "GET" and identifier in self._held:
            return 200, {"data": self._held[identifier]}
        if path.startswith(f"{CONNECTIONS}/") and method == "PATCH":
            return 200, {"data": _connection({"identifier": identifier, **json.loads(body)})}
        return 404, {"statusCode": 404, "error": "Not Found", "message": "Not Found", "path": path}


def _connection(given: dict[str, Any]) -> dict[str, Any]:
    """https://docs.novu.co/api-reference/channel-connections"""
    return {
        "identifier": given.get("identifier") or "chconn_0123456789ab",
        "channel": "chat",
        "providerId": "slack",
        "integrationIdentifier": given.get("integrationIdentifier", INTEGRATION),
        "subscriberId": given.get("subscriberId"),
        "contextKeys": [],
        "workspace": given["workspace"],
        "auth": given["auth"],
        "connectionMode": given.get("connectionMode", "subscriber"),
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
    }


def answer_as_host(_method: str, _path: str, _body: bytes) -> Answer:
    """The product hears of an event."""
    return 204, ""


class Desk:
    """What all connections of one process share: the delay of every answer, the counts, and whether Novu is away."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.novu_is_away = False
        self.counts: Counter[str] = Counter()

    def __call__(self, method: str, path: str, body: bytes) -> Answer:
        """A port of its own: GET reads the counts, PUT sets the delay in seconds or, at /novu, sends Novu away."""
        if method == "PUT" and path == "/novu":
            self.novu_is_away = body == b"1"
        elif method == "PUT":
            self.delay = float(body)
        return 200, dict(self.counts)


class Connection(asyncio.Protocol):
    """One connection of HTTP/1.1: bodies by Content-Length, no pipelining."""

    def __init__(self, respond: Respond, desk: Desk, *, is_counted: bool = True) -> None:
        self._respond = respond
        self._desk = desk
        self._is_counted = is_counted
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._is_counted:
            self._desk.counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator or len(rest) < (length := _length(head)):
            return
        self._received = rest[length:]
        self._answer(head, rest[:length])

    def _answer(self, head: bytes, body: bytes) -> None:
        method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
        path = target.partition("?")[0]
        if self._is_counted:
            self._desk.counts[f"{method} {path if path.count('/') < 3 else f'{CONNECTIONS}/…'}"] += 1
        closes = b"\r\nconnection: close" in head.lower()
        write = partial(self._write, _render(*self._respond(method, path, body)), closes=closes)
        if self._is_counted and self._desk.delay:
            asyncio.get_running_loop().call_later(self._desk.delay, write)
        else:
            write()

    def _write(self, response: bytes, *, closes: bool) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)
            if closes:
                self._transport.close()


def _length(head: bytes) -> int:
    """The Content-Length of a request; 0 if it has none."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


def _render(status: int, content: object) -> bytes:
    body = json.dumps(content).encode()
    head = (
        f"HTTP/1.1 {status} {REASONS[status]}\r\n"
        f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def serve(ports: dict[str, int], certificate: Path | None) -> None:
    loop, desk = asyncio.get_running_loop(), Desk()
    context = _tls(certificate) if certificate else None
    responders: dict[str, Respond] = {"slack": Slack(), "novu": Novu(desk), "host": answer_as_host}
    for name, respond in responders.items():
        make = partial(Connection, respond, desk)
        await loop.create_server(make, "127.0.0.1", ports[name], ssl=context, backlog=1024)
    await loop.create_server(partial(Connection, desk, desk, is_counted=False), "127.0.0.1", ports["desk"])
    gc.freeze()
    await asyncio.Event().wait()


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.upstream")
    for name in ("slack", "novu", "host", "desk"):
        parser.add_argument(f"--{name}", type=int, required=True, metavar="PORT")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="PEM with key and certificate; without: HTTP")
    args = parser.parse_args()
    ports = {"slack": args.slack, "novu": args.novu, "host": args.host, "desk": args.desk}
    asyncio.run(serve(ports, args.certificate))


if __name__ == "__main__":
    main()
