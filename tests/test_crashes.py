"""Everything dies at once, in the middle of deliveries: each ends connected, once, within half a minute."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
import requests

from onboarding.settings import environment
from onboarding.wiring import wire
from tests.fakes import LocalNovu, LocalSlack
from tests.postgres import Server
from tests.service import Service, free_port, running
from tests.test_delivery import until, worker
from tests.test_processes import come_back

WITHIN = 30.0
AT_WEB = ("one", "two", "three")
AT_WORKER = ("four", "five", "six")
"""Owners whose grants are on their way to Novu from a request, and from a worker."""


@pytest.fixture
def ours(env: dict[str, str], private_postgres: Server, novu: LocalNovu) -> dict[str, str]:
    for owner in (*AT_WEB, *AT_WORKER):
        novu.state.environment.add_subscriber(owner)
    return {**env, "DATABASE_URL": private_postgres.url, "PUBLIC_URL": f"http://127.0.0.1:{free_port()}"}


@pytest.fixture
def service(ours: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    with running(ours, tmp_path / "web", int(ours["PUBLIC_URL"].rpartition(":")[2])) as service:
        yield service


def test_web_worker_and_postgres_are_killed_and_redis_is_wiped_while_they_deliver(
    service: Service,
    ours: dict[str, str],
    private_postgres: Server,
    store: redis.Redis,
    slack: LocalSlack,
    novu: LocalNovu,
    tmp_path: Path,
) -> None:
    novu.suffer("down")
    assert [_follow(*_come_back(ours, owner, slack)) for owner in AT_WORKER] == [303] * len(AT_WORKER)
    returns = [_come_back(ours, owner, slack) for owner in AT_WEB]
    novu.suffer("slow")
    asked = novu.state.requests("create")
    with worker(ours, tmp_path / "first") as first, ThreadPoolExecutor(len(returns)) as pool:
        until(lambda: "worker started" in (tmp_path / "first").read_text("utf-8"), 10)
        private_postgres.do("UPDATE work SET due_at = now() WHERE kind = 'deliver'")
        answers = [pool.submit(_follow, *each) for each in returns]
        until(lambda: novu.state.requests("create") == asked + len(AT_WEB) + len(AT_WORKER), 10)
        killed = time.monotonic()
        first.kill()
        for pid in service.workers():
            os.kill(pid, signal.SIGKILL)
        private_postgres.crash()
        store.flushall()
        private_postgres.start()
        assert [answer.result() for answer in answers] == [None] * len(answers)
        first.wait()
    assert _held(novu) == []
    novu.suffer("none")
    with worker(ours, tmp_path / "second"):
        connected = "SELECT count(*) FROM attempt WHERE status = 'connected' AND sealed IS NULL"
        until(lambda: private_postgres.do(connected) == [(6,)], WITHIN)
    assert time.monotonic() - killed < WITHIN
    assert slack.state.redeem_count == 6
    assert _held(novu) == sorted(grant.token for grant in slack.state.grants)
    assert private_postgres.do("SELECT count(*) FROM work WHERE kind = 'deliver'") == [(0,)]


def _come_back(ours: dict[str, str], owner: str, slack: LocalSlack) -> tuple[str, dict[str, str]]:
    """Open a link, say yes at Slack, and give the address to come back to with the browser's cookies."""
    made = wire(environment.load(ours))
    link = made.links.sign(made.links.mint({"subscriberId": owner}, None, made.clock()))
    browser = requests.Session()
    return come_back(browser, f"{ours['PUBLIC_URL']}/install/{link}", slack), browser.cookies.get_dict()


def _follow(url: str, cookies: dict[str, str]) -> int | None:
    """The status of the answer; None if the connection broke."""
    try:
        return requests.get(url, cookies=cookies, allow_redirects=False, timeout=30).status_code
    except requests.ConnectionError:
        return None


def _held(novu: LocalNovu) -> list[str]:
    return sorted(connection.token for connection in novu.state.connections)
