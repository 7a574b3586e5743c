"""A relay that forgets connections which lay idle, as NAT gateways, firewalls and load balancers do."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

Way = Literal["swallow", "reset"]
"""What becomes of data on a forgotten connection: nobody ever answers, or the connection is torn down."""


class Relay:
    """Counts the connections it took, and how many of them it had forgotten when something came."""

    def __init__(self, front: socket.socket, reach: Callable[[], socket.socket], after: float, way: Way) -> None:
        self.taken = 0
        self.forgotten = 0
        self._front, self._reach, self._after, self._way = front, reach, after, way

    @property
    def port(self) -> int:
        return int(self._front.getsockname()[1])

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                outside, _ = self._front.accept()
                self.taken += 1
                threading.Thread(target=self._join, args=(outside,), daemon=True).start()

    def _join(self, outside: socket.socket) -> None:
        with outside, suppress(OSError), self._reach() as inside:
            line = _Line()
            threading.Thread(target=self._bring_back, args=(inside, outside, line), daemon=True).start()
            while chunk := outside.recv(65536):
                if line.idle_for() >= self._after:
                    self.forgotten += 1
                    self._forget(outside)
                    return
                line.used_at = time.monotonic()
                inside.sendall(chunk)

    def _bring_back(self, inside: socket.socket, outside: socket.socket, line: _Line) -> None:
        with suppress(OSError):
            while chunk := inside.recv(65536):
                line.used_at = time.monotonic()
                outside.sendall(chunk)
            outside.shutdown(socket.SHUT_RDWR)

    def _forget(self, outside: socket.socket) -> None:
        if self._way == "reset":
            outside.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        while outside.recv(65536):
            pass


class _Line:
    """One connection: when something last passed, in either direction."""

    def __init__(self) -> None:
        self.used_at = time.monotonic()

    def idle_for(self) -> float:
        return time.monotonic() - self.used_at


@contextmanager
def relaying(front: socket.socket, reach: Callable[[], socket.socket], after: float, way: Way) -> Iterator[Relay]:
    """Relay from the listening socket `front` to what `reach` opens; forget what lay idle for `after` seconds."""
    relay = Relay(front, reach, after, way)
    with front:
        threading.Thread(target=relay.serve, daemon=True).start()
        try:
            yield relay
        finally:
            front.shutdown(socket.SHUT_RDWR)
