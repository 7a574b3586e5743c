"""`--data FILE`: what the local Novu holds outlives it, however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from onboarding.sandbox.novu import DataRefused, Options, create_novu
from onboarding.sandbox.serve import serving
from tests.sandbox.clients import NovuSite, connection


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "novu.data"


class Starter:
    """One local Novu after another, over the same file."""

    def __init__(self, file: Path, session: requests.Session) -> None:
        self._file = file
        self._session = session
        self._stack = ExitStack()

    def __call__(self, *keys: str) -> NovuSite:
        self.stop()
        app = create_novu(*keys, options=Options(data=self._file))
        self._stack.callback(app.extensions["novu"].close)
        return NovuSite(self._stack.enter_context(serving(app)), app.extensions["novu"], self._session)

    def stop(self) -> None:
        self._stack.close()


@pytest.fixture
def start(file: Path, session: requests.Session) -> Iterator[Starter]:
    starter = Starter(file, session)
    yield starter
    starter.stop()


class Foreground:
    """The command itself, in a process that can be killed."""

    def __init__(self, file: Path, *more: str) -> None:
        command = [sys.executable, "-m", "onboarding.cli", "sandbox", "novu", "--port", "0", "--data", str(file), *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip().removeprefix("Local Novu: ")

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.communicate(timeout=10)


def everything(site: NovuSite, *keys: str) -> list[Any]:
    found: list[Any] = []
    for key in keys or ("sandbox-novu-key",):
        headers = {"Authorization": f"ApiKey {key}"}
        found.append(site.send("GET", params={"limit": 100}, headers=headers).json())
        found.append(site.session.get(f"{site.url}/v1/integrations", headers=headers).json())
    return [*found, [(each.id, each.subscribers, each.contexts) for each in site.state.environments]]


def test_everything_is_there_again_after_a_restart(start: Starter) -> None:
    site = start()
    more = {"providerId": "slack", "channel": "chat", "identifier": "eu", "credentials": {"clientId": "x"}}
    site.session.post(f"{site.url}/v1/integrations", json=more, headers=site.headers)
    site.session.post(f"{site.url}/v2/subscribers", json={"subscriberId": "ü\n"}, headers=site.headers)
    site.created(identifier="a\u2028\n", workspace=[], context={"tenant": {"id": "a", "data": {"x": [None]}}})
    site.created(identifier="gone", subscriberId="ü\n")
    site.send("DELETE", "/gone")
    site.created(identifier="b", integrationIdentifier="eu", auth={"accessToken": "x", "unknown": 1})
    rotating = {"accessToken": "x", "refreshToken": "y", "refreshTokenExpiresAt": "z"}
    site.send("PATCH", "/b", json=connection(workspace={"id": "T2", "more": True}))
    site.created(identifier="c", subscriberId="ü\n", auth=rotating)
    site.send("POST", "/c/verify")
    site.create(subscriberId="nobody", context={"left": "behind"})
    before = everything(site)
    assert [row["identifier"] for row in before[0]["data"]] == ["c", "b", "a\u2028\n"]
    assert everything(start()) == before
    assert everything(start()) == before
    assert start().create(identifier="b", context={"other": "one"}).status_code == 409


def test_every_environment_is_kept_even_while_nobody_asks_for_it(start: Starter) -> None:
    site = start("one", "two")
    headers = {"Authorization": "ApiKey two"}
    site.send("POST", json=connection(), headers=headers)
    before = everything(site, "one", "two")
    assert start("one").send("GET", headers=headers).status_code == 401
    assert len(start("three").state.environments) == 1
    assert everything(start("one", "two"), "one", "two") == before


def test_the_file_is_for_its_owner_and_does_not_hold_the_key(start: Starter, file: Path) -> None:
    file.touch(mode=0o644)
    site = start("a-key-of-ours")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "a-key-of-ours" not in file.read_text("utf-8")
    assert site.state.environment.has_subscriber("subscriber-123")


def test_starting_drops_what_was_overwritten(start: Starter, file: Path) -> None:
    site = start()
    site.created(identifier="mine")
    for number in range(20):
        site.send("PATCH", "/mine", json=connection(workspace={"id": f"T{number}"}))
    long = file.stat().st_size
    assert start().send("GET", "/mine").json()["data"]["workspace"] == {"id": "T19"}
    assert file.stat().st_size < long / 4
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_reset_is_kept_too(start: Starter) -> None:
    site = start()
    site.created()
    site.state.reset()
    site.created(identifier="after")
    assert start().rows() == ["after"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_answered_survives_any_end(file: Path, session: requests.Session, number: signal.Signals) -> None:
    novu = Foreground(file)
    answered: list[str] = []

    def create() -> None:
        for count in range(1000):
            body = connection(identifier=f"c-{count}", context={"n": str(count)})
            try:
                answer = session.post(f"{novu.url}/v1/channel-connections", json=body, headers=key, timeout=5)
            except requests.RequestException:
                return
            if answer.status_code == 201:
                answered.append(answer.json()["data"]["identifier"])

    key = {"Authorization": "ApiKey sandbox-novu-key"}
    writing = threading.Thread(target=create)
    writing.start()
    while len(answered) < 30:
        pass
    novu.end(number)
    writing.join()
    app = create_novu(options=Options(data=file))
    kept = [each.identifier for each in app.extensions["novu"].connections]
    app.extensions["novu"].close()
    assert kept[: len(answered)] == answered
    assert len(kept) <= len(answered) + 1


def test_a_write_that_was_cut_short_is_forgotten(start: Starter, file: Path) -> None:
    start().created(identifier="mine")
    start().created(identifier="cut", context={"a": "b"})
    start.stop()
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert start().rows() == ["mine"]
    assert start().created(identifier="cut", context={"a": "b"})["identifier"] == "cut"


HEADER = json.dumps({"format": "onboarding-local-novu", "version": 1})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("hello\n", "does not hold a local Novu's data"),
        ('{"format":"onboarding-local-novu","version":2}\n', "does not hold a local Novu's data"),
        (f"{HEADER}\nxoxb-secret\n", "is damaged in line 2"),
        (f'{HEADER}\n["e","connection",{{}}]\n', "is damaged in line 2"),
        (f'{HEADER}\n["e","environment","1"]\n["e","connection",{{"auth":"xoxb-secret"}}]\n', "is damaged in line 3"),
        (f'{HEADER}\n["e","environment","1"]\n["e","removed","x"]\n', "is damaged in line 3"),
        (f'{HEADER}\n["e","environment","1"]\n["e","endpoint removed","x"]\n', "is damaged in line 3"),
        (f'{HEADER}\n["e","environment","1"]\n["e","endpoint",{{"endpoint":"xoxb-secret"}}]\n', "is damaged in line 3"),
        (f'{HEADER}\n["e","environment","1"]\n["e","unheard of",1]\n', "is damaged in line 3"),
        (f'{HEADER}\n["e","environment",1]\n', "is damaged in line 2"),
        (f"{HEADER}\n{'[' * 100_000}\n", "is damaged in line 2"),
        (f"{HEADER}\n[[],[],[]]\n", "is damaged in line 2"),
    ],
)
def test_a_damaged_file_is_refused_and_left_alone(file: Path, content: str, words: str) -> None:
    file.write_text(content, "utf-8")
    with pytest.raises(DataRefused) as caught:
        create_novu(options=Options(data=file))
    assert words in str(caught.value)
    assert "xoxb" not in str(caught.value)
    assert file.read_text("utf-8") == content


def test_bytes_that_are_no_text_are_refused(file: Path) -> None:
    file.write_bytes(HEADER.encode() + b"\n\xff\xfe\n")
    with pytest.raises(DataRefused):
        create_novu(options=Options(data=file))


def test_a_place_that_holds_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "novu.data", Path("/dev/null")):
        with pytest.raises(DataRefused):
            create_novu(options=Options(data=path))


def test_a_link_is_followed(tmp_path: Path, start: Starter, file: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    create_novu(options=Options(data=link)).extensions["novu"].close()
    assert link.is_symlink()
    assert file.stat().st_size


def test_one_file_serves_one_novu_at_a_time(start: Starter, file: Path) -> None:
    start().created()
    with pytest.raises(DataRefused, match="in use by another local Novu"):
        create_novu(options=Options(data=file))
    assert len(start().rows()) == 1


def test_the_command_says_what_is_wrong_and_exits_2(file: Path) -> None:
    file.write_text("hello\n", "utf-8")
    command = [sys.executable, "-m", "onboarding.cli", "sandbox", "novu", "--port", "0", "--data", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{file} does not hold a local Novu's data. Nothing was changed in it.\n"


def test_a_change_that_cannot_be_written_does_not_happen(start: Starter, file: Path) -> None:
    """A process of its own may write 2,000 bytes more than are there."""
    start().created(identifier="before")
    start.stop()
    limited = f"ulimit -f {file.stat().st_size // 1024 + 2}; exec {sys.executable} -m onboarding.cli sandbox novu"
    command = ["bash", "-c", f"{limited} --port 0 --data {file}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip().removeprefix("Local Novu: ")
        body = connection(identifier="large", context={"a": "b"}, workspace={"id": "T1", "name": "x" * 5000})
        key = {"Authorization": "ApiKey sandbox-novu-key"}
        answer = requests.post(f"{url}/v1/channel-connections", json=body, headers=key, timeout=5)
        small = connection(identifier="small", context={"c": "d"})
        then = requests.post(f"{url}/v1/channel-connections", json=small, headers=key, timeout=5)
        process.kill()
    assert (answer.status_code, then.status_code) == (500, 201)
    assert start().rows() == ["small", "before"]
