"""Whatever anybody does is written down, and can be taken along as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from onboarding.clock import utc_now
from onboarding.ledger.audit import Action, Entry
from onboarding.wiring import Wiring
from tests.admin.operator import PASSWORD, Operator
from tests.admin.test_attempts import failed, rows
from tests.aging import Database, pass_months, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalNovu
from tests.person import Person


def table(operator: Operator, path: str) -> list[list[str]]:
    page = operator.open(path)
    assert page.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert page.headers["Content-Disposition"].startswith("attachment; filename=")
    assert page.source.startswith("\ufeff"), "Excel takes it for another encoding"
    return list(csv.reader(io.StringIO(page.source.removeprefix("\ufeff"), newline="")))


def test_everything_an_operator_does_is_written_down(
    operator: Operator, person: Person, novu: LocalNovu, link: str
) -> None:
    attempt_id = failed(person, novu, link)
    operator.submit(f"/admin/attempts/{attempt_id}", f"/admin/attempts/{attempt_id}/retry")
    place = f"/admin/connections/{novu.state.connections[0].identifier}"
    operator.submit(place, place, action="rename", name="New name")
    operator.submit(place, place, action="verify")
    operator.submit(place, place, action="disconnect", revoke="on")
    page = operator.do("/admin/links", "/admin/links", subscriber="subscriber-123")
    link_id = page.source.split("/revoke")[0].rsplit("/", 1)[1]
    operator.submit("/admin/links", f"/admin/links/{link_id}/revoke")
    operator.open("/admin/attempts.csv")
    operator.submit("/admin", "/admin/sign-out")
    operator.sign_in("wrong")
    operator.sign_in()
    found = [" ".join(row.split()) for row in rows(operator.open("/admin/audit"))]
    expected = [
        "Signed in Operator password",
        "Sign-in failed Somebody wrong password",
        "Signed out Operator",
        "Exported Operator attempts",
        f"Revoked a link Operator {link_id}",
        f"Created a link Operator {link_id} for subscriber-123",
        f"Disconnected Operator {place.rsplit('/', 1)[1]} Slack: the token was revoked.",
        "Verified a connection Operator",
        "Renamed a connection Operator",
        f"Retried an attempt Operator {attempt_id} Retried: connected.",
        "Signed in Operator password",
    ]
    assert len(found) == len(expected)
    for row, beginning in zip(found, expected, strict=True):
        assert row.startswith(beginning)
        assert row.endswith("127.0.0.1")


def test_the_audit_is_kept_for_ninety_days(operator: Operator, ledger_db: Database) -> None:
    pass_time(ledger_db, timedelta(days=2))
    operator.open("/admin/audit.csv")
    pass_time(ledger_db, timedelta(days=87, hours=23))
    assert len(rows(operator.open("/admin/audit"))) == 2
    pass_time(ledger_db, timedelta(hours=2))
    [row] = rows(operator.open("/admin/audit"))
    assert "Exported" in row


@pytest.mark.parametrize(("ago", "is_kept"), [(3, True), (5, False)])
def test_a_month_of_the_audit_stays_until_ninety_days_after_its_end(
    operator: Operator, wiring: Wiring, ledger_db: Database, ago: int, is_kept: bool
) -> None:
    pass_months(ledger_db, ago)
    while wiring.ledger.months.drop("audit"):
        pass
    assert bool(ledger_db.execute("SELECT FROM audit").rowcount) is is_kept


def test_what_cannot_be_stored_is_written_down_as_far_as_it_can(operator: Operator, wiring: Wiring) -> None:
    entry = Entry(utc_now(), "a\0b", Action.REVOKED, "\ud800" * 400, "x\udfff", "\0")
    wiring.ledger.audit.add(entry)
    [kept, *_] = wiring.ledger.audit.read(10).entries
    assert (kept.actor, kept.target, kept.outcome, kept.address) == ("a\ufffdb", "\ufffd" * 300, "x\ufffd", "\ufffd")
    assert operator.open("/admin/audit").status == 200


def test_pages_lead_through_the_audit(operator: Operator) -> None:
    for _ in range(51):
        operator.open("/admin/audit.csv")
    first = operator.open("/admin/audit")
    assert len(rows(first)) == 50
    assert len(rows(operator.open(first.link("Older")))) == 2


@pytest.mark.parametrize("after", ["x", "-", "-1", "0", "01", "1.5", "1%0A", "%00", "1-1", "*", "9" * 19, "9" * 99])
def test_a_place_that_is_not_ours_is_refused(operator: Operator, after: str) -> None:
    assert operator.open(f"/admin/audit?after={after}").status == 400


@pytest.mark.parametrize(("after", "found"), [("1", 0), ("9" * 18, 1)])
def test_the_audit_goes_on_from_any_place_that_could_be(operator: Operator, after: str, found: int) -> None:
    page = operator.open(f"/admin/audit?after={after}")
    assert (page.status, len(rows(page))) == (200, found)


def test_attempts_come_as_a_table_with_the_filters_of_the_page(
    operator: Operator, person: Person, mint: MintLink
) -> None:
    person.install(mint(account="Überflieger AG"))
    person.install(mint(), decision="cancel")
    header, *lines = table(operator, "/admin/attempts.csv")
    assert header[:4] == ["attempt", "startedAt", "status", "reason"]
    assert [line[2] for line in lines] == ["cancelled", "connected"]
    assert lines[1][5] == "Überflieger AG"
    assert len(table(operator, "/admin/attempts.csv?status=connected")) == 2
    assert operator.open("/admin/attempts.csv?status=nothing").status == 400


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "＝1+1", '"=1+1', '=HYPERLINK("http://evil.example")', 'a,b"c']
)
def test_no_cell_begins_like_a_formula(operator: Operator, person: Person, mint: MintLink, name: str) -> None:
    person.add_to_slack(mint(account=name))
    [_, line] = table(operator, "/admin/attempts.csv")
    cell = line[5]
    assert cell in {name, f"'{name}", f"'{name.strip()}"}
    assert not cell.lstrip(' "').startswith(("=", "+", "-", "@", "＝")) or name.startswith('"')
    raw = operator.open("/admin/attempts.csv").source.splitlines()[1]
    assert not any(part.lstrip().startswith(("=", "+", "-", "@")) for part in raw.strip('"').split('","') if part)


def test_an_export_is_longer_than_a_page(operator: Operator, wiring: Wiring) -> None:
    link = wiring.links.mint({"subscriberId": "subscriber-123"}, None, wiring.clock())
    for number in range(540):
        wiring.ledger.attempts.start(f"{number:022}", link, "a browser")
    assert len(table(operator, "/admin/attempts.csv")) == 541


def test_a_viewer_of_another_service_cannot_export(make_app: Callable[..., Flask], operator: Operator) -> None:
    operator.move_to(make_app(ADMIN_PASSWORD=f"not {PASSWORD}"))
    assert operator.open("/admin/audit.csv").status == 303
