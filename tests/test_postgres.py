"""What the tests stand on: databases that know nothing of each other, and a server that fails when it is told to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.postgres import Databases, Server

ADD = "INSERT INTO audit (actor, action, target, outcome, address) VALUES ('a', 'b', 'c', 'd', 'e') RETURNING id"
MIGRATIONS = "SELECT name FROM schema_migrations ORDER BY name"


def connect(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True, connect_timeout=1)


def test_what_one_test_wrote_the_next_does_not_find(databases: Databases) -> None:
    for _ in range(3):
        with connect(databases.fresh()) as connection:
            assert connection.execute("SELECT count(*) FROM audit").fetchone() == (0,)
            assert connection.execute(ADD).fetchone() == (1,)
            assert connection.execute(MIGRATIONS).fetchall()


def test_much_is_gone_too(databases: Databases) -> None:
    with connect(databases.fresh()) as connection:
        connection.execute("INSERT INTO owner (id) SELECT number FROM generate_series(1, 20000) number")
    with connect(databases.fresh()) as connection:
        assert connection.execute("SELECT count(*), pg_relation_size('owner') FROM owner").fetchone() == (0, 0)


def test_whoever_was_left_behind_reaches_nobody(databases: Databases) -> None:
    old = databases.fresh()
    with connect(old) as connection:
        databases.fresh()
        with pytest.raises(psycopg.OperationalError):
            connection.execute(ADD)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        connect(old)


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO schema_migrations (name, checksum) VALUES ('9999_later.sql', 'x')",
        "DELETE FROM schema_migrations",
        "ALTER TABLE owner ADD COLUMN more int",
        "DROP TABLE problem",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 64', current_database()); END $$",
    ],
)
def test_a_database_that_was_changed_itself_goes_to_nobody_else(databases: Databases, change: str) -> None:
    with connect(databases.fresh()) as connection:
        shape = connection.execute(MIGRATIONS).fetchall()
        connection.execute(change.encode())
    with connect(databases.fresh()) as connection:
        assert connection.execute(MIGRATIONS).fetchall() == shape
        assert connection.execute("SELECT count(*), to_regclass('problem')::text FROM owner").fetchone() == (
            0,
            "problem",
        )
        assert connection.execute(ADD).fetchone() == (1,)


def test_a_blank_database_has_no_tables(blank_database_url: str) -> None:
    with connect(blank_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_one_that_stays_is_emptied_under_those_who_use_it(databases: Databases) -> None:
    url = databases.copy()
    with connect(url) as connection:
        connection.execute(ADD)
        databases.empty(url)
        assert connection.execute(ADD).fetchone() == (1,)


@pytest.mark.parametrize("fail", [lambda server: (server.crash(), server.start()), Server.restart])
def test_a_server_that_came_back_knows_what_was_committed(private_postgres: Server, fail: Any) -> None:
    with connect(private_postgres.url) as connection:
        connection.execute(ADD)
        fail(private_postgres)
        with pytest.raises(psycopg.OperationalError):
            connection.execute(ADD)
    assert private_postgres.do("SELECT count(*) FROM audit") == [(1,)]


def test_a_paused_server_answers_nobody_until_it_goes_on(private_postgres: Server) -> None:
    with connect(private_postgres.url) as connection, ThreadPoolExecutor(1) as waiting:
        private_postgres.pause()
        answer = waiting.submit(connection.execute, "SELECT 1")
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            connect(private_postgres.url)
        assert not answer.done()
        private_postgres.resume()
        assert answer.result(10).fetchone() == (1,)


def test_a_crashed_and_a_paused_server_can_be_stopped(private_postgres: Server) -> None:
    private_postgres.pause()
    private_postgres.stop()
    private_postgres.start()
    private_postgres.crash()
    with pytest.raises(psycopg.OperationalError):
        connect(private_postgres.url)


def test_clients_are_sent_away(private_postgres: Server) -> None:
    with connect(private_postgres.url) as connection:
        private_postgres.terminate_clients()
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("SELECT 1")


def test_a_read_only_server_takes_nothing_until_it_is_itself_again(private_postgres: Server) -> None:
    with connect(private_postgres.url) as connection:
        private_postgres.set_read_only(True)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute(ADD)
        private_postgres.set_read_only(False)
        connection.execute(ADD)
