"""How a connection to PostgreSQL is opened, and what its errors mean here."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from onboarding.clock import watchdog
from onboarding.clock.watchdog import Watched
from onboarding.model import Secret
from onboarding.model.errors import StoreUnavailable

NAME: Final = "PostgreSQL"
CONNECT_SECONDS: Final = 3
# A pooler that cannot prepare would answer with another client's statement, silently.
OPTIONS: Final[dict[str, Any]] = {"autocommit": True, "prepare_threshold": None}
DEFAULTS: Final = {
    "application_name": "slack-onboarding",
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 30,
    "tcp_user_timeout": 10_000,
}
UNAVAILABLE: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.InternalError,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedTable,
    psycopg.errors.CheckViolation,  # There is no table for this month yet.
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
)


def parameters(url: Secret) -> dict[str, Any]:
    """What libpq is told; the URL has the last word."""
    return {**DEFAULTS, **psycopg.conninfo.conninfo_to_dict(url.reveal())}


def connect(url: Secret) -> Connection[Any]:
    """A connection of its own, outside the pool."""
    return psycopg.connect(**OPTIONS, **parameters(url))


def cut_after(seconds: float, connection: Connection[Any]) -> Watched:
    """End the connection if the block takes longer: whoever waits for its server gets an error at once."""
    descriptor = connection.fileno()
    return watchdog.within(seconds, lambda: _hang_up(descriptor))


@contextmanager
def translated() -> Iterator[None]:
    """Turn whatever keeps PostgreSQL from its work into `StoreUnavailable`; programming errors stay as they are."""
    try:
        yield
    except UNAVAILABLE as error:
        raise StoreUnavailable(NAME, describe(error)) from error


def describe(error: Exception) -> str:
    """The kind of problem in a word or two, without anything that was sent."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return f"{type(error).__name__} {state}" if state else type(error).__name__


def _hang_up(descriptor: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as ours:
        ours.shutdown(socket.SHUT_RDWR)
