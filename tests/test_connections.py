"""`onboarding connections`: what an operator sees and changes at Novu from a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.clock.deadline import Deadline
from onboarding.model import Grant, Secret, Workspace
from onboarding.model.destinations import Endpoint
from onboarding.remote.novu import Novu
from onboarding.settings.apps import NovuSettings
from onboarding.signing.links import Links
from tests.aging import Database
from tests.fakes import NOVU_KEY, SECRET_KEY, LocalNovu
from tests.person import Person

NOW = datetime.now(UTC)
LINKS = Links([Secret(SECRET_KEY)], timedelta(days=7), "slack-prod")


@pytest.fixture
def client(novu: LocalNovu) -> Novu:
    return Novu(NovuSettings(novu.url, Secret(NOVU_KEY), "slack-prod"))


def connections(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onboarding.cli", "connections", *arguments],
        env={"PATH": os.environ["PATH"], **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def make(client: Novu, identifier: str, name: str = "Acme HQ", **fields: object) -> None:
    link = LINKS.mint({"subscriberId": "subscriber-123", "identifier": identifier, **fields}, None, NOW)
    grant = Grant(Workspace("T1", name), Secret("xoxb-secret"), frozenset(), NOW, refresh_token=Secret("xoxe-1-secret"))
    client.create(link, grant, identifier, Deadline(5))


def _endpoint(identifier: str, connection: str, kind: str, target: str) -> Endpoint:
    return Endpoint(identifier, connection, "slack-prod", "subscriber-123", (), kind, target)


def test_list_is_a_table_of_every_page(env: dict[str, str], client: Novu) -> None:
    for number in range(103):
        make(client, f"c-{number:03}", context={"n": str(number)})
    lines = connections(env, "list").stdout.splitlines()
    assert lines[0].split() == ["IDENTIFIER", "WORKSPACE", "SUBSCRIBER", "CONTEXT", "UPDATED"]
    assert [line.split()[0] for line in lines[1:]] == [f"c-{number:03}" for number in reversed(range(103))]


def test_list_for_programs(env: dict[str, str], client: Novu) -> None:
    assert json.loads(connections(env, "list", "--json").stdout) == []
    make(client, "c-1")
    make(client, "c-2", context={"t": "1"})
    found = json.loads(connections(env, "list", "--json").stdout)
    assert [each["identifier"] for each in found] == ["c-2", "c-1"]
    assert found[0]["contextKeys"] == ["t:1"]


def test_list_narrows(env: dict[str, str], client: Novu) -> None:
    make(client, "c-1")
    make(client, "c-2", context={"t": "1"})
    found = json.loads(connections(env, "list", "--json", "--context", "t:1", "--subscriber", "subscriber-123").stdout)
    assert [each["identifier"] for each in found] == ["c-2"]
    assert json.loads(connections(env, "list", "--json", "--subscriber", "nobody").stdout) == []


def test_show(env: dict[str, str], client: Novu) -> None:
    make(client, "c-1", name="Umbrella")
    done = connections(env, "show", "c-1")
    assert done.returncode == 0
    assert "Umbrella (T1)" in done.stdout
    assert "secret" not in done.stdout


def test_show_lists_where_novu_delivers(env: dict[str, str], client: Novu) -> None:
    make(client, "c-1")
    assert json.loads(connections(env, "show", "c-1", "--json").stdout)["endpoints"] == []
    assert connections(env, "show", "c-1").stdout.splitlines()[-1].split() == ["endpoints", "-"]
    for identifier, kind, target in (("e-1", "slack_channel", "C0123"), ("e-2", "slack_user", "U0123")):
        client.endpoints.create(_endpoint(identifier, "c-1", kind, target), identifier, Deadline(5))
    make(client, "c-2", context={"t": "1"})
    client.endpoints.create(_endpoint("e-3", "c-2", "slack_user", "U9"), "e-3", Deadline(5))
    found = json.loads(connections(env, "show", "c-1", "--json").stdout)["endpoints"]
    assert sorted(found, key=lambda each: str(each["identifier"])) == [
        {"identifier": "e-1", "type": "slack_channel", "subscriberId": "subscriber-123", "target": "C0123"},
        {"identifier": "e-2", "type": "slack_user", "subscriberId": "subscriber-123", "target": "U0123"},
    ]
    lines = [line for line in connections(env, "show", "c-1").stdout.splitlines() if line.startswith("endpoints")]
    assert len(lines) == 2
    assert "endpoints             slack_channel C0123 for subscriber-123 (e-1)" in lines


def test_delete_says_if_a_worker_has_to_go_on(
    env: dict[str, str], person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    person.install(link)
    [connection] = novu.state.connections
    novu.suffer("down")
    done = connections(env, "delete", connection.identifier, "--yes")
    novu.suffer("none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("Not deleted yet: Novu: no answer: ")
    assert done.stderr.endswith(". A worker goes on until it is.\n")
    ledger_db.execute("UPDATE owner SET lease = 'x', leased_until = now() + interval '16 s'")
    done = connections(env, "delete", connection.identifier, "--yes", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Not deleted yet: something else for its owner is under way. A worker goes on until it is." in done.stderr
    ledger_db.execute("UPDATE owner SET lease = NULL, leased_until = NULL")
    done = connections(env, "delete", connection.identifier, "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"deleted": connection.identifier})
    assert novu.state.connections == ()


def test_a_name_cannot_write_to_the_terminal(env: dict[str, str], client: Novu) -> None:
    make(client, "c-1", name="\x1b[31mred\x07\u202e")
    assert "[31mred (T1)" in connections(env, "show", "c-1").stdout
    assert "\x1b" not in connections(env, "list").stdout


def test_rename_keeps_the_token(env: dict[str, str], client: Novu, novu: LocalNovu) -> None:
    make(client, "c-1")
    done = connections(env, "rename", "c-1", "New name", "--json")
    assert json.loads(done.stdout)["workspace"] == {"id": "T1", "name": "New name"}
    [connection] = novu.state.connections
    assert connection.token == "xoxb-secret"
    assert connection.auth["refreshToken"] == "xoxe-1-secret"


def test_delete_asks_first(env: dict[str, str], client: Novu, novu: LocalNovu) -> None:
    make(client, "c-1")
    done = connections(env, "delete", "c-1")
    assert (done.returncode, done.stderr) == (1, "Nothing was deleted.\n")
    assert len(novu.state.connections) == 1
    assert connections(env, "delete", "c-1", "--yes").returncode == 0
    assert not novu.state.connections


def test_verify(env: dict[str, str], client: Novu) -> None:
    make(client, "c-1")
    assert connections(env, "verify", "c-1").returncode == 0


@pytest.mark.parametrize(
    "arguments", [("show", "c-9"), ("rename", "c-9", "x"), ("delete", "c-9", "--yes"), ("verify", "c-9")]
)
def test_what_is_not_there_is_refused(env: dict[str, str], arguments: tuple[str, ...]) -> None:
    done = connections(env, *arguments)
    assert done.returncode == 1
    assert "404" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_passing_trouble_is_tried_again(env: dict[str, str], client: Novu, novu: LocalNovu) -> None:
    make(client, "c-1")
    novu.suffer("error_twice")
    assert connections(env, "show", "c-1").returncode == 0


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("show",), ("rename", "c-1")])
def test_wrong_usage(env: dict[str, str], arguments: tuple[str, ...]) -> None:
    assert connections(env, *arguments).returncode == 2


def test_without_configuration(env: dict[str, str]) -> None:
    done = connections({}, "list")
    assert done.returncode == 2
    assert "NOVU_SECRET_KEY: is required" in done.stderr
