"""Links created, shown and revoked on the status page."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from tests.admin.operator import PASSWORD, Operator
from tests.admin.test_attempts import rows
from tests.aging import Database, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalSlack
from tests.person import Page, Person

LINKS = "/admin/links"


def url_of(page: Page) -> str:
    found = re.search(r'<textarea id="url"[^>]*>(.*?)</textarea>', page.source)
    assert found, page.text
    return html.unescape(found[1]).removeprefix("http://127.0.0.1:8000")


def test_a_link_is_created_and_works(operator: Operator, person: Person) -> None:
    page = operator.do(LINKS, LINKS, subscriber="subscriber-123", account="Acme Inc.", lasts="2", unit="hours")
    assert "The link is ready." in page.text
    [row] = rows(page)
    assert "Acme Inc." in row
    assert "Operator" in row
    landing = person.open(url_of(page))
    assert landing.heading == "Connect Acme Inc. to Slack"
    assert "another 2 hours" in landing.text


def test_its_address_is_short(operator: Operator) -> None:
    page = operator.do(LINKS, LINKS, subscriber="subscriber-123", context="tenant=org-1", account="x" * 200)
    assert re.fullmatch(r"/install/[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{27}", url_of(page))


def test_a_link_that_has_expired_says_so(operator: Operator, ledger_db: Database) -> None:
    made = operator.submit(LINKS, LINKS, subscriber="subscriber-123", lasts="2", unit="hours").location
    assert "Works until" in operator.open(made).text
    pass_time(ledger_db, timedelta(hours=2))
    page = operator.open(made)
    assert "It has expired." in page.text
    assert '<textarea id="url"' not in page.source
    assert "Expired" in rows(page)[0]


def test_a_shorter_longest_life_is_seen_in_the_list(
    operator: Operator, make_app: Callable[..., Flask], ledger_db: Database
) -> None:
    made = operator.submit(LINKS, LINKS, subscriber="subscriber-123").location
    pass_time(ledger_db, timedelta(hours=2))
    assert "Active" in rows(operator.open(made))[0]
    operator.move_to(make_app(ADMIN_PASSWORD=PASSWORD, LINK_MAX_AGE="3600"))
    page = operator.open(made)
    assert "It has expired." in page.text
    assert "Expired" in rows(page)[0]


def test_a_shared_link_is_created_from_contexts(operator: Operator, person: Person) -> None:
    page = operator.do(LINKS, LINKS, context="tenant=org-1\r\nregion = eu", shared="on", account="Everyone")
    assert person.install(url_of(page)).heading == "Acme HQ is connected"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "subscriber is required"),
        ({"shared": "on"}, "context is required"),
        ({"subscriber": "x" * 300}, "subscriber must be 1 to 255"),
        ({"subscriber": "x", "context": "tenant"}, "context ids must be"),
        ({"subscriber": "x", "context": "a=b\na=c"}, "context names one type twice"),
        (
            {"subscriber": "x", "context": "\n".join(f"t{n}=x" for n in range(6))},
            "context must be an object with 1 to 5",
        ),
        ({"subscriber": "x", "return_url": "javascript:alert(1)"}, "return url must be an https URL"),
        ({"subscriber": "x", "lasts": "soon"}, "lasts must be a whole number"),
        ({"subscriber": "x", "lasts": "99", "unit": "days"}, "lasts must be at most"),
        ({"subscriber": "x", "lasts": "1", "unit": "years"}, "lasts must be a whole number"),
        ({"subscriber": "x", "account": "y" * 201}, "account must be"),
        ({"subscriber": "x\0"}, "subscriber must be"),
        ({"subscriber": "x", "context": "tenant=a\0"}, "context ids must be"),
        ({"subscriber": "x", "integration": "\0"}, "integration must be"),
        ({"subscriber": "x", "lasts": "1\0"}, "lasts must be a whole number"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(operator: Operator, fields: dict[str, str], named: str) -> None:
    page = operator.submit(LINKS, LINKS, **fields)
    assert page.status == 400
    assert named in page.text
    for value in fields.values():
        assert html.escape(value, quote=True)[:50] in page.source or value in {"on", "years", "days"} or "\n" in value
    assert "No links were created here yet." in page.text


def test_names_with_markup_and_formulas_stay_text(operator: Operator) -> None:
    page = operator.do(LINKS, LINKS, subscriber="x", account='=cmd|"/c calc"!A1<script>')
    assert "<script>" not in page.source.replace("<script src=", "")
    assert '=cmd|"/c calc"!A1<script>' in rows(page)[0]


def test_a_revoked_link_is_gone(operator: Operator, person: Person) -> None:
    page = operator.do(LINKS, LINKS, subscriber="subscriber-123")
    url = url_of(page)
    started = person.come_back(url)
    link_id = page.source.split("/revoke")[0].rsplit("/", 1)[1]
    field = operator.csrf_field(LINKS)
    page = operator.do(LINKS, f"{LINKS}/{link_id}/revoke")
    assert "The link was revoked" in page.text
    assert "Revoked" in rows(page)[0]
    for answer in (person.open(url), person.open(started), person.open(url, "POST", data={"csrf_token": field})):
        assert answer.status in {410, 400}
    assert person.open(url).heading == person.open(started).heading == "This link is no longer valid"


def test_a_start_on_the_page_of_a_link_revoked_meanwhile_is_refused(operator: Operator, person: Person) -> None:
    page = operator.do(LINKS, LINKS, subscriber="subscriber-123")
    url = url_of(page)
    field = re.search(r'name="csrf_token" value="([^"]+)"', person.open(url).source)
    assert field
    operator.submit(LINKS, f"{LINKS}/{page.source.split('/revoke')[0].rsplit('/', 1)[1]}/revoke")
    assert person.open(url, "POST", data={"csrf_token": field[1]}).status == 410


def test_a_revoked_link_redeems_nothing(operator: Operator, person: Person, slack: LocalSlack) -> None:
    page = operator.do(LINKS, LINKS, subscriber="subscriber-123")
    back = person.come_back(url_of(page))
    operator.submit(LINKS, f"{LINKS}/{page.source.split('/revoke')[0].rsplit('/', 1)[1]}/revoke")
    person.open(back)
    assert slack.state.redeem_count == 0


def test_links_made_elsewhere_can_be_revoked_too(operator: Operator, person: Person, mint: MintLink) -> None:
    link = mint()
    person.add_to_slack(link)
    place = operator.open("/admin/attempts").link("Acme Inc.")
    found = re.search(r"Link id.*?<code>(.{22})</code>", operator.open(place).source, re.DOTALL)
    assert found
    operator.submit(LINKS, f"{LINKS}/{found[1]}/revoke")
    assert person.open(link).status == 410


@pytest.mark.parametrize("link_id", ["x", "a" * 23, "%00" * 22, "é" * 22])
def test_what_is_no_link_id_is_not_found(operator: Operator, link_id: str) -> None:
    assert operator.submit(LINKS, f"{LINKS}/{link_id}/revoke").status == 404


def test_the_list_goes_on_page_by_page(operator: Operator) -> None:
    field = operator.csrf_field(LINKS)
    for number in range(51):
        operator.open(LINKS, "POST", data={"csrf_token": field, "subscriber": f"s-{number}"})
    first = operator.open(LINKS)
    assert len(rows(first)) == 50
    assert "s-50" in rows(first)[0]
    [last] = rows(operator.open(first.link("Older")))
    assert "s-0" in last
    assert operator.open(f"{LINKS}?after=garbage&link=%00").status == 200
