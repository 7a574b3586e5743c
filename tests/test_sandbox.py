"""`make run`: everything starts together, and nothing is left behind however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests
from psycopg.conninfo import conninfo_to_dict

from tests.family import alive, all_gone_within, children, name
from tests.service import free_port

COMMAND = [sys.executable, "-m", "onboarding.cli", "sandbox"]
UNLUCKY = """
import secrets, sys
random = secrets.token_urlsafe
secrets.token_urlsafe = lambda size: "-" + random(size)[1:]
from onboarding.cli import main
sys.exit(main(["sandbox"]))
"""
"""The same command, where every random secret begins with a hyphen."""


class Sandbox:
    def __init__(self, folder: Path, command: list[str] = COMMAND, **env: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "PORT": str(self.port), **env},
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.welcome = self._read()

    def _read(self) -> str:
        assert self.process.stdout
        lines: list[str] = []
        while "Ctrl-C" not in "".join(lines):
            line = self.process.stdout.readline()
            assert line, "".join(lines)
            lines.append(line)
        return "".join(lines)

    def address(self, label: str) -> str:
        found = re.search(rf"{label} +(\S+)", self.welcome)
        assert found, self.welcome
        return found[1]

    def family(self) -> list[int]:
        """Every process that it started, and theirs."""
        found = children(self.process.pid)
        assert "postgres" in {name(pid) for pid in found}
        return found


@contextmanager
def started(folder: Path, command: list[str] = COMMAND) -> Iterator[Sandbox]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as temporary:
        # If we are root, PostgreSQL runs as somebody else, who has to get through.
        Path(temporary).chmod(0o711)
        sandbox = Sandbox(folder, command, TMPDIR=temporary)
        family = sandbox.family()
        yield sandbox
        sandbox.process.kill()
        sandbox.process.wait()
        assert sandbox.process.stdout
        sandbox.process.stdout.close()
        assert all_gone_within(20, family)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with started(tmp_path) as sandbox:
        yield sandbox


def test_it_prints_a_link_that_is_ready(sandbox: Sandbox) -> None:
    page = requests.get(sandbox.address("Install link"), timeout=5)
    assert page.status_code == 200
    assert "Add to <strong>Slack" in page.text
    for label in ("Local Slack", "Local Novu"):
        assert requests.get(sandbox.address(label), timeout=5).status_code == 200


def test_secrets_that_begin_with_a_hyphen_are_no_options(tmp_path: Path) -> None:
    with started(tmp_path, [sys.executable, "-c", UNLUCKY]) as sandbox:
        assert requests.get(sandbox.address("Your product"), timeout=5).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_everything_that_it_started(sandbox: Sandbox, number: signal.Signals) -> None:
    family = sandbox.family()
    assert len(family) >= 6
    sandbox.process.send_signal(number)
    assert sandbox.process.wait(20) == 0
    assert alive(family) == []


def test_killed_it_leaves_no_orphan(sandbox: Sandbox) -> None:
    family = sandbox.family()
    sandbox.process.kill()
    assert all_gone_within(20, family)


def test_when_one_part_ends_the_rest_does_too(sandbox: Sandbox) -> None:
    family = sandbox.family()
    os.kill(family[0], signal.SIGKILL)
    assert sandbox.process.wait(20) == 1
    assert alive(family) == []


def test_links_can_be_minted_from_the_environment_it_wrote(sandbox: Sandbox, tmp_path: Path) -> None:
    command = f"set -a; . .sandbox/env; {sys.executable} -m onboarding.cli link --subscriber subscriber-123"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert requests.get(done.stdout.strip(), timeout=5).status_code == 200
    assert (tmp_path / ".sandbox/env").stat().st_mode & 0o077 == 0


def test_the_database_is_in_the_environment_it_wrote_and_gone_afterwards(sandbox: Sandbox, tmp_path: Path) -> None:
    command = '. .sandbox/env; printf %s "$DATABASE_URL"'
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    with psycopg.connect(done.stdout) as connection:
        assert connection.execute("SELECT made_by FROM link").fetchall() == [("make run",)]
    sandbox.process.terminate()
    assert sandbox.process.wait(20) == 0
    assert not Path(str(conninfo_to_dict(done.stdout)["host"])).exists()


def test_what_the_local_novu_holds_is_there_again_after_a_restart(tmp_path: Path) -> None:
    for known in (False, True):
        sandbox = Sandbox(tmp_path)
        novu = sandbox.address("Local Novu")
        assert ("kept-subscriber" in requests.get(novu, timeout=5).text) is known
        key = {"Authorization": "ApiKey sandbox-novu-key"}
        added = requests.post(
            f"{novu}/v2/subscribers", json={"subscriberId": "kept-subscriber"}, headers=key, timeout=5
        )
        assert added.ok
        sandbox.process.terminate()
        assert sandbox.process.wait(20) == 0
        assert sandbox.process.stdout
        sandbox.process.stdout.close()


@pytest.mark.parametrize("name", ["SLACK_CLIENT_SECRET", "NOVU_SECRET_KEY", "SECRET_KEY", "REDIS_URL", "DATABASE_URL"])
def test_it_does_not_start_beside_real_credentials(tmp_path: Path, name: str) -> None:
    done = subprocess.run(
        COMMAND,
        env={"PATH": os.environ["PATH"], name: "a-real-value"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 2
    assert name in done.stderr
    assert "a-real-value" not in done.stderr


@pytest.mark.parametrize("port", ["abc", "0", "-1", "65536", "80.5"])
def test_a_port_that_is_none_is_said(tmp_path: Path, port: str) -> None:
    env = {"PATH": os.environ["PATH"], "PORT": port}
    done = subprocess.run(COMMAND, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "PORT must be a number from 1 to 65530.\n"


def test_what_is_logged_does_not_push_the_addresses_away(sandbox: Sandbox, tmp_path: Path) -> None:
    requests.get(sandbox.address("Install link"), timeout=5)
    assert "answered" not in sandbox.welcome
    assert "route=/install/<token>" in (tmp_path / sandbox.address("Log")).read_text("utf-8")


def test_help_is_there(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True)
    assert "novu" in done.stdout


def test_a_taken_port_is_said(sandbox: Sandbox, tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        env={"PATH": os.environ["PATH"], "PORT": str(sandbox.port)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert f"Port {sandbox.port} is taken" in done.stderr
    assert "Traceback" not in done.stderr
