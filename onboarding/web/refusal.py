"""What gunicorn itself answers to a request that never becomes one: short, fixed, and silent about what was sent."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress
from typing import Any, Final

from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

STATUSES: Final = {
    LimitRequestLine: "414 URI Too Long",
    LimitRequestHeaders: "431 Request Header Fields Too Large",
    ExpectationFailed: "417 Expectation Failed",
    UnsupportedTransferCoding: "501 Not Implemented",
}
HEADERS: Final = (
    "Content-Type: text/plain; charset=utf-8",
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options: nosniff",
    "X-Frame-Options: DENY",
    "Referrer-Policy: no-referrer",
    "Cache-Control: no-store",
    "Connection: close",
)


def answer(log: Any, client: socket.socket, error: BaseException) -> None:
    """Gunicorn's own answer and log line repeat the request, and with it codes and states."""
    status = STATUSES.get(type(error), "400 Bad Request" if isinstance(error, ParseException) else "500 Server Error")
    request_id = secrets.token_hex(12)
    log.warning("refused status=%s error=%s request=%s", status[:3], type(error).__name__, request_id)
    body = f"{status[4:]}\n"
    lines = (
        f"HTTP/1.1 {status}",
        *HEADERS,
        f"X-Request-ID: {request_id}",
        f"Content-Length: {len(body)}",
        "",
        body,
    )
    with suppress(OSError):
        client.sendall("\r\n".join(lines).encode())
