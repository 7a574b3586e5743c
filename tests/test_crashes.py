"""Everything dies at once, in the middle of a delivery: it ends connected, once, within half a minute."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
import requests

from onboarding.settings import environment
from onboarding.wiring import wire
from tests.postgres import Server
from tests.service import Service, free_port, running
from tests.stand_ins import LocalNovu, LocalSlack
from tests.test_delivery import until, worker
from tests.test_processes import come_back

WITHIN = 30.0
OWNERS = ("one", "two", "three")


@pytest.fixture(scope="module")
def _server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        server = Server(Path(folder))
        yield server
        server.stop()


@pytest.fixture
def own(_server: Server) -> Server:
    _server.do("TRUNCATE attempt, attempt_context, connection, owner, work, tally, term, problem")
    return _server


@pytest.fixture
def service(env: dict[str, str], own: Server, novu: LocalNovu, tmp_path: Path) -> Iterator[Service]:
    for owner in OWNERS:
        novu.state.environment.add_subscriber(owner)
    port = free_port()
    with running(_env(env, own, f"http://127.0.0.1:{port}"), tmp_path / "web", port) as service:
        yield service


def test_the_web_process_and_postgres_are_killed_and_redis_is_wiped_between_redeem_and_delivery(
    service: Service,
    env: dict[str, str],
    own: Server,
    store: redis.Redis,
    slack: LocalSlack,
    novu: LocalNovu,
    tmp_path: Path,
) -> None:
    novu.suffer("slow")
    returns = [_come_back(service, env, owner, slack) for owner in OWNERS]
    with ThreadPoolExecutor(len(OWNERS)) as pool:
        answers = [pool.submit(_follow, *each) for each in returns]
        until(lambda: own.do("SELECT count(*) FROM attempt WHERE sealed IS NOT NULL") == [(3,)], 10)
        killed = time.monotonic()
        for pid in service.workers():
            os.kill(pid, signal.SIGKILL)
        _crash(own, store)
        assert [answer.result() for answer in answers] == [None] * len(OWNERS)
    assert novu.state.connections == ()
    novu.suffer("none")
    with worker(_env(env, own, service.url), tmp_path / "log"):
        until(lambda: own.do("SELECT count(*) FROM attempt WHERE status = 'connected'") == [(3,)], WITHIN)
    assert time.monotonic() - killed < WITHIN
    assert_connected_once(own, slack, novu)


def test_the_worker_and_postgres_are_killed_and_redis_is_wiped_in_the_middle_of_a_delivery(
    service: Service,
    env: dict[str, str],
    own: Server,
    store: redis.Redis,
    slack: LocalSlack,
    novu: LocalNovu,
    tmp_path: Path,
) -> None:
    novu.suffer("down")
    assert [_follow(*_come_back(service, env, owner, slack)) for owner in OWNERS] == [303] * len(OWNERS)
    novu.suffer("slow")
    own.do("UPDATE work SET due_at = now() WHERE kind = 'deliver'")
    asked = novu.state.requests("create")
    ours = _env(env, own, service.url)
    with worker(ours, tmp_path / "first") as first:
        until(lambda: novu.state.requests("create") == asked + len(OWNERS), 10)
        killed = time.monotonic()
        first.kill()
        first.wait()
        _crash(own, store)
    novu.suffer("none")
    with worker(ours, tmp_path / "second"):
        until(lambda: own.do("SELECT count(*) FROM attempt WHERE status = 'connected'") == [(3,)], WITHIN)
    assert time.monotonic() - killed < WITHIN
    assert_connected_once(own, slack, novu)


def assert_connected_once(own: Server, slack: LocalSlack, novu: LocalNovu) -> None:
    assert slack.state.redeem_count == len(OWNERS)
    tokens = sorted(connection.token for connection in novu.state.connections)
    assert tokens == sorted(grant.token for grant in slack.state.grants)
    assert own.do("SELECT count(*) FROM attempt WHERE sealed IS NOT NULL") == [(0,)]
    assert own.do("SELECT count(*) FROM work WHERE kind = 'deliver'") == [(0,)]


def _env(env: dict[str, str], own: Server, public_url: str) -> dict[str, str]:
    return {**env, "DATABASE_URL": own.url, "PUBLIC_URL": public_url}


def _crash(own: Server, store: redis.Redis) -> None:
    own.crash()
    store.flushall()
    own.start()


def _come_back(service: Service, env: dict[str, str], owner: str, slack: LocalSlack) -> tuple[str, dict[str, str]]:
    """Open a link, say yes at Slack, and give the address to come back to with the browser's cookies."""
    made = wire(environment.load({**env, "PUBLIC_URL": service.url}))
    link = made.links.sign(made.links.mint({"subscriberId": owner}, None, made.clock()))
    browser = requests.Session()
    return come_back(browser, f"{service.url}/install/{link}", slack), browser.cookies.get_dict()


def _follow(url: str, cookies: dict[str, str]) -> int | None:
    """The status of the answer; None if the connection broke."""
    try:
        return requests.get(url, cookies=cookies, allow_redirects=False, timeout=30).status_code
    except requests.ConnectionError:
        return None
