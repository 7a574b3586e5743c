"""Migrations: each file runs once and whole or not at all, whoever starts it, however often, and whatever dies."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from onboarding import cli
from onboarding.ledger import migrations
from onboarding.ledger.migrations import Migration
from onboarding.model import Owner, Secret
from onboarding.model.errors import SchemaRefused
from tests.aging import Database
from tests.fakes import LocalSlack
from tests.person import Person
from tests.postgres import Server, wait_until
from tests.test_delivery import until
from tests.witness import Witness

TABLE = Migration("0001_table.sql", "CREATE TABLE thing (id int, name text)")
FILLED = Migration("0002_filled.sql", "INSERT INTO thing SELECT n, 'x' FROM generate_series(1, 1000) n")
INDEX = Migration(
    "0003_index.sql", "-- no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS thing_name ON thing (name)"
)
THREE = [TABLE, FILLED, INDEX]
APPLY = """
import json, sys
from onboarding.ledger import migrations
from onboarding.model import Secret
migrations.apply(Secret(sys.argv[1]), ours=[migrations.Migration(*each) for each in json.loads(sys.argv[2])])
"""


@pytest.fixture
def blank(blank_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(blank_database_url, autocommit=True) as connection:
        yield connection


def apply(url: str, ours: list[Migration], patience: float = 60) -> list[str]:
    return migrations.apply(Secret(url), ours=ours, patience=patience)


def refusal(url: str, ours: list[Migration]) -> str:
    with pytest.raises(SchemaRefused) as caught:
        apply(url, ours)
    return caught.value.detail


def applied(connection: psycopg.Connection[Any]) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM schema_migrations ORDER BY name")]


def exists(connection: psycopg.Connection[Any], name: str) -> bool:
    return connection.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone() == (True,)


def is_valid(connection: psycopg.Connection[Any], index: str) -> bool:
    query = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
    return connection.execute(query, [index]).fetchone() == (True,)


def migrate(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "onboarding.cli", "migrate"]
    full = {"PATH": os.environ["PATH"], **env}
    return subprocess.run(command, env=full, capture_output=True, text=True, timeout=60, check=False)


# Who runs them, and how often.


def test_six_processes_at_the_same_moment_run_each_file_once(
    base_env: dict[str, str], blank_database_url: str, blank: psycopg.Connection[Any]
) -> None:
    env = {**base_env, "DATABASE_URL": blank_database_url}
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: migrate(env), range(6)))
    assert [each.returncode for each in done] == [0] * 6, [each.stderr for each in done]
    names = [each.name for each in migrations.known()]
    assert applied(blank) == names
    ran = [line for each in done for line in each.stdout.splitlines() if line.startswith("Applied ")]
    assert sorted(ran) == sorted(f"Applied {name}." for name in names)
    assert migrate(env).stdout == "The database is up to date.\n"


def test_an_index_that_is_built_beside_others_does_not_wait_for_those_who_wait(
    blank_database_url: str, blank: psycopg.Connection[Any]
) -> None:
    with ThreadPoolExecutor(6) as pool:
        ran = list(pool.map(lambda _: apply(blank_database_url, THREE), range(6)))
    assert sorted(name for names in ran for name in names) == [each.name for each in THREE]
    assert is_valid(blank, "thing_name")


def test_the_service_migrates_an_empty_database_itself(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, blank_database_url: str, link: str
) -> None:
    somebody = Person(make_app(DATABASE_URL=blank_database_url), slack, witness)
    assert somebody.install(link).heading == "Acme HQ is connected"


def test_a_request_does_not_wait_for_somebody_else_who_migrates(
    make_app: Callable[..., Flask],
    slack: LocalSlack,
    witness: Witness,
    blank_database_url: str,
    blank: psycopg.Connection[Any],
    link: str,
) -> None:
    somebody = Person(make_app(DATABASE_URL=blank_database_url), slack, witness)
    with blank.transaction():
        blank.execute(f"SELECT pg_advisory_xact_lock({migrations.LOCK})")
        began = time.monotonic()
        assert somebody.open(link).status == 503
        assert time.monotonic() - began < 2
    assert somebody.open(link).status == 200


def test_connections_from_before_keep_their_story(blank_database_url: str, blank: psycopg.Connection[Any]) -> None:
    """A release that knows nothing of it goes on writing meanwhile."""
    ours = migrations.known()
    apply(blank_database_url, [each for each in ours if each.name < "0006"])
    shared, own = Owner("slack-prod", None, ("a:1", "b:2")), Owner("slack-prod", "s", ("a:1", "b:2"))
    for owner, state in ((shared, "broken"), (own, "working")):
        blank.execute(
            """
            INSERT INTO connection (owner, identifier, integration, subscriber_id, context_keys, workspace_id,
                                    workspace_name, attempt_id, connected_at, state, since)
            VALUES (%s, 'c', 'slack-prod', 's', '{b:2,a:1}', 'T1', 'Acme', 'a', now(), %s, now())
            """,
            [owner.identifier, state],
        )
    apply(blank_database_url, ours)
    assert blank.execute("SELECT is_shared, is_told_broken FROM connection ORDER BY state").fetchall() == [
        (True, True),
        (False, False),
    ]
    for state in ("unknown", "working", "broken", "broken", "working"):
        blank.execute("UPDATE connection SET state = %s WHERE state <> 'ended'", [state])
    told = "SELECT type FROM event WHERE owner = %s AND type <> 'connection.connected' ORDER BY sequence"
    both = ["connection.broken", "connection.recovered"]
    assert [each for (each,) in blank.execute(told, [shared.identifier])] == ["connection.recovered", *both]
    assert [each for (each,) in blank.execute(told, [own.identifier])] == both


# What is refused, with what to do.


def test_a_failing_second_statement_leaves_nothing_behind(
    blank_database_url: str, blank: psycopg.Connection[Any]
) -> None:
    broken = Migration("0002_broken.sql", "CREATE TABLE other (id int); SELECT 1 / 0; CREATE TABLE third (id int)")
    assert refusal(blank_database_url, [TABLE, broken]) == "0002_broken.sql: division by zero"
    assert applied(blank) == [TABLE.name]
    assert not exists(blank, "other")
    mended = Migration("0002_broken.sql", "CREATE TABLE other (id int)")
    assert apply(blank_database_url, [TABLE, mended]) == [mended.name]


def test_a_file_that_was_edited_after_it_ran_is_refused(blank_database_url: str) -> None:
    apply(blank_database_url, THREE)
    edited = Migration(TABLE.name, TABLE.sql + " ")
    assert refusal(blank_database_url, [edited, FILLED, INDEX]).startswith("0001_table.sql was changed after it had")
    assert apply(blank_database_url, THREE) == []


def test_a_file_that_comes_before_one_that_ran_is_refused(blank_database_url: str) -> None:
    apply(blank_database_url, [TABLE, INDEX])
    assert "0002_filled.sql comes before 0003_index.sql" in refusal(blank_database_url, THREE)


def test_a_lock_that_somebody_keeps_is_not_waited_for_long(
    blank_database_url: str, blank: psycopg.Connection[Any]
) -> None:
    apply(blank_database_url, [TABLE])
    wider = Migration("0002_wider.sql", "ALTER TABLE thing ADD COLUMN more int")
    began = time.monotonic()
    with blank.transaction():
        blank.execute("SELECT * FROM thing")
        assert "0002_wider.sql: canceling statement due to lock timeout" in refusal(blank_database_url, [TABLE, wider])
    assert time.monotonic() - began < 7
    assert apply(blank_database_url, [TABLE, wider]) == [wider.name]


def test_a_newer_schema_is_left_alone(env: dict[str, str], ledger_db: Database) -> None:
    ledger_db.execute("INSERT INTO schema_migrations (name, checksum) VALUES ('9999_later.sql', 'x')")
    done = migrate(env)
    assert done.returncode == 1
    assert done.stderr == (
        "Not migrated: the schema is newer than this code (9999_later.sql); deploy the newer release.\n"
    )


def test_in_front_of_a_newer_schema_the_service_answers_503_and_says_why(
    caplog: pytest.LogCaptureFixture, ledger_db: Database, person: Person, link: str
) -> None:
    logging.getLogger().addHandler(caplog.handler)
    ledger_db.execute("INSERT INTO schema_migrations (name, checksum) VALUES ('9999_later.sql', 'x')")
    assert person.open(link).status == 503
    refused = [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL]
    assert refused == [
        "database refused problem=the schema is newer than this code (9999_later.sql); deploy the newer release"
    ]
    ledger_db.execute("DELETE FROM schema_migrations WHERE name = '9999_later.sql'")
    assert person.open(link).status == 200


@contextmanager
def role(connection: psycopg.Connection[Any], name: str) -> Iterator[None]:
    connection.execute(f"CREATE ROLE {name} LOGIN".encode())
    yield
    connection.execute(f"DROP ROLE {name}".encode())


def as_user(url: str, name: str) -> str:
    return url.replace("onboarding@", f"{name}@")


def test_a_user_without_the_right_to_create_is_told(blank_database_url: str, blank: psycopg.Connection[Any]) -> None:
    with role(blank, "without_rights"):
        told = refusal(as_user(blank_database_url, "without_rights"), THREE)
    assert told.startswith("0001_table.sql: permission denied for schema public; grant CREATE on the schema")


def test_a_user_who_does_not_own_the_tables_is_told(blank_database_url: str, blank: psycopg.Connection[Any]) -> None:
    apply(blank_database_url, [TABLE])
    wider = Migration("0002_wider.sql", "ALTER TABLE thing ADD COLUMN more int")
    with role(blank, "not_the_owner"):
        blank.execute(
            "GRANT SELECT ON schema_migrations TO not_the_owner; GRANT CREATE ON SCHEMA public TO not_the_owner"
        )
        told = refusal(as_user(blank_database_url, "not_the_owner"), [TABLE, wider])
        blank.execute("DROP OWNED BY not_the_owner")
    assert "must be owner of table thing" in told
    assert "run “onboarding migrate” as the tables' owner" in told


# What a kill leaves behind.


def kill_once(url: str, ours: list[Migration], is_time: str) -> None:
    """Start a process that migrates, and kill it as soon as this query says so."""
    files = json.dumps([(each.name, each.sql) for each in ours])
    process = subprocess.Popen([sys.executable, "-c", APPLY, url, files])
    with psycopg.connect(url, autocommit=True) as connection:
        until(lambda: connection.execute(is_time.encode()).fetchone() == (True,), 15)
    process.kill()
    process.wait()


@contextmanager
def writing(url: str) -> Iterator[None]:
    """An open transaction that whoever builds an index has to wait for."""
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO thing VALUES (0, 'y')")
        yield


def test_killed_in_the_middle_of_a_file_it_runs_again_within_seconds(
    blank_database_url: str, blank: psycopg.Connection[Any]
) -> None:
    slow = Migration(TABLE.name, f"{TABLE.sql}; SELECT pg_sleep(60)")
    kill_once(blank_database_url, [slow], "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')")
    began = time.monotonic()
    assert apply(blank_database_url, THREE) == [each.name for each in THREE]
    assert time.monotonic() - began < 6
    assert applied(blank) == [each.name for each in THREE]


def test_killed_while_an_index_is_built_that_index_is_finished_first(
    blank_database_url: str, blank: psycopg.Connection[Any]
) -> None:
    apply(blank_database_url, [TABLE, FILLED])
    with ThreadPoolExecutor(1) as pool:
        with writing(blank_database_url):
            kill_once(blank_database_url, THREE, migrations.IS_BUILDING)
            again = pool.submit(apply, blank_database_url, THREE)
            time.sleep(3 * migrations.AGAIN_AFTER)
            assert not again.done()
        assert again.result(10) == [INDEX.name]
    assert is_valid(blank, "thing_name")


def test_an_index_that_was_left_half_built_is_built_anew(
    blank_database_url: str, blank: psycopg.Connection[Any]
) -> None:
    apply(blank_database_url, [TABLE, FILLED])
    with writing(blank_database_url):
        kill_once(blank_database_url, THREE, migrations.IS_BUILDING)
        blank.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index")
        wait_until(lambda: blank.execute(migrations.IS_BUILDING).fetchone() == (False,), "it goes on")
    assert exists(blank, "thing_name")
    assert not is_valid(blank, "thing_name")
    assert apply(blank_database_url, THREE) == [INDEX.name]
    assert is_valid(blank, "thing_name")


# What `onboarding check-config --live` says.


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """A PostgreSQL that asks everybody but us for a password."""
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        server = Server(Path(folder))
        [(file,)] = server.do("SHOW hba_file")
        Path(file).write_text("local all onboarding trust\nlocal all all scram-sha-256\n", "ascii")
        server.do("SELECT pg_reload_conf()")
        server.do("CREATE ROLE somebody LOGIN PASSWORD 'right'")
        yield server
        server.stop()


@pytest.fixture
def check(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], str]:
    """Gives what the command says about this database."""

    def check(url: str) -> str:
        for name, value in {**env, "DATABASE_URL": url}.items():
            monkeypatch.setenv(name, value)
        assert cli.main(["check-config", "--live"]) == 1
        told = capsys.readouterr().err
        assert all(line.startswith("DATABASE_URL: ") for line in told.splitlines()), told
        return told

    return check


def test_a_password_that_is_wrong_or_missing_is_named(guarded: Server, check: Callable[[str], str]) -> None:
    with_password = guarded.url.replace("onboarding@", "somebody:wrong-word@")
    told = check(with_password)
    assert "PostgreSQL refuses this user or password" in told
    assert "wrong-word" not in told
    assert "PostgreSQL asks for a password" in check(as_user(guarded.url, "somebody"))
    assert "PostgreSQL refuses this user or password" not in check(with_password.replace("wrong-word", "right"))


def test_a_database_that_is_not_there_is_named(database_url: str, check: Callable[[str], str]) -> None:
    assert "this server has no such database" in check(f"{database_url}_that_is_not_there")


def test_a_user_that_is_not_there_is_named(database_url: str, check: Callable[[str], str]) -> None:
    assert "PostgreSQL does not know this user" in check(as_user(database_url, "stranger"))


def test_a_server_that_is_not_there_is_named(check: Callable[[str], str]) -> None:
    assert "PostgreSQL does not answer" in check("postgresql://onboarding@/none?host=/nowhere")


def test_a_read_only_server_is_named(guarded: Server, check: Callable[[str], str]) -> None:
    guarded.set_read_only(True)
    assert "this PostgreSQL is read-only; name the primary" in check(guarded.url)
    guarded.set_read_only(False)


def test_a_missing_right_is_named_as_long_as_it_is_needed(
    blank_database_url: str, blank: psycopg.Connection[Any], check: Callable[[str], str]
) -> None:
    with role(blank, "checked"):
        url = as_user(blank_database_url, "checked")
        assert "this user may not create tables" in check(url)
        migrations.apply(Secret(blank_database_url))
        blank.execute("GRANT SELECT ON schema_migrations TO checked")
        assert "this user may not create tables" not in check(url)
        blank.execute("DROP OWNED BY checked")


def test_a_newer_schema_is_named(database_url: str, ledger_db: Database, check: Callable[[str], str]) -> None:
    ledger_db.execute("INSERT INTO schema_migrations (name, checksum) VALUES ('9999_later.sql', 'x')")
    assert "the schema is newer than this code (9999_later.sql)" in check(database_url)
