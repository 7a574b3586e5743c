"""urllib3's pools and connections under our rules.

An idle connection is not trusted for long, a new one has so many seconds to be made, however many addresses there
are, and another thread can cut whatever is under way.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final

import certifi
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from onboarding.clock import watchdog
from onboarding.remote.failure import NotPermitted, Stage
from onboarding.remote.names import addresses

LEAST: Final = 0.001
AT_ONCE: Final[list[tuple[int, int, int | bytes]]] = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
_LOCK: Final = threading.Lock()
_here = threading.local()


class Exchange:
    """One try of a request, limited to so many seconds; `with` makes it the one that this thread has under way.

    `socket` is what it uses at the moment, `has_sent` whether any of it may have left.
    """

    def __init__(self, seconds: float) -> None:
        self.watched = watchdog.within(seconds, self._cut)
        self.socket: socket.socket | None = None
        self.is_tunneling = False
        self.is_asking = False
        self.has_sent = False

    @property
    def is_overdue(self) -> bool:
        return self.watched.is_overdue

    @property
    def stage(self) -> Stage:
        if self.is_asking:
            return Stage.REQUEST
        if isinstance(self.socket, ssl.SSLSocket):
            return Stage.HANDSHAKE
        return Stage.TUNNEL if self.is_tunneling else Stage.CONNECTING

    def __enter__(self) -> Exchange:
        _here.exchange = self
        self.watched.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.watched.leave()

    def _cut(self) -> None:
        if self.socket:
            # Not its own method, which in TLS would take away what the other thread is using.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


def _exchange() -> Exchange:
    found: Exchange = _here.exchange
    return found


class Connection(HTTPConnection):
    """`rested` is when it was put back into the pool, and by which process."""

    rested: tuple[float, int] = (0.0, 0)
    permits: Callable[[list[str]], bool] | None = None
    _held: list[bytes] | None = None

    def _new_conn(self) -> socket.socket:
        _exchange().socket = made = self._dial(time.monotonic() + float(self.timeout or 0))
        _exchange().is_tunneling = self.proxy_is_tunneling
        return made

    def _dial(self, ends: float) -> socket.socket:
        """The first address that answers. Each may take half of the time that is left, the last one all of it."""
        try:
            found = addresses(self._dns_host, ends - time.monotonic())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from None
        if self.permits and not self.permits(found):
            raise NotPermitted(self, "leads to an address that is not public")
        for number, address in enumerate(found, 1):
            left = ends - time.monotonic()
            with suppress(OSError):
                share = left if number == len(found) else left / 2
                return create_connection((address, self.port), max(share, LEAST), socket_options=AT_ONCE)
        raise NewConnectionError(self, "no address answered")

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send head and body together: one packet instead of two takes half of the system calls."""
        self._held = []
        try:
            super().request(*args, **kwargs)
            whole = b"".join(self._held)
        finally:
            self._held = None
        if self.sock is None:
            self.connect()
        _exchange().is_asking = True
        self.send(whole)
        # If that failed, the request has not arrived whole, and so means nothing.
        _exchange().has_sent = True

    def send(self, data: Any) -> None:
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)


class SecureConnection(Connection, HTTPSConnection):
    """The same over TLS."""


class Pool(HTTPConnectionPool):
    """NAT gateways, firewalls and load balancers forget an idle connection without telling anybody, so none is used
    that rested for `trusted_for` seconds; nor one that the remote has closed, nor one from before a fork."""

    ConnectionCls = Connection

    def __init__(
        self, *args: Any, trusted_for: float, permits: Callable[[list[str]], bool] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._trusted_for = trusted_for
        self._permits = permits

    def _new_conn(self) -> Any:
        made: Any = super()._new_conn()
        made.permits = self._permits
        return made

    def _get_conn(self, timeout: float | None = None) -> Any:
        found: Any = super()._get_conn(timeout)
        since, process = found.rested
        if found.sock and (time.monotonic() - since >= self._trusted_for or process != os.getpid()):
            found.close()  # It connects anew when it is used.
        _exchange().socket = found.sock
        return found

    def _put_conn(self, conn: Any) -> None:
        if conn:
            # From here on it may be another thread's, which must not be cut for what went on before.
            watched = _exchange().watched
            watched.leave()
            if watched.is_overdue:
                conn.close()
            conn.rested = time.monotonic(), os.getpid()
        super()._put_conn(conn)


class SecurePool(Pool, HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = SecureConnection


class _Socket(ssl.SSLSocket):
    """Known before its handshake, which can be cut as well."""

    def do_handshake(self, block: bool = False) -> None:
        _exchange().socket = self
        super().do_handshake(block)


def trust(ca_file: str | None) -> ssl.SSLContext:
    """Whose certificates are believed: the authorities that certifi lists, and those of one more file.

    One for each process, because reading a hundred certificates takes 20 ms of CPU time.
    """
    with _LOCK:
        return _trust(ca_file)


@cache
def _trust(ca_file: str | None) -> ssl.SSLContext:
    # Not `ssl.create_default_context`, which looks into the environment.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = _Socket
    context.load_verify_locations(certifi.where())
    if ca_file:
        context.load_verify_locations(ca_file)
        # An authority of that file counts, even if its own certificate was signed by another.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
