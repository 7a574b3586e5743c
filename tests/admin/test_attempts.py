"""Operators find an attempt, see why it ended, and put it right."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.admin.operator import Operator
from tests.aging import Database, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Page, Person
from tests.test_delivery import attempt_id_of, until, worker


def rows(page: Page) -> list[str]:
    body = page.source.split("<tbody", 1)[-1].split("</tbody>")[0]
    return [html.unescape(re.sub(r"<[^>]+>", " ", row)) for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)]


def failed(person: Person, novu: LocalNovu, link: str) -> str:
    novu.suffer("unauthorized")
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    novu.suffer("none")
    return attempt_id


def test_the_list_shows_every_attempt_newest_first(operator: Operator, person: Person, mint: MintLink) -> None:
    person.install(mint(account="First"))
    person.install(mint(account="Second"), decision="cancel")
    page = operator.open("/admin/attempts")
    assert "2 attempts, newest first." in page.text
    first, second = rows(page)
    assert "Second" in first
    assert "Cancelled" in first
    assert "Chose Cancel" in first
    assert "First" in second
    assert "Connected" in second
    assert "Acme HQ" in second


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=connected", 1),
        ("status=failed", 1),
        ("status=waiting", 1),
        ("status=pending", 0),
        ("reason=novu_unauthorized", 1),
        ("subscriber=subscriber-123", 2),
        ("subscriber=nobody", 0),
        ("context=tenant:org-1", 1),
        ("workspace=T9TK3CUKW&status=connected", 1),
        ("integration=slack-prod", 2),
        ("from=2020-01-01", 2),
        ("from=2020-01-01&to=2020-01-02", 0),
        ("subscriber=%20subscriber-123%0A", 2),
        ("context=tenant:org-1%20", 1),
        ("workspace=%09T9TK3CUKW", 2),
        ("integration=%20slack-prod%20", 2),
        ("subscriber=%20", 2),
        ("subscriber=subscriber-123%00", 0),
        ("context=%00", 0),
        ("subscriber=%ED%A0%80", 0),
    ],
)
def test_each_filter(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu, query: str, found: int
) -> None:
    person.install(mint())
    failed(person, novu, mint(context={"tenant": "org-1"}))
    assert len(rows(operator.open(f"/admin/attempts?{query}"))) == found


@pytest.mark.parametrize(
    "query",
    [
        "status=nothing",
        "reason=<b>",
        "from=yesterday",
        "to=2026-02-30",
        "from=99999-01-01",
        "from=0001-01-01",
        "subscriber=" + "x" * 256,
        "after=x",
        "after=1.2",
        "after=" + "9" * 99,
    ],
)
def test_filters_that_make_no_sense_are_named(operator: Operator, person: Person, link: str, query: str) -> None:
    person.install(link)
    page = operator.open(f"/admin/attempts?{query}")
    assert page.status == 400
    assert "make no sense" in page.text
    assert rows(page) == []


@pytest.mark.parametrize("page", ["attempts", "connections", "links", "events", "audit"])
def test_fields_that_nobody_filled_in_do_not_stay_in_the_address(operator: Operator, page: str) -> None:
    answer = operator.open(f"/admin/{page}?status=&integration=slack%20prod&after=")
    assert (answer.status, answer.location) == (303, f"/admin/{page}?integration=slack+prod")
    assert operator.open(f"/admin/{page}?integration=").location == f"/admin/{page}"
    assert operator.open(f"/admin/{page}?integration=slack+prod").status == 200


@pytest.mark.parametrize("path", ["/admin/attempts", "/admin/attempts.csv"])
@pytest.mark.parametrize(
    "query",
    [
        "status=connected&status=failed",
        "after=",
        "unknown=1",
        "%00=%00",
        "status=%00",
        "reason=%ED%A0%80",
        "subscriber=%00",
        "context=%00",
        "workspace=T%00",
        "integration=%ED%A0%80",
        "from=%00",
        "after=%00",
        "subscriber=a&from=2020-01-01&to=2020-01-02&context=%00",
    ],
)
def test_odd_filters_do_no_harm(operator: Operator, path: str, query: str) -> None:
    assert operator.open(f"{path}?{query}").status in {200, 303, 400}


def test_a_day_holds_its_last_moment(operator: Operator, person: Person, link: str, ledger_db: Database) -> None:
    person.install(link)
    ledger_db.execute("UPDATE attempt SET started_at = '2026-03-01 23:59:59.999999+00'")
    assert len(rows(operator.open("/admin/attempts?from=2026-03-01&to=2026-03-01"))) == 1
    assert len(rows(operator.open("/admin/attempts?from=2026-03-02"))) == 0


def test_who_waits_for_an_approval_is_listed_and_what_to_do_is_said(
    operator: Operator, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    person.install(mint(context={"tenant": "org-1"}))
    waiting = person.open(person.come_back(mint(timedelta(hours=1)), outcome="not_permitted")).location
    assert '<option value="awaiting_approval">Awaiting approval</option>' in operator.open("/admin/attempts").source
    [row] = rows(operator.open("/admin/attempts?status=awaiting_approval"))
    assert "Awaiting approval" in row
    assert "Needs approval" in row
    page = operator.open(f"/admin{waiting}")
    assert "Usually an admin of the workspace has to approve it first." in page.text
    assert "Once it is approved, the same link works for anybody who has it." in page.text
    assert "Slack gave no grant yet." in page.text
    assert "Retry" not in page.text
    pass_time(ledger_db, timedelta(hours=1, minutes=1))
    assert rows(operator.open("/admin/attempts?status=awaiting_approval")) == []
    [row] = rows(operator.open("/admin/attempts?reason=approval_not_given"))
    assert "Expired" in row
    page = operator.open(f"/admin{waiting}")
    assert "Nobody finished before the link expired." in page.text
    assert "Slack gave no grant." in page.text


def test_an_approval_that_was_given_says_where_the_customer_is_connected(
    operator: Operator, person: Person, mint: MintLink
) -> None:
    waiting = person.open(person.come_back(mint(), outcome="not_permitted")).location
    person.install(mint())
    page = operator.open(f"/admin{waiting}")
    assert "Acme Inc. is connected to Acme HQ." in page.text
    assert "Slack did not let this person install the app" in page.text
    assert "What to do:" not in page.text


def test_a_connection_that_a_newer_one_replaced_says_so(operator: Operator, person: Person, mint: MintLink) -> None:
    older = person.open(person.come_back(mint())).location
    person.install(mint(), workspace="T0VMBRE11A")
    page = operator.open(f"/admin{older}")
    assert "was connected to Acme HQ, and to another workspace after that." in page.text
    [row] = rows(operator.open("/admin/attempts?reason=replaced"))
    assert "Replaced" in row
    assert len(rows(operator.open("/admin/attempts?status=connected"))) == 2


def test_pages_lead_to_older_attempts_and_back(operator: Operator, person: Person, mint: MintLink) -> None:
    for number in range(51):
        person.add_to_slack(mint(account=f"Customer {number}"))
    first = operator.open("/admin/attempts")
    assert len(rows(first)) == 50
    second = operator.open(first.link("Older"))
    [row] = rows(second)
    assert "Customer 0 " in row
    assert operator.open(second.link("Newest")).heading == "Attempts"


@pytest.mark.parametrize("text", ["Acme", "subscriber-123", "T9TK3CUKW"])
def test_a_search_that_names_one_thing_leads_there(operator: Operator, person: Person, link: str, text: str) -> None:
    person.install(link)
    page = operator.open(f"/admin/attempts?q={text}")
    if page.status == 200:
        assert "Which one do you mean?" in page.text
        page = operator.open(page.link("Acme HQ"))
    else:
        page = operator.follow(page)
    assert len(rows(page)) == 1


def test_a_support_code_leads_to_its_attempt(operator: Operator, person: Person, link: str) -> None:
    back = person.open(person.come_back(link))
    code = attempt_id_of(back.location)
    page = operator.follow(operator.open(f"/admin/attempts?q={code}"))
    assert page.heading == "Acme Inc."


def test_the_support_code_of_a_page_without_an_attempt_is_found(operator: Operator, person: Person) -> None:
    shown = person.open("/install/forged")
    code = shown.text.split("Support code ")[1]
    page = operator.open(f"/admin/attempts?q={code}")
    assert page.heading == "What this support code stands for"
    assert "We don't know this link" in page.text


def test_an_expired_link_is_named_by_its_support_code(operator: Operator, person: Person, mint: MintLink) -> None:
    link = mint()
    link_id = operator_revokes(operator, person, link)
    code = person.open(link).text.split("Support code ")[1]
    page = operator.open(f"/admin/attempts?q={code}")
    assert link_id in page.text
    assert "This link is no longer valid" in page.text


def operator_revokes(operator: Operator, person: Person, link: str) -> str:
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    bundle = json.loads(bundle_of(operator.open(f"/admin/attempts/{attempt_id}")))
    link_id = str(bundle["link"]["id"])
    operator.submit(f"/admin/attempts/{attempt_id}", f"/admin/links/{link_id}/revoke")
    return link_id


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "*", "%25", "[a-z]", "'\"", "x" * 200, "{{7*7}}", "%00", "\u202e", "../.."]
)
def test_a_search_for_anything_is_answered(operator: Operator, person: Person, link: str, text: str) -> None:
    person.install(link)
    page = operator.open(f"/admin/attempts?q={text}")
    assert page.status == 200
    assert "No results for" in page.text
    assert "<script>alert" not in page.source


def test_a_search_of_ten_kilobytes_is_too_long(operator: Operator) -> None:
    page = operator.open("/admin/attempts?q=" + "x" * 10_000)
    assert page.status == 400
    assert "at most 200 characters" in page.text


def test_markup_in_names_stays_text(operator: Operator, person: Person, mint: MintLink) -> None:
    person.install(mint(account="<img src=x onerror=alert(1)>"))
    page = operator.open("/admin/attempts")
    assert "<img" not in page.source
    assert "<img src=x onerror=alert(1)>" in rows(page)[0]


def test_the_detail_tells_the_story(operator: Operator, person: Person, link: str) -> None:
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    page = operator.open(f"/admin/attempts/{attempt_id}")
    assert "Acme Inc. is connected to Acme HQ." in page.text
    for event in ("Pressed Add to Slack", "Came back from Slack", "Slack granted access", "Novu has the connection"):
        assert event in page.text
    assert page.link("Acme HQ") == "/admin/attempts?workspace=T9TK3CUKW"
    assert "Retry" not in page.text


def test_a_failure_says_why_and_what_to_do_and_can_be_retried(
    operator: Operator, person: Person, novu: LocalNovu, link: str
) -> None:
    attempt_id = failed(person, novu, link)
    place = f"/admin/attempts/{attempt_id}"
    page = operator.open(place)
    assert "Novu does not accept NOVU_SECRET_KEY. The grant is kept sealed." in page.text
    assert "What to do:" in page.text
    assert "401: " in page.text
    page = operator.do(place, f"{place}/retry")
    assert "Retried: connected." in page.text
    assert "Somebody pressed Retry" in page.text
    assert len(novu.state.connections) == 1


def test_a_retry_that_fails_again_says_so(operator: Operator, person: Person, novu: LocalNovu, link: str) -> None:
    attempt_id = failed(person, novu, link)
    novu.suffer("rejected")
    page = operator.do(f"/admin/attempts/{attempt_id}", f"/admin/attempts/{attempt_id}/retry")
    assert "Retried: it failed again. Novu refused" in page.text
    assert "Novu refused the connection" in page.text


def test_a_customer_need_not_wait_for_the_next_try(
    operator: Operator, person: Person, novu: LocalNovu, link: str
) -> None:
    novu.suffer("down")
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    place = f"/admin/attempts/{attempt_id}"
    page = operator.do(place, f"{place}/retry")
    assert "Retried: not there yet." in page.text
    assert "the service keeps trying for a day" in page.text
    novu.suffer("none")
    assert "Retried: connected." in operator.do(place, f"{place}/retry").text
    assert len(novu.state.connections) == 1


def test_an_unknown_attempt_is_not_retried(operator: Operator) -> None:
    assert operator.submit("/admin", f"/admin/attempts/{'a' * 22}/retry").status == 404


@pytest.mark.parametrize("outcome", ["server_error", "user_only"])
def test_without_a_grant_there_is_no_button(operator: Operator, person: Person, link: str, outcome: str) -> None:
    attempt_id = attempt_id_of(person.open(person.come_back(link, outcome=outcome)).location)
    place = f"/admin/attempts/{attempt_id}"
    assert "Retry" not in operator.open(place).text
    assert "nothing to retry: its grant is gone" in operator.do(place, f"{place}/retry").text


def test_everything_that_waits_is_retried_at_once(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu, env: dict[str, str], tmp_path: Path
) -> None:
    for number in range(3):
        failed(person, novu, mint(context={"tenant": f"org-{number}"}))
    place = "/admin/attempts?status=waiting"
    assert "Retry all of these" not in operator.open("/admin/attempts").text
    page = operator.do(place, "/admin/attempts/retry")
    assert "Retrying 3 attempts…" in page.text
    with worker(env, tmp_path / "log"):
        until(lambda: len(novu.state.connections) == 3, 10)
    assert rows(operator.open(place)) == []


def test_a_link_that_nobody_used_is_found_too(operator: Operator) -> None:
    operator.submit("/admin/links", "/admin/links", subscriber="globex-1", account="Globex Corp")
    for text in ("globex-1", "corp", "GLOBEX C"):
        page = operator.open(f"/admin/attempts?q={text}")
        assert "These links were created here:" in page.text
        assert "Link for Globex Corp" in operator.open(page.link("Globex Corp")).text
    assert "No results for" in operator.open("/admin/attempts?q=orp").text


def test_what_is_connected_cannot_be_retried(operator: Operator, person: Person, link: str) -> None:
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    page = operator.do(f"/admin/attempts/{attempt_id}", f"/admin/attempts/{attempt_id}/retry")
    assert "There is nothing to retry: it is connected." in page.text


@pytest.mark.parametrize("attempt_id", ["a" * 22, "x", "%00", "..%2f..", "é"])
def test_an_unknown_attempt_is_not_found(operator: Operator, attempt_id: str) -> None:
    assert operator.open(f"/admin/attempts/{attempt_id}").status == 404


def test_a_new_link_is_for_the_same_customer(operator: Operator, person: Person, mint: MintLink) -> None:
    old = mint(
        account="Globex", context={"tenant": {"id": "org-1", "data": {"plan": "pro"}}}, returnUrl="https://a.example/b"
    )
    attempt_id = attempt_id_of(person.open(person.come_back(old)).location)
    page = operator.do(f"/admin/attempts/{attempt_id}", f"/admin/attempts/{attempt_id}/link")
    url = re.search(r"<textarea[^>]*>(.*?)</textarea>", page.source)
    assert url
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/install/[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{27}", url[1])
    landing = person.open(url[1].removeprefix("http://127.0.0.1:8000"))
    assert landing.heading == "Globex is connected to Acme HQ"
    assert landing.link("Back to Sprocket") == "https://a.example/b"


def test_the_support_bundle_holds_nothing_to_be_careful_with(
    operator: Operator, person: Person, mint: MintLink, slack: LocalSlack
) -> None:
    link = mint(
        returnUrl="https://a.example/b?session=private", context={"tenant": {"id": "o", "data": {"card": "4111"}}}
    )
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    bundle = bundle_of(operator.open(f"/admin/attempts/{attempt_id}"))
    assert json.loads(bundle)["attempt"] == attempt_id
    for careful in ("private", "4111", *slack.secrets()):
        assert careful not in bundle


def bundle_of(page: Page) -> str:
    found = re.search(r'<textarea id="bundle"[^>]*>(.*?)</textarea>', page.source, re.DOTALL)
    assert found
    return html.unescape(found[1])
