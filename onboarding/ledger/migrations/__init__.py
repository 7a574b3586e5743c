"""Brings the database to the shape this code needs: numbered files, each run once, forward only.

One process at a time migrates, under a lock that the server gives back when its holder dies. The lock is held by a
transaction on a connection of its own, because a pooler may give every statement outside one to another server.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
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
LOOK_SECONDS: Final = 3.0
OLDEST_SERVER: Final = 14
NO_TRANSACTION: Final = "-- no transaction"
"""How a file begins that holds one statement for outside a transaction: CREATE INDEX CONCURRENTLY IF NOT EXISTS."""
TABLE: Final = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
    )
"""
MONTHS: Final = "SELECT make_months()"
"""Whoever was away for long finds no table for this month."""
IS_BUILDING: Final = "SELECT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE datname = current_database())"
HALF_BUILT: Final = """
    SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %s', indexrelid::regclass)
    FROM pg_index JOIN pg_class c ON c.oid = indexrelid
    WHERE NOT indisvalid AND c.relnamespace = current_schema()::regnamespace
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


def apply(url: Secret, *, ours: Sequence[Migration] | None = None, patience: float = 60) -> list[str]:
    """Apply what is pending of `ours`, which is all that is known, and give its names.

    Waits for another process that is at it. Raises `SchemaRefused` if this database cannot be used, and
    `StoreUnavailable` if PostgreSQL does not answer.
    """
    wanted = known() if ours is None else ours
    with connecting.translated(), connecting.connect(url) as connection:
        check_server(connection)
        with connecting.cut_after(LOOK_SECONDS, connection):
            waiting = _pending(connection, wanted)
        done: list[str] = []
        if waiting:
            with _alone(url, patience):
                done = [_apply(connection, each, patience) for each in _pending(connection, wanted)]
        if ours is None:
            with connecting.cut_after(LOOK_SECONDS, connection):
                connection.execute(MONTHS)
        return done


def pending(connection: Connection[Any]) -> list[str]:
    """The names of what is not applied yet. Raises `SchemaRefused`, like `apply`."""
    check_server(connection)
    return [each.name for each in _pending(connection, known())]


def check_server(connection: Connection[Any]) -> None:
    if (version := connection.info.server_version // 10_000) < OLDEST_SERVER:
        raise SchemaRefused(f"PostgreSQL is {version}; {OLDEST_SERVER} or newer is needed")


def _pending(connection: Connection[Any], ours: Sequence[Migration]) -> list[Migration]:
    applied = _applied(connection)
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


def _apply(connection: Connection[Any], migration: Migration, patience: float) -> str:
    try:
        connection.execute(TABLE)
        if migration.sql.startswith(NO_TRANSACTION):
            _clear_away(connection, patience)
            _run(connection, migration)
        else:
            with connection.transaction():
                connection.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL client_connection_check_interval = '2s'")
                _run(connection, migration)
    except psycopg.Error as error:
        if connection.closed:
            raise
        raise SchemaRefused(_why(migration, error)) from error
    LOGGER.info("migrated name=%s", migration.name)
    return migration.name


def _run(connection: Connection[Any], migration: Migration) -> None:
    connection.execute(migration.sql.encode())
    record = "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)"
    connection.execute(record, [migration.name, migration.checksum])


def _clear_away(connection: Connection[Any], patience: float) -> None:
    """Drop what a killed process left half built: IF NOT EXISTS would take it for whole.

    The server goes on with the last statement of a dead client. Waiting for it inside a statement would be a deadlock.
    """
    ends = time.monotonic() + patience
    while connection.execute(IS_BUILDING).fetchone() == (True,):
        if time.monotonic() > ends:
            raise StoreUnavailable(connecting.NAME, "an index is still being built")
        time.sleep(AGAIN_AFTER)
    for (drop,) in connection.execute(HALF_BUILT).fetchall():
        connection.execute(drop)


def _why(migration: Migration, error: psycopg.Error) -> str:
    words = error.diag.message_primary or connecting.describe(error)
    if isinstance(error, psycopg.errors.InsufficientPrivilege | psycopg.errors.InvalidSchemaName):
        return (
            f"{migration.name}: {words}; grant CREATE on the schema, or run “onboarding migrate” as the tables' owner"
        )
    return f"{migration.name}: {words}"
