"""The processes of the Procfile: started from anywhere, refusing what they cannot use, raced and killed."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests

from onboarding.settings import environment
from onboarding.wiring import wire
from tests.api.host import NO_DATABASE
from tests.fakes import LocalNovu, LocalSlack
from tests.service import COMMAND, Service, free_port, running

ROOT = Path(__file__).parent.parent


@pytest.fixture
def service(env: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    port = free_port()
    with running({**env, "PUBLIC_URL": f"http://127.0.0.1:{port}", "LOG_LEVEL": "DEBUG"}, tmp_path / "log", port) as up:
        yield up


@pytest.fixture
def link(env: dict[str, str], service: Service) -> str:
    made = wire(environment.load({**env, "PUBLIC_URL": service.url}))
    minted = made.links.mint({"subscriberId": "subscriber-123", "account": "Acme Inc."}, None, made.clock())
    return f"{service.url}/install/{made.links.sign(minted)}"


def come_back(browser: requests.Session, link: str, slack: LocalSlack) -> str:
    landing = browser.get(link, timeout=5)
    field = re.search(r'name="csrf_token" value="([^"]+)"', landing.text)
    assert field
    started = browser.post(link, data={"csrf_token": field[1]}, allow_redirects=False, timeout=5)
    return slack.answer(started.headers["Location"])


def test_fifty_returns_with_one_state_redeem_once(
    service: Service, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    browser = requests.Session()
    back = come_back(browser, link, slack)
    cookies = browser.cookies.get_dict()

    def come(_: int) -> requests.Response:
        return requests.get(back, cookies=cookies, allow_redirects=False, timeout=30)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(come, range(50)))
    assert Counter((answer.status_code, answer.headers.get("Location")) for answer in answers) == {
        (303, answers[0].headers["Location"]): 50
    }
    assert slack.state.redeem_count == 1
    assert len(novu.state.connections) == 1
    assert "Acme HQ" in browser.get(service.url + answers[0].headers["Location"], timeout=5).text


def test_pages_look_right_wherever_gunicorn_was_started(service: Service) -> None:
    page = requests.get(service.url, timeout=5)
    assert "Connect Slack with a link" in page.text
    assert requests.get(f"{service.url}/static/tokens.css", timeout=5).status_code == 200


def test_request_lines_of_eight_thousand_bytes_reach_our_pages(service: Service) -> None:
    assert requests.get(f"{service.url}/install/{'x' * 7950}", timeout=5).status_code == 404
    longer = requests.get(f"{service.url}/install/{'x' * 9000}", timeout=5)
    assert 400 <= longer.status_code < 500
    assert "Traceback" not in longer.text


def test_idle_connections_stay_open_for_75_seconds(env: dict[str, str]) -> None:
    done = subprocess.run(
        [*COMMAND, "--print-config"],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert re.search(r"^keepalive\s+= 75$", done.stdout, re.MULTILINE)


def test_idle_connections_occupy_no_thread_and_are_closed_in_the_end(env: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    few = {**env, "WEB_CONCURRENCY": "1", "GUNICORN_CMD_ARGS": "--threads 1 --keep-alive 2"}
    with running(few, tmp_path / "log", port), ExitStack() as stack:
        idle = [stack.enter_context(closing(HTTPConnection("127.0.0.1", port, timeout=10))) for _ in range(5)]
        for pause in (0, 1, 1):
            time.sleep(pause)
            assert [ask(connection) for connection in idle] == [200] * 5
        socks = [connection.sock for connection in idle]
        assert [sock.recv(1) for sock in socks] == [b""] * 5


def ask(connection: HTTPConnection) -> int:
    """The status of an answer over this very connection: it may not open another one behind our back."""
    if connection.sock is not None:
        connection.auto_open = False
    connection.request("GET", "/livez")
    with connection.getresponse() as answer:
        answer.read()
        return answer.status


def test_a_foreign_host_changes_nothing(service: Service, link: str, slack: LocalSlack) -> None:
    foreign = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    browser = requests.Session()
    assert "evil" not in browser.get(link, headers=foreign, timeout=5).text
    back = come_back(browser, link, slack)
    answer = requests.get(back, headers=foreign, cookies=browser.cookies.get_dict(), allow_redirects=False, timeout=10)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/attempts/")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n",
        b"GET / HTTP/1.1\r\nHost: <script>\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n",
        b"GET /install/\xff\x00 HTTP/1.1\r\nHost: x\r\n",
        b"GET /slack/oauth_redirect?state=\xff&code=\xff HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\n",
    ],
)
def test_no_host_or_byte_upsets_it(service: Service, request_: bytes) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(request_ + b"Connection: close\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert int(answer.split()[1]) in {200, 400, 404}
    assert b"evil" not in answer
    assert b"<script>" not in answer


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /slack/oauth_redirect?code=X 1&state=SECRET HTTP/1.1\r\nHost: x\r\n",
        b"GET /?SECRET HTTP/9.9\r\nHost: x\r\n",
        b"SECRET! / HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\nSECRET name: x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nExpect: SECRET\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: SECRET\r\n",
        b"GET /" + b"SECRET" * 2000 + b" HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"SECRET" * 2000 + b"\r\n",
        b"GET /install/SECRET HTTP/1.1\r\nHost: x\r\nSCRIPT_NAME: /evil\r\n",
        b"GET //evil.example/ HTTP/1.1\r\nHost: x\r\nSCRIPT_NAME: //evil.example\r\n",
    ],
)
def test_what_gunicorn_refuses_it_does_not_repeat(service: Service, request_: bytes) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(request_ + b"Connection: close\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert 400 <= int(answer.split()[1]) < 502
    assert int(answer.split()[1]) != 500
    for held in (b"SECRET", b"evil"):
        assert held not in answer
    for header in (b"Content-Security-Policy", b"nosniff", b"no-store", b"X-Request-ID"):
        assert header in answer
    assert "SECRET" not in service.log.read_text("utf-8")


def test_a_callback_through_gunicorn_leaves_no_secret_in_its_log(
    service: Service, link: str, slack: LocalSlack, env: dict[str, str]
) -> None:
    browser = requests.Session()
    back = come_back(browser, link, slack)
    assert "is connected" in browser.get(back, timeout=10).text
    for path in ("/slack/oauth_redirect?code=x&state=%00", f"/install/{'x' * 9000}", "/nothing"):
        browser.get(service.url + path, timeout=5)
    log = service.log.read_text("utf-8")
    assert "connected attempt=" in log
    secrets = {env["SECRET_KEY"], env["SLACK_CLIENT_SECRET"], env["NOVU_SECRET_KEY"], *slack.secrets()}
    secrets |= {*re.findall(r"(?:code|state)=([^&]+)", back), link.rpartition("/")[2], *browser.cookies.values()}
    assert len(secrets) >= 9
    assert [secret for secret in secrets if secret in log] == []


def test_a_bad_configuration_is_told_once_and_ends_with_status_2(env: dict[str, str]) -> None:
    env |= {"SECRET_KEY": "too-short", "NOVU_URL": ""}
    env.pop("SLACK_CLIENT_ID")
    done = subprocess.run(
        [*COMMAND, "--bind", f"127.0.0.1:{free_port()}"],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("SECRET_KEY: needs at least 32 characters") == 1
    assert "SLACK_CLIENT_ID: is required" in done.stderr
    assert "Traceback" not in done.stderr
    assert "too-short" not in done.stderr


def test_the_procfile_names_the_processes_that_are_tested() -> None:
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    processes = {name: shlex.split(command) for name, _, command in (line.partition(":") for line in lines)}
    assert processes == {
        "release": ["python", "-m", "onboarding.cli", "migrate"],
        "web": ["gunicorn", *COMMAND[3:]],
        "worker": ["python", "-m", "onboarding.worker"],
    }


def onboarding(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onboarding.cli", *arguments],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_check_config_says_that_all_is_well(env: dict[str, str]) -> None:
    done = onboarding("check-config", env=env)
    assert (done.returncode, done.stderr) == (0, "")


def test_check_config_names_everything_that_is_wrong() -> None:
    done = onboarding("check-config", env={})
    assert done.returncode == 2
    assert done.stderr.count("is required") == 8


def test_a_link_created_on_the_command_line_is_short_opens_and_is_listed(env: dict[str, str], service: Service) -> None:
    done = onboarding(
        "link",
        *("--subscriber", "subscriber-123", "--context", "tenant=org-1", "--context", "region=eu"),
        *("--account", "Acme Inc.", "--return-url", "https://app.example.com", "--expires-in", "2h"),
        env={**env, "PUBLIC_URL": service.url},
    )
    assert done.returncode == 0, done.stderr
    url = done.stdout.strip()
    assert re.fullmatch(re.escape(service.url) + r"/install/[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{27}", url)
    page = requests.get(url, timeout=5)
    assert "Connect <bdi>Acme Inc.</bdi> to Slack" in page.text
    assert "2 hours" in page.text
    with closing(wire(environment.load(env))) as wiring:
        [listed], _ = wiring.minting.page(10, None)
    assert listed.created.by == "the command line"
    assert listed.created.link.id in url


def test_without_postgresql_the_command_line_creates_no_link(env: dict[str, str]) -> None:
    done = onboarding("link", "--subscriber", "s", env={**env, "DATABASE_URL": NO_DATABASE})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("PostgreSQL does not answer")
    assert onboarding("link", "--subscriber", "s", env={**env, "REDIS_URL": "unix:///nowhere"}).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("link", "--subscriber", "\udcff"),
        ("retry", "\udcff"),
        ("connections", "list", "--context", "\udcff"),
        ("connections", "show", "\udcff"),
        ("connections", "rename", "mine", "\udcff"),
        ("connections", "delete", "\udcff", "--yes"),
    ],
)
def test_arguments_that_are_not_text_are_wrong_usage(env: dict[str, str], arguments: tuple[str, ...]) -> None:
    done = onboarding(*arguments, env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert "arguments have to be text in UTF-8" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--subscriber", "s", "--expires-in", "8d"),
        ("--subscriber", "s", "--expires-in", "soon"),
        ("--subscriber", "s", "--shared"),
        ("--subscriber", "s", "--context", "tenant"),
        ("--subscriber", "s", "--context", "t=a", "--context", "t=b"),
        ("--subscriber", "s", "--return-url", "http://example.com"),
        ("--nonsense",),
    ],
)
def test_a_link_that_breaks_a_rule_is_wrong_usage(env: dict[str, str], arguments: tuple[str, ...]) -> None:
    done = onboarding("link", *arguments, env=env)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
