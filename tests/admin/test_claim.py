"""What somebody added in Slack without a link, as operators see it and connect it to a customer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask

from onboarding.model import GRANT_KEPT
from tests.admin.operator import PASSWORD, Operator
from tests.admin.test_attempts import rows
from tests.aging import Database, pass_time
from tests.api.host import KEY, Host
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Page, Person
from tests.web.test_direct_install import add, claim
from tests.witness import Witness

ATTEMPTS = "/admin/attempts"


@pytest.fixture
def app(make_app: Callable[..., Flask], witness: Witness) -> Flask:
    witness.secrets |= {PASSWORD, KEY}
    return make_app(ADMIN_PASSWORD=PASSWORD, API_KEYS=KEY, DIRECT_INSTALL="1")


@pytest.fixture
def place(person: Person, slack: LocalSlack, witness: Witness) -> str:
    """The customer's page of an attempt that nobody has claimed yet."""
    return add(person, slack, witness)


def give(operator: Operator, place: str, **fields: str) -> Page:
    """Send the form that connects it to a customer."""
    return operator.submit(f"/admin{place}", f"/admin{place}/claim", **fields)


def bundle(page: Page) -> dict[str, object]:
    found = re.search(r'<textarea id="bundle"[^>]*>(.*?)</textarea>', page.source, re.DOTALL)
    assert found
    known: dict[str, object] = json.loads(unescape(found[1]))
    return known


def test_it_is_listed_by_its_status_and_named_by_its_workspace(operator: Operator, place: str, link: str) -> None:
    [row] = rows(operator.open(f"{ATTEMPTS}?status=unclaimed"))
    assert "somebody without a link" in row
    assert "Unclaimed" in row
    assert "Acme HQ" in row
    assert rows(operator.open(f"{ATTEMPTS}?status=connected")) == []
    assert "1 attempt, newest first" in operator.open(ATTEMPTS).text


def test_its_page_knows_the_workspace_and_no_customer(operator: Operator, place: str) -> None:
    page = operator.open(f"/admin{place}")
    assert page.heading == "somebody without a link"
    assert "Somebody added the app to Acme HQ in Slack without a link" in page.text
    assert "None: begun in Slack" in page.text
    assert "Everything about this customer" not in page.text
    assert "Revoke this link" not in page.text
    assert bundle(page)["link"] is None
    assert operator.submit(f"/admin{place}", f"/admin{place}/link").status == 404


def test_the_export_has_no_invented_owner(operator: Operator, place: str) -> None:
    [_, line] = operator.open("/admin/attempts.csv").source.splitlines()
    assert '"unclaimed"' in line
    assert '"Acme HQ"' in line
    assert "direct" not in line


def test_an_operator_connects_it_to_a_customer(
    operator: Operator, person: Person, place: str, novu: LocalNovu, slack: LocalSlack
) -> None:
    page = operator.follow(give(operator, place, subscriber="subscriber-123", account="Acme Inc."))
    assert "Given to Acme Inc.: connected." in page.text
    assert "Connected by an operator" in page.text
    [connection] = novu.state.connections
    assert connection.subscriber_id == "subscriber-123"
    assert connection.auth["accessToken"] == slack.state.grants[0].token
    assert person.open(place).heading == "Acme HQ is connected"
    assert person.open(f"{place}/destination").status == 200
    [entry, *_] = rows(operator.open("/admin/audit"))
    assert "Connected an unclaimed install" in entry
    assert "for subscriber-123" in entry


def test_with_contexts_and_without_a_subscriber_too(operator: Operator, place: str, novu: LocalNovu) -> None:
    give(operator, place, context="tenant=org-1", shared="on")
    [connection] = novu.state.connections
    assert connection.subscriber_id is None
    assert list(connection.context_keys) == ["tenant:org-1"]


def test_what_is_wrong_with_the_form_is_said_and_nothing_is_connected(
    operator: Operator, place: str, ledger_db: Database
) -> None:
    page = give(operator, place, account="Acme Inc.")
    assert page.status == 400
    assert "subscriber is required" in page.text
    assert 'value="Acme Inc."' in page.source
    assert "Unclaimed" in operator.open(f"/admin{place}").text
    assert ledger_db.execute("SELECT FROM link").fetchall() == []


@pytest.mark.parametrize("is_late", [True, False])
def test_what_is_gone_cannot_be_connected_and_leaves_no_link(
    operator: Operator, person: Person, place: str, link: str, ledger_db: Database, is_late: bool
) -> None:
    field = operator.csrf_field(f"/admin{place}")
    if is_late:
        pass_time(ledger_db, GRANT_KEPT + timedelta(minutes=1))
    else:
        claim(person, link, place)
    form = {"csrf_token": field, "subscriber": "subscriber-123", "context": "tenant=other"}
    ledger_db.execute("DELETE FROM work WHERE kind = 'check'")
    page = operator.follow(operator.open(f"/admin{place}/claim", "POST", data=form))
    assert "It was not connected" in page.text
    assert ledger_db.execute("SELECT FROM link").fetchall() == []


def test_one_that_nobody_claimed_says_why_it_ended(operator: Operator, place: str, ledger_db: Database) -> None:
    pass_time(ledger_db, GRANT_KEPT + timedelta(minutes=1))
    [row] = rows(operator.open(f"{ATTEMPTS}?reason=not_claimed"))
    assert "Not claimed" in row
    assert "nobody connected it within seven days" in operator.open(f"/admin{place}").text


def test_hosts_list_them_by_status(app: Flask, witness: Witness, place: str) -> None:
    host = Host(app, witness)
    [found] = host.get("/v1/attempts", status="unclaimed").body["data"]
    assert found["status"] == "unclaimed"
    assert found["linkId"] is None
    assert found["subscriberId"] is None
    assert found["connection"] is None
    assert found["workspace"] == {"id": "T9TK3CUKW", "name": "Acme HQ"}
    assert host.get(f"/v1/attempts/{found['id']}").body == found
    assert host.get("/v1/attempts", status="pending").body["data"] == []
