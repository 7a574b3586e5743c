"""The pooled way to PostgreSQL: one statement at a time, each bounded, and one exception for whatever goes wrong.

The first use in a process opens the pool, after any fork, and applies pending migrations.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import psycopg
from psycopg_pool import ConnectionPool

from onboarding.ledger import connecting, migrations
from onboarding.ledger.statement import ConnectionLost, Pooled, Result, carry_out
from onboarding.model import Secret
from onboarding.model.errors import SchemaRefused, StoreUnavailable
from onboarding.settings.log import LOGGER

POOL_SIZE: Final = 8
BORROW_SECONDS: Final = 0.9
STATEMENT_SECONDS: Final = 3.0
PING_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 30.0
"""A connection that lay idle for longer may have been forgotten by the network."""

MOVED: Final = (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.AdminShutdown)

Parameters = Mapping[str, Any]
NOTHING: Final[Parameters] = {}
Row = TypeVar("Row")


def is_storable(value: object) -> bool:
    """Whether PostgreSQL can hold it: no text with a NUL or with half of a surrogate pair."""
    if not isinstance(value, str):
        return True
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


class Postgres:
    def __init__(self, url: Secret, *, size: int = POOL_SIZE, idle_seconds: float = IDLE_SECONDS) -> None:
        self._url = url
        self._size = size
        self._idle_seconds = idle_seconds
        self._pool: ConnectionPool[Pooled] | None = None
        self._opening = threading.Lock()
        self._refused_for = ""

    def one(self, kind: type[Row], statement: str, parameters: Parameters = NOTHING) -> Row | None:
        """The first row as an object of this kind, or None."""
        return next(iter(self.all(kind, statement, parameters)), None)

    def all(self, kind: type[Row], statement: str, parameters: Parameters = NOTHING) -> list[Row]:
        return self._ask(statement, parameters).objects(kind)

    def row(self, statement: str, parameters: Parameters = NOTHING) -> tuple[Any, ...] | None:
        """The first row as it comes, or None."""
        return next(iter(self.rows(statement, parameters)), None)

    def rows(self, statement: str, parameters: Parameters = NOTHING) -> list[tuple[Any, ...]]:
        return self._ask(statement, parameters).rows

    def run(self, statement: str, parameters: Parameters = NOTHING) -> int:
        """Carry it out and give the number of rows it touched."""
        return self._ask(statement, parameters).touched

    def ping(self) -> None:
        self._ask("SELECT 1", NOTHING, PING_SECONDS)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close(timeout=1)
            self._pool = None

    def _ask(self, statement: str, parameters: Parameters, seconds: float = STATEMENT_SECONDS) -> Result:
        try:
            pool = self._pool or self._open()
            connection = self._fresh(pool)
            try:
                with connecting.cut_after(seconds, connection):
                    return carry_out(connection, statement, parameters)
            except ConnectionLost:
                connection.close()
                raise
            except MOVED:
                # The primary is another server now: what is pooled leads to the old one.
                pool.drain()
                raise
            finally:
                connection.used_at = time.monotonic()
                pool.putconn(connection)
        except connecting.UNAVAILABLE as error:
            raise StoreUnavailable(connecting.NAME, connecting.describe(error)) from error

    def _fresh(self, pool: ConnectionPool[Pooled]) -> Pooled:
        """A connection that was in use lately and has not been closed by the server. Costs no round trip."""
        connection = pool.getconn(BORROW_SECONDS)
        if self._is_trusted(connection):
            return connection
        # All at once: the others are as old, and replaced one by one they would keep this request waiting.
        pool.drain()
        pool.putconn(connection)
        return pool.getconn(BORROW_SECONDS)

    def _is_trusted(self, connection: Pooled) -> bool:
        if connection.closed or time.monotonic() - connection.used_at >= self._idle_seconds:
            return False
        return not _has_something_to_say(connection.fileno())

    def _open(self) -> ConnectionPool[Pooled]:
        if not self._opening.acquire(timeout=BORROW_SECONDS):
            # They would wait in turn for a server that does not answer.
            raise StoreUnavailable(connecting.NAME, "another request still waits for the first connection")
        try:
            if self._pool is None:
                self._bring_up_to_date()
                pool: ConnectionPool[Pooled] = ConnectionPool(
                    connection_class=Pooled,
                    configure=_find_out,
                    kwargs={**connecting.parameters(self._url), **connecting.OPTIONS},
                    min_size=1,
                    max_size=self._size,
                    # Otherwise it sleeps between its tries, and a server that is back would not be noticed for seconds.
                    # Whoever needs a connection lets it try again.
                    reconnect_timeout=0,
                    num_workers=2,
                    open=True,
                )
                # The server has just answered, so the first connection will be there; on a busy machine, not at once.
                pool.wait(connecting.CONNECT_SECONDS)
                self._pool = pool
            return self._pool
        finally:
            self._opening.release()

    def _bring_up_to_date(self) -> None:
        """Apply migrations if nobody has. A request that finds another process at it does not wait."""
        try:
            migrations.apply(self._url, patience=0)
        except SchemaRefused as error:
            if error.detail != self._refused_for:
                LOGGER.critical("database refused problem=%s", error.detail)
                self._refused_for = error.detail
            raise


def _find_out(connection: Pooled) -> None:
    with connecting.cut_after(STATEMENT_SECONDS, connection):
        connection.find_out()


def _has_something_to_say(descriptor: int) -> bool:
    """An idle connection with something to read is usually a dead one."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
