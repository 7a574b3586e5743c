"""With several Slack apps, the lists of the admin can be narrowed to one of them; with one there is no choice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from onboarding.sandbox.novu import create_novu
from onboarding.sandbox.serve import serving
from tests.admin.operator import PASSWORD, Operator
from tests.admin.test_attempts import rows
from tests.fakes import LocalSlack
from tests.person import Page, Person
from tests.two_slacks import two_slacks
from tests.witness import Witness

FIRST, SECOND = "sprocket-slack", "gadget-slack"
KEY = "novu-key-of-both"
ACCOUNTS = {FIRST: "Acme Inc.", SECOND: "Globex"}
LISTS = ("attempts", "connections", "events", "links")
APPS = f"""
[apps.{FIRST}]
client_id = "1.1"
client_secret = "secret-1"
default = true

[apps.{SECOND}]
client_id = "2.2"
client_secret = "secret-2"
"""


@dataclass(frozen=True, slots=True)
class Site:
    app: Flask
    operator: Operator

    def open(self, page: str, **query: str) -> Page:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return self.operator.open(f"/admin/{page}" + (f"?{asked}" if asked else ""))


@pytest.fixture
def site(make_app: Callable[..., Flask], tmp_path: Path, witness: Witness) -> Iterator[Site]:
    """A customer of each app, with a link, an attempt, a connection and an event."""
    with two_slacks() as (both, slack_url), serving(create_novu(KEY)) as novu_url:
        key = {"Authorization": f"ApiKey {KEY}"}
        for integration in (FIRST, SECOND):
            wanted = {"providerId": "slack", "channel": "chat", "identifier": integration, "credentials": {}}
            requests.post(f"{novu_url}/v1/integrations", json=wanted, headers=key, timeout=5).raise_for_status()
        (tmp_path / "apps.toml").write_text(APPS)
        absent = dict.fromkeys(("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "NOVU_INTEGRATION_IDENTIFIER"), "")
        remote = {"SLACK_URL": slack_url, "NOVU_URL": novu_url, "NOVU_SECRET_KEY": KEY}
        app = make_app(**absent, **remote, APPS_FILE=str(tmp_path / "apps.toml"), ADMIN_PASSWORD=PASSWORD)
        witness.secrets |= {KEY, "secret-1", "secret-2"}
        slacks = {FIRST: both.at(0, slack_url), SECOND: both.at(1, slack_url)}
        for integration, slack in slacks.items():
            install(app, integration, slack, witness)
        operator = Operator(app, slacks[FIRST], witness)
        assert operator.sign_in().status == 303
        yield Site(app, operator)
        witness.secrets |= slacks[FIRST].secrets() | slacks[SECOND].secrets()


def install(app: Flask, integration: str, slack: LocalSlack, witness: Witness) -> None:
    minting = app.extensions["onboarding"].minting
    whose: dict[str, Any] = {"subscriberId": "subscriber-123", "account": ACCOUNTS[integration]}
    link = minting.mint({**whose, "integrationIdentifier": integration, "destination": "none"}, None)
    minting.record(link, "a test")
    page = Person(app, slack, witness).install(minting.url(link).removeprefix("http://127.0.0.1:8000"))
    assert page.heading == "Acme HQ is connected", page.text


def offered(page: Page) -> list[str]:
    """The apps that the filter offers; empty if there is no such choice."""
    form = re.search(r'<details class="filters".*?</details>', page.source, re.DOTALL)
    choice = form and re.search(r'<select[^>]* name="integration".*?</select>', form[0], re.DOTALL)
    return re.findall(r'<option value="([^"]*)"', choice[0]) if choice else []


def label_of(page: Page) -> str:
    field = re.search(r'<label for="([^"]+)">([^<]+)</label>\s*<select[^>]* name="integration"', page.source)
    assert field
    return field[2]


@pytest.mark.parametrize("page", LISTS)
def test_the_filter_offers_every_app(site: Site, page: str) -> None:
    shown = site.open(page)
    assert offered(shown) == ["", FIRST, SECOND]
    assert label_of(shown) == "App"


@pytest.mark.parametrize("page", LISTS)
def test_the_filter_leaves_the_rows_of_one_app(site: Site, page: str) -> None:
    assert len(rows(site.open(page))) == 2
    found = {each: rows(site.open(page, integration=each)) for each in (FIRST, SECOND)}
    assert [len(each) for each in found.values()] == [1, 1]
    for integration, [row] in found.items():
        if page != "events":
            assert ACCOUNTS[integration] in row


def test_the_events_left_are_those_of_the_apps_connection(site: Site) -> None:
    for integration in (FIRST, SECOND):
        connection = re.search('/admin/connections/([^"]+)', site.open("connections", integration=integration).source)
        assert connection
        assert f"/admin/connections/{connection[1]}" in site.open("events", integration=integration).source


@pytest.mark.parametrize("page", LISTS)
def test_the_choice_stays_chosen_and_can_be_undone(site: Site, page: str) -> None:
    shown = site.open(page, integration=SECOND)
    assert f'<option value="{SECOND}" selected>' in shown.source
    assert "Filters (1 set)" in shown.text
    assert shown.link("Show all") == f"/admin/{page}"


def test_connections_of_one_state_can_be_of_one_app(site: Site) -> None:
    for integration in (FIRST, SECOND):
        [row] = rows(site.open("connections", state="working", integration=integration))
        assert ACCOUNTS[integration] in row


@pytest.mark.parametrize("page", LISTS)
def test_an_app_that_is_configured_no_longer_can_still_be_looked_for(site: Site, page: str) -> None:
    shown = site.open(page, integration="gone-slack")
    assert offered(shown) == ["", FIRST, SECOND, "gone-slack"]
    assert "<tbody" not in shown.source


@pytest.mark.parametrize("page", LISTS)
def test_with_one_app_there_is_nothing_to_choose(operator: Operator, person: Person, link: str, page: str) -> None:
    person.install(link)
    assert offered(operator.open(f"/admin/{page}")) == []


@pytest.mark.parametrize("page", LISTS)
def test_with_one_app_in_a_file_there_is_nothing_to_choose_either(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, tmp_path: Path, page: str
) -> None:
    (tmp_path / "apps.toml").write_text("[apps.slack-prod]\nproduct_name = 'Sprocket'\n")
    app = make_app(APPS_FILE=str(tmp_path / "apps.toml"), ADMIN_PASSWORD=PASSWORD)
    operator = Operator(app, slack, witness)
    operator.sign_in()
    assert offered(operator.open(f"/admin/{page}")) == []
