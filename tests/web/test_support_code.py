"""A support code is on every page of an attempt, where the admin finds it, and on every problem page; nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from tests.aging import Database, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Page, Person
from tests.witness import Witness

CODE = "Support code"


def code_of(page: Page) -> str:
    """As people read it out; empty if there is none."""
    return page.text.partition(f"{CODE} ")[2]


def attempt_of(page: Page) -> str:
    return page.location.rpartition("/")[2]


def come_back(person: Person, link: str, **answer: str) -> tuple[str, Page]:
    """The id of an attempt and its page."""
    back = person.open(person.come_back(link, **answer))
    return attempt_of(back), person.follow(back)


@pytest.fixture
def connected(person: Person, mint: MintLink) -> str:
    """The page of an attempt whose person may choose where notifications go."""
    back = person.open(person.come_back(mint()))
    assert person.follow(back).heading == "Acme HQ is connected"
    return back.location


def test_the_home_page(person: Person) -> None:
    assert CODE not in person.open("/").text


def test_a_link_that_nobody_has_used_yet(person: Person, link: str) -> None:
    assert CODE not in person.open(link).text


def test_connected(person: Person, connected: str) -> None:
    assert code_of(person.open(connected)) == connected.rpartition("/")[2]


def test_connected_seen_by_somebody_else(app: Flask, slack: LocalSlack, witness: Witness, connected: str) -> None:
    assert code_of(Person(app, slack, witness).open(connected)) == connected.rpartition("/")[2]


@pytest.mark.parametrize(
    ("answer", "heading"),
    [
        ({"decision": "cancel"}, "Nothing was connected"),
        ({"outcome": "not_permitted"}, "Your Slack admin has to approve this first"),
        ({"outcome": "bad_client_secret"}, "We could not finish"),
    ],
)
def test_what_slack_refused(person: Person, link: str, answer: dict[str, str], heading: str) -> None:
    attempt_id, page = come_back(person, link, **answer)
    assert (page.heading, code_of(page)) == (heading, attempt_id)


@pytest.mark.parametrize(("failure", "heading"), [("unauthorized", "We could not finish"), ("down", "Slack approved")])
def test_what_novu_did_not_take(person: Person, link: str, novu: LocalNovu, failure: str, heading: str) -> None:
    novu.suffer(failure)
    attempt_id, page = come_back(person, link)
    assert page.heading.startswith(heading)
    assert code_of(page) == attempt_id


def test_a_start_that_took_too_long(person: Person, link: str, ledger_db: Database) -> None:
    back = person.come_back(link)
    pass_time(ledger_db, timedelta(minutes=11))
    page = person.open(back)
    assert page.status == 410
    assert len(code_of(page)) == 22


def test_a_connection_that_broke(person: Person, connected: str, ledger_db: Database) -> None:
    ledger_db.execute("UPDATE connection SET state = 'broken', reason = 'token_revoked', since = now()")
    page = person.open(connected)
    assert page.heading.startswith("Slack disconnected")
    assert code_of(page) == connected.rpartition("/")[2]


def test_a_choice_that_was_not_saved(person: Person, connected: str, novu: LocalNovu) -> None:
    novu.suffer("down")
    page = person.open(f"{connected}/destination")
    assert page.status == 503
    assert code_of(page) == connected.rpartition("/")[2]


@pytest.mark.parametrize("path", ["/install/forged", "/attempts/unknown", "/slack/oauth_redirect"])
def test_pages_that_belong_to_no_attempt(person: Person, path: str) -> None:
    page = person.open(path)
    assert page.status >= 400
    assert len(code_of(page)) == 24


def test_without_a_database_the_page_has_one_too(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness
) -> None:
    away = make_app(DATABASE_URL="postgresql://nobody@/none?host=/nowhere")
    page = Person(away, slack, witness).open("/attempts/" + "a" * 22)
    assert page.status == 503
    assert code_of(page)
