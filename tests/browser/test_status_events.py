"""Operators in front of what the host product was told, and of a connection that broke."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from onboarding.settings import environment
from onboarding.wiring import Wiring, wire
from tests.admin.operator import PASSWORD
from tests.browser.visitor import Visitor, go
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.hosting import NEW, Host, hosting
from tests.service import Service, free_port, running
from tests.witness import Witness


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


@pytest.fixture(scope="module")
def service(
    base_env: dict[str, str], host: Host, tmp_path_factory: pytest.TempPathFactory, witness: Witness
) -> Iterator[Service]:
    """One that tells the host."""
    port, log = free_port(), tmp_path_factory.mktemp("telling") / "log"
    witness.secrets |= {PASSWORD, NEW}
    ours = {"ADMIN_PASSWORD": PASSWORD, "WEBHOOK_URL": host.url, "WEBHOOK_SECRETS": NEW}
    with running({**base_env, **ours, "PUBLIC_URL": f"http://127.0.0.1:{port}"}, log, port) as service:
        yield service
    witness.saw(log.read_text("utf-8"))


@pytest.fixture
def wiring(env: dict[str, str], service: Service, host: Host) -> Iterator[Wiring]:
    ours = {"PUBLIC_URL": service.url, "WEBHOOK_URL": host.url, "WEBHOOK_SECRETS": NEW}
    with closing(wire(environment.load({**env, **ours}))) as wiring:
        yield wiring


def deliver(wiring: Wiring) -> list[timedelta | None]:
    rows = wiring.ledger.postgres.rows("SELECT id FROM event WHERE status = 'pending' ORDER BY at")
    return [wiring.notify.deliver(event_id) for (event_id,) in rows]


def told(somebody: Visitor, text: str) -> None:
    expect(somebody.page.get_by_role("status").first).to_contain_text(text)


def test_what_the_host_was_told_is_looked_at_and_told_again(
    operator: Visitor, stranger: Visitor, mint: MintLink, host: Host, wiring: Wiring
) -> None:
    go(operator, "Events")
    operator.look("status-empty-events")
    for context in ({"tenant": "a_tenant_whose_name_cannot_be_broken_" * 2}, {"tenant": "org-1"}):
        stranger.install(mint(context=context))
        stranger.page.wait_for_url("**/attempts/*")
    host.answers = [(500, {}), (410, {})]
    deliver(wiring)
    go(operator, "Events")
    expect(operator.page.locator("main")).to_contain_text("answered 410, which means that it is gone")
    operator.look("status-events-paused")
    operator.page.get_by_role("button", name="Resume").click()
    told(operator, "Resumed.")
    deliver(wiring)
    operator.page.get_by_role("button", name="Send a ping").click()
    told(operator, "The endpoint answered 200: it took the ping.")
    operator.look("status-events")
    operator.page.get_by_text("Filters", exact=True).click()
    operator.page.get_by_label("Type").select_option("connection.connected")
    operator.page.get_by_role("button", name="Apply").click()
    expect(operator.page.locator("tbody tr")).to_have_count(2)
    operator.page.locator("tbody").get_by_role("link", name="Connected").last.click()
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Connected")
    operator.page.get_by_text("Body", exact=True).click()
    operator.look("status-event")
    operator.page.get_by_role("button", name="Deliver again").click()
    told(operator, "It will be sent again in the next seconds, under the same id.")


def test_a_connection_that_broke_says_why_and_is_healed(
    operator: Visitor, stranger: Visitor, mint: MintLink, slack: LocalSlack, novu: LocalNovu, wiring: Wiring
) -> None:
    stranger.install(mint())
    stranger.page.wait_for_url("**/attempts/*")
    go(operator, "Connections")
    operator.page.locator("tbody").get_by_role("link", name="Acme HQ").click()
    expect(operator.page.locator("main")).to_contain_text("Works")
    slack.state.faults.set("auth.test", "error", 1, error="account_inactive")
    operator.page.get_by_role("button", name="Check now").click()
    told(operator, "Checked: it is broken.")
    operator.look("status-connection-broken")
    go(operator, "Overview")
    operator.look("status-overview-broken")
    operator.page.get_by_role("link", name="1 connection is broken").click()
    expect(operator.page.locator("tbody tr")).to_have_count(1)
    operator.look("status-connections-broken")
    operator.page.locator("tbody").get_by_role("link", name="Acme HQ").click()
    operator.page.get_by_role("button", name="Create reconnect link").click()
    told(operator, "The reconnect link is ready.")
    stranger.install(operator.page.get_by_label("Works until").input_value())
    stranger.page.wait_for_url("**/attempts/*")
    go(operator, "Connections")
    expect(operator.page.locator("tbody tr").first).to_contain_text("Works")
