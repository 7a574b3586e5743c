"""Gunicorn's worker: no request waits for long, and none is repeated in an error or a log line."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import Any, Final

from gunicorn.workers.gthread import TConn, ThreadWorker

from onboarding.web import refusal
from onboarding.web.overload import turning_away

PATIENCE: Final = 2.0
"""Seconds that a request may wait for a thread."""
WAITING: Final = 2
"""So many requests for each thread may wait. When threads answer quickly, this many are done within a moment."""
SPARE: Final = 8
"""Threads that turn requests away."""
PROBES: Final = (b"GET /livez ", b"GET /readyz ", b"GET /metrics ")
"""They have threads of their own: they must not wait until everybody else is turned away."""
PROBING: Final = 2


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's threads, with an end to the queue in front of them.

    Gunicorn itself lets every connection that it accepted wait for a thread, however long that takes, and probes with
    them. Everything but `handle` runs in the main thread.
    """

    def init_process(self) -> None:
        self._spare = ThreadPoolExecutor(SPARE, "spare")
        self._probing = ThreadPoolExecutor(PROBING, "probing")
        self._waiting: deque[tuple[float, Future[Any]]] = deque()
        self._inside = 0
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        conn.data_ready = conn.data_ready or conn.initialized or _has_data(conn.sock)
        if not conn.data_ready:
            self._park(conn)
        elif self._inside >= self.cfg.threads and _begins_with(conn.sock, PROBES):
            self._lend(self._probing, self.handle, conn)
        elif self._inside >= self.cfg.threads * (1 + WAITING):
            self._lend(self._spare, self._handle_turned_away, conn)
        else:
            self._take_in(conn)

    def murder_pending(self) -> None:
        """Gunicorn calls this at least once a second."""
        super().murder_pending()
        self._turn_away_who_waited()

    def _take_in(self, conn: TConn) -> None:
        self._inside += 1
        future = self.tpool.submit(self.handle, conn)
        self._waiting.append((time.monotonic(), future))
        future.add_done_callback(lambda done: self.method_queue.defer(self._leave, conn, done))

    def _leave(self, conn: TConn, done: Future[Any]) -> None:
        self._inside -= 1
        if done.cancelled():
            self._lend(self._spare, self._handle_turned_away, conn)
        else:
            self.finish_request(conn, done)

    def _turn_away_who_waited(self) -> None:
        """The oldest are first. Those that a thread has taken cannot be cancelled any more."""
        too_old = time.monotonic() - PATIENCE
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] < too_old):
            self._waiting.popleft()[1].cancel()

    def _lend(self, pool: ThreadPoolExecutor, handle: Callable[[TConn], Any], conn: TConn) -> None:
        """A thread that is not one of those for customers."""
        future = pool.submit(handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _handle_turned_away(self, conn: TConn) -> Any:
        with turning_away():
            return self.handle(conn)

    def _park(self, conn: TConn) -> None:
        """Browsers open connections ahead of their requests: those wait where idle ones do, and take no thread."""
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _cap_keepalive(self, deadline: float) -> None:
        """Gunicorn calls this when it begins to stop.

        Who has connected by now is answered. Whoever comes later is refused at once, and goes elsewhere, and
        connections without a request are waited for no longer than idle ones.
        """
        self._accept_the_last()
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def _accept_the_last(self) -> None:
        for listener in self.sockets:
            listener.setblocking(False)
            while _has_data(listener):
                before = self.nr_conns
                self.accept(listener)
                if self.nr_conns == before:  # Another worker was faster.
                    break
            listener.close()

    def handle_error(self, _req: Any, client: socket.socket, _addr: Any, exc: BaseException) -> None:
        refusal.answer(self.log, client, exc)


def _begins_with(sock: socket.socket, requests: tuple[bytes, ...]) -> bool:
    """What comes stays to be read."""
    try:
        return sock.recv(max(map(len, requests)), socket.MSG_PEEK | socket.MSG_DONTWAIT).startswith(requests)
    except OSError:
        return False


def _has_data(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
