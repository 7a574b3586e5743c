"""What needs an operator: failed installs by cause, what nobody claimed, and what keeps failing just now."""

from __future__ import annotations

from tests.admin.operator import Operator
from tests.admin.test_attempts import failed, rows
from tests.admin.test_overview import part
from tests.aging import Database
from tests.conftest import MintLink
from tests.fakes import LocalNovu
from tests.person import Person

LINKS = "/admin/links"


def test_installs_that_need_somebody_are_grouped_by_cause(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    for account in ("Globex", "Initech", "Hooli"):
        failed(person, novu, mint(account=account, context={"tenant": account}))
    ledger_db.execute("UPDATE attempt SET reason = 'subscriber_not_found' WHERE context_keys = '{tenant:Hooli}'")
    page = operator.open("/admin")
    assert "3 installs need you" in page.text
    assert "Novu key wrong · 2 installs Initech, Globex Check it with" in page.text
    assert "Subscriber unknown · 1 install Hooli Create the subscriber at Novu" in page.text
    assert len(rows(operator.open(page.link("View Novu key wrong")))) == 2
    page = operator.do("/admin", "/admin/attempts/retry", reason="novu_unauthorized")
    assert "Retrying 2 attempts…" in page.text
    assert len(rows(page)) == 2
    assert "1 install needs you" in operator.open("/admin").text


def test_a_cause_that_is_none_retries_nothing(operator: Operator, person: Person, link: str, novu: LocalNovu) -> None:
    failed(person, novu, link)
    assert operator.submit("/admin", "/admin/attempts/retry", reason="nonsense").status == 400
    assert "1 install needs you" in operator.open("/admin").text


def test_novu_is_amber_while_deliveries_fail(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    assert part(operator, "Novu") == "✓ working"
    failed(person, novu, mint())
    novu.suffer("down")
    person.open(person.come_back(mint(context={"tenant": "org-1"})))
    novu.suffer("none")
    assert part(operator, "Novu") == "▲ failing 2 deliveries failed in the last 15 minutes."
    ledger_db.execute("UPDATE attempt SET sealed_until = sealed_until - interval '16 minutes' WHERE status = 'failed'")
    assert part(operator, "Novu") == "▲ failing 1 delivery failed in the last 15 minutes."


def test_whoever_does_not_answer_checks_is_amber(
    operator: Operator, person: Person, link: str, ledger_db: Database
) -> None:
    person.install(link)
    failing = "UPDATE work SET last_error = %s, due_at = now() + interval '5 minutes' WHERE kind = 'check'"
    ledger_db.execute(failing, ["Slack: timed_out"])
    assert part(operator, "Slack") == "▲ failing 1 check got no answer from Slack in the last 15 minutes."
    ledger_db.execute(failing, ["Novu: 503"])
    assert part(operator, "Slack") == "✓ working"
    assert part(operator, "Novu") == "▲ failing 1 check got no answer from Novu in the last 15 minutes."


def test_a_proxy_that_is_not_trusted_is_named(operator: Operator) -> None:
    forwarded = operator.open("/admin", headers={"X-Forwarded-For": "192.0.2.1"})
    assert "TRUSTED_PROXY_COUNT is 0" in forwarded.text
    assert "TRUSTED_PROXY_COUNT" not in operator.open("/admin").text


def test_the_same_form_twice_within_a_minute_makes_one_link(operator: Operator, ledger_db: Database) -> None:
    first = operator.submit(LINKS, LINKS, subscriber="subscriber-123").location
    assert operator.submit(LINKS, LINKS, subscriber="subscriber-123").location == first
    assert operator.submit(LINKS, LINKS, subscriber="subscriber-123", account="Acme").location != first
    operator.submit(LINKS, f"{LINKS}/{first.rpartition('=')[2]}/revoke")
    assert operator.submit(LINKS, LINKS, subscriber="subscriber-123").location != first
    assert len(ledger_db.execute("SELECT FROM link").fetchall()) == 3


def test_a_formula_behind_any_separator_stays_text(
    operator: Operator, person: Person, link: str, ledger_db: Database
) -> None:
    person.install(link)
    for separator in (";", "\t", ",", "\n", ';"', "; "):
        ledger_db.execute("UPDATE attempt SET workspace_name = %s", [f"a{separator}@SUM(A1)"])
        assert operator.open("/admin/attempts.csv").source.count("'@SUM(A1)") == 1, separator
