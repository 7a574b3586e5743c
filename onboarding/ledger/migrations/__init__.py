"""Brings the database to the shape this code needs: numbered files, each run once, forward only.

One process at a time migrates, under a lock that the server gives back when its holder dies. The lock is held by a
transaction on a connection of its own, because a pooler may give every statement outside one to another server.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import psycopg
from psycopg import Connection

from onboarding.ledger import connecting
from onboarding.model import Secret
from onboarding.model.errors import SchemaRefused, StoreUnavailable
from onboarding.settings.log import LOGGER

LOCK: Final = 7310001
AGAIN_AFTER: Final = 0.2
OLDEST_SERVER: Final = 14
NO_TRANSACTION: Final = "-- no transaction"
TABLE: Final = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known() -> list[Migration]:
    """What this code can apply, in order."""
    found = [each for each in files(__package__).iterdir() if each.name.endswith(".sql")]
    return [Migration(each.name, each.read_text("utf-8")) for each in sorted(found, key=lambda each: each.name)]


def apply(url: Secret, *, patience: float = 60) -> list[str]:
    """Apply what is pending and give its names. Waits for another process that is at it.

    Raises `SchemaRefused` if this database cannot be used, and `StoreUnavailable` if PostgreSQL does not answer.
    """
    with connecting.translated(), connecting.connect(url) as connection:
        check_server(connection)
        if not _pending(connection):
            return []
        with _alone(url, patience):
            return [_apply(connection, each) for each in _pending(connection)]


def pending(connection: Connection[Any]) -> list[str]:
    """The names of what is not applied yet. Raises `SchemaRefused`, like `apply`."""
    check_server(connection)
    return [each.name for each in _pending(connection)]


def check_server(connection: Connection[Any]) -> None:
    if (version := connection.info.server_version // 10_000) < OLDEST_SERVER:
        raise SchemaRefused(f"PostgreSQL is {version}; {OLDEST_SERVER} or newer is needed")


def _pending(connection: Connection[Any]) -> list[Migration]:
    applied, ours = _applied(connection), known()
    names = {each.name for each in ours}
    if newer := [name for name in applied if name not in names]:
        raise SchemaRefused(f"the schema is newer than this code ({max(newer)}); deploy the newer release")
    for each in ours:
        if applied.get(each.name, each.checksum) != each.checksum:
            raise SchemaRefused(f"{each.name} was changed after it had been applied; restore the file")
    waiting = [each for each in ours if each.name not in applied]
    if applied and waiting and waiting[0].name < max(applied):
        raise SchemaRefused(f"{waiting[0].name} comes before {max(applied)}, which was applied; give it a later number")
    return waiting


def _applied(connection: Connection[Any]) -> dict[str, str]:
    if connection.execute("SELECT to_regclass('schema_migrations')").fetchone() == (None,):
        return {}
    return dict(connection.execute("SELECT name, checksum FROM schema_migrations").fetchall())


@contextmanager
def _alone(url: Secret, patience: float) -> Iterator[None]:
    """Hold the lock. Nobody waits for it inside a statement: CREATE INDEX CONCURRENTLY would wait for them in turn."""
    ends = time.monotonic() + patience
    with connecting.connect(url) as guard:
        while not _locked(guard):
            if time.monotonic() > ends:
                raise StoreUnavailable(connecting.NAME, "another process is migrating the database")
            time.sleep(AGAIN_AFTER)
        try:
            yield
        finally:
            guard.execute("ROLLBACK")


def _locked(guard: Connection[Any]) -> bool:
    guard.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0")
    # Without parameters: the extended protocol would keep a snapshot open, and CONCURRENTLY waits for old snapshots.
    if guard.execute(f"SELECT pg_try_advisory_xact_lock({LOCK})").fetchone() == (True,):
        return True
    guard.execute("ROLLBACK")
    return False


def _apply(connection: Connection[Any], migration: Migration) -> str:
    record = "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)"
    try:
        connection.execute(TABLE)
        if migration.sql.startswith(NO_TRANSACTION):
            connection.execute(migration.sql.encode())
            connection.execute(record, [migration.name, migration.checksum])
        else:
            with connection.transaction():
                connection.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL client_connection_check_interval = '2s'")
                connection.execute(migration.sql.encode())
                connection.execute(record, [migration.name, migration.checksum])
    except psycopg.errors.InsufficientPrivilege as error:
        raise SchemaRefused("this user may not create tables; grant CREATE on the schema") from error
    LOGGER.info("migrated name=%s", migration.name)
    return migration.name
