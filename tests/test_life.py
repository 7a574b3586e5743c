"""From the app's removal in Slack to the host that hears of it, and back to life, through real processes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from onboarding.settings import environment
from onboarding.wiring import wire
from tests.fakes import LocalNovu, LocalSlack
from tests.hosting import NEW, Host, hosting
from tests.service import Service, free_port, running
from tests.test_delivery import until, worker
from tests.test_processes import come_back

SIGNING = "sandbox-signing-secret"
QUICK = 5.0
"""Seconds from the removal to the host."""


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


@pytest.fixture
def ours(env: dict[str, str], host: Host) -> dict[str, str]:
    return {
        **env,
        "PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
        "SLACK_SIGNING_SECRET": SIGNING,
        "WEBHOOK_URL": host.url,
        "WEBHOOK_SECRETS": NEW,
    }


@pytest.fixture
def service(ours: dict[str, str], slack: LocalSlack, tmp_path: Path) -> Iterator[Service]:
    slack.state.outbox.url = f"{ours['PUBLIC_URL']}/slack/events"
    with (
        running(ours, tmp_path / "web", int(ours["PUBLIC_URL"].rpartition(":")[2])) as service,
        worker(ours, tmp_path / "worker"),
    ):
        yield service
    slack.state.outbox.url = ""


def test_a_removed_app_is_told_within_seconds_and_one_click_heals_it(
    service: Service, ours: dict[str, str], slack: LocalSlack, novu: LocalNovu, host: Host
) -> None:
    made, browser = wire(environment.load(ours)), requests.Session()
    link = made.links.sign(made.links.mint({"subscriberId": "subscriber-123", "account": "Acme"}, None, made.clock()))
    browser.get(come_back(browser, f"{service.url}/install/{link}", slack), timeout=30)
    until(lambda: host.types == ["connection.connected"], 10)

    removed = time.monotonic()
    slack.state.remove_app("T9TK3CUKW")
    until(lambda: "connection.broken" in host.types, 15)
    assert time.monotonic() - removed < QUICK

    broken = host.events[-1]["data"]
    assert broken["reason"] == "app_uninstalled"
    page = browser.get(broken["reconnectUrl"], timeout=30).text
    assert re.search(r"<h1>Slack disconnected <bdi>Acme</bdi></h1>", page)
    answer = browser.get(come_back(browser, broken["reconnectUrl"], slack), timeout=30).text
    assert "is connected" in answer
    until(lambda: host.types[-1] == "connection.updated", 10)
    assert "connection.recovered" not in host.types
    assert [event["data"]["sequence"] for event in host.events] == [1, 2, 3]


@pytest.mark.parametrize("mishap", ["lost", "late", "twice", "out_of_order"])
def test_slacks_events_may_come_as_they_like(
    service: Service, ours: dict[str, str], slack: LocalSlack, novu: LocalNovu, host: Host, mishap: str
) -> None:
    """An older removal that arrives after a reinstallation does no harm; a lost one is found by the next check."""
    made, browser = wire(environment.load(ours)), requests.Session()
    link = made.links.sign(made.links.mint({"subscriberId": "subscriber-123"}, None, made.clock()))
    address = f"{service.url}/install/{link}"
    browser.get(come_back(browser, address, slack), timeout=30)
    slack.state.outbox.spoil(mishap, seconds=1)
    slack.state.remove_app("T9TK3CUKW")
    browser.get(come_back(browser, address, slack), timeout=30)
    slack.state.outbox.spoil("none")
    assert slack.state.settle(10)
    time.sleep(1.5)
    [connection] = novu.state.connections
    headers = {"Authorization": f"Bearer {connection.token}"}
    assert requests.post(f"{slack.url}/api/auth.test", headers=headers, timeout=5).json()["ok"]
    found = made.ledger.connections.find(connection.identifier)
    made.close()
    assert found
    assert found.state == "working"
    until(lambda: host.types[-1] == "connection.updated", 5)
