"""Databases for tests, new for each, and a PostgreSQL of its own for a test that does something to it."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psycopg

from onboarding.ledger import migrations
from onboarding.model import Secret
from onboarding.sandbox import embedded_postgres
from tests.family import all_gone_within, children

TEMPLATE: Final = "migrated"
PATIENCE: Final = 20.0
EMPTY: Final = """
DO $$ DECLARE name regclass; BEGIN
    -- No trigger and no foreign key has a say in this.
    SET LOCAL session_replication_role = replica;
    FOR name IN
        SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname <> ALL ('{%s}') AND pg_relation_size(oid) > 0
    LOOP
        -- For a few rows, DELETE takes a fiftieth of the time. But it keeps the space.
        IF pg_relation_size(name) < 256 * 1024 THEN
            EXECUTE format('DELETE FROM %%s', name);
        ELSE
            EXECUTE format('TRUNCATE %%s CASCADE', name);
        END IF;
    END LOOP;
    PERFORM setval(seqrelid::regclass, seqstart, false) FROM pg_sequence;
END $$
"""
SHAPE: Final = """
SELECT
    (SELECT md5(string_agg(a::text, ' ' ORDER BY a.attrelid, a.attnum)) FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace),
    (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_trigger),
    (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_db_role_setting)
"""
ORDINARY: Final = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"


class Databases:
    """Copies of a migrated database on one server.

    Copying one takes 0.02 to 0.2 s. So the database of a test is emptied and given to the next, under a new name:
    whoever still knows the old one, a pool or a thread that was left behind, reaches nobody with it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = itertools.count(1)
        self._admin = psycopg.connect(url, autocommit=True)
        self._admin.execute(f"CREATE DATABASE {TEMPLATE}")
        migrations.apply(Secret(self._url_of(TEMPLATE)))
        with psycopg.connect(self._url_of(TEMPLATE)) as connection:
            tables = [name for (name,) in connection.execute(ORDINARY)]
            self._filled = [name for name in tables if connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()]
            """What the migrations put there stays."""
            self._shape = self._look(connection)
        self._close(TEMPLATE)
        self._current: str | None = None
        self._given_at = 0

    def fresh(self) -> str:
        """The URL of a database in which nothing has happened yet. The one that this gave last is gone."""
        old, new = self._current, self._new_name()
        if old is None or not self._renew(old, new):
            self._copy(TEMPLATE, new)
        self._current, self._given_at = new, self._next_transaction()
        return self._url_of(new)

    def copy(self) -> str:
        """The URL of a database that stays."""
        self._copy(TEMPLATE, name := self._new_name())
        return self._url_of(name)

    @contextmanager
    def blank(self) -> Iterator[str]:
        """The URL of a database that nobody has migrated."""
        self._copy("template0", name := self._new_name())
        yield self._url_of(name)
        self._drop(name)

    def empty(self, url: str) -> None:
        """Take everything out that was put in since it was migrated. Whoever is connected stays connected."""
        with psycopg.connect(url) as connection:
            self._empty(connection)

    def close(self) -> None:
        self._admin.close()

    def _new_name(self) -> str:
        return f"test_{next(self._numbers)}"

    def _url_of(self, name: str) -> str:
        return f"{self._url.rpartition('/')[0]}/{name}"

    def _copy(self, template: str, name: str) -> None:
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")

    def _renew(self, old: str, new: str) -> bool:
        """Whether the old one is as good as new again. It does not stay otherwise."""
        self._close(old)
        # Closing it was one itself.
        is_untouched = self._next_transaction() == self._given_at + 1
        self._admin.execute(f"ALTER DATABASE {old} RENAME TO {new}")
        self._admin.execute(f"ALTER DATABASE {new} ALLOW_CONNECTIONS true")
        if is_untouched or self._is_restored(new):
            return True
        self._drop(new)
        return False

    def _is_restored(self, name: str) -> bool:
        try:
            with psycopg.connect(self._url_of(name)) as connection:
                self._empty(connection)
                return self._look(connection) == self._shape
        except psycopg.Error:
            return False

    def _empty(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute((EMPTY % ",".join(self._filled)).encode())

    def _look(self, connection: psycopg.Connection[Any]) -> list[Any]:
        """What a test must not leave changed to the next one: tables, functions, what the migrations filled in."""
        rows = [connection.execute(f"SELECT * FROM {name}").fetchall() for name in self._filled]
        return [connection.execute(SHAPE).fetchone(), rows]

    def _next_transaction(self) -> int:
        """Goes up whenever anything is written, in any database."""
        [number] = self._admin.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchall()
        return int(number[0])

    def _drop(self, name: str) -> None:
        self._close(name)
        self._admin.execute(f"DROP DATABASE {name}")

    def _close(self, name: str) -> None:
        """Let nobody in, and wait until everybody has left. DROP ... WITH (FORCE) would take a tenth of a second."""
        self._admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        leaving = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        wait_until(lambda: not self._admin.execute(leaving, [name]).fetchall(), f"somebody does not leave {name}")


class Server:
    """A PostgreSQL that a test has to itself, to do to it whatever may happen to one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = embedded_postgres.url(folder)
        self.start()
        migrations.apply(Secret(self.url))

    def start(self) -> None:
        self._process = embedded_postgres.start(self._folder, is_durable=False)

    def stop(self) -> None:
        """In order, even if it is paused or has crashed."""
        if self._process.exit_code is None:
            self.resume()
        self._process.stop()

    def crash(self) -> None:
        """Kill it. Its children notice and leave; until then it could not be started again."""
        family = self._family()
        self._process.kill()
        assert all_gone_within(PATIENCE, family)

    def restart(self) -> None:
        """Without asking anybody to finish."""
        family = self._family()
        os.kill(self._process.pid, signal.SIGQUIT)
        wait_until(lambda: self._process.exit_code is not None, "the server stays")
        assert all_gone_within(PATIENCE, family)
        self.start()

    def pause(self) -> None:
        """The kernel still takes connections for it, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def terminate_clients(self) -> None:
        clients = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        self.do(f"SELECT pg_terminate_backend(pid) {clients}")
        wait_until(lambda: not self.do(f"SELECT 1 {clients}"), "a client stays")

    def set_read_only(self, is_read_only: bool) -> None:
        """As a standby is, and a primary that ran out of disk."""
        wanted = "on" if is_read_only else "off"
        self.do(f"ALTER SYSTEM SET default_transaction_read_only = {wanted}")
        self.do("SELECT pg_reload_conf()")
        wait_until(lambda: self.do("SHOW default_transaction_read_only") == [(wanted,)], "the setting is not taken")

    def do(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._family():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _family(self) -> list[int]:
        """The server first: once that is paused, it starts no more children."""
        return [self._process.pid, *children(self._process.pid)]


def wait_until(is_so: Callable[[], bool], complaint: str) -> None:
    ends = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < ends, complaint
        time.sleep(0.001)
