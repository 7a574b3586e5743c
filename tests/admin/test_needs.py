"""What needs an operator: failed installs by cause, what nobody claimed, and what keeps failing just now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from onboarding.wiring import Wiring
from tests.admin.operator import PASSWORD, Operator
from tests.admin.test_attempts import failed, rows
from tests.admin.test_overview import part
from tests.aging import Database
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.hosting import NEW, Host, hosting
from tests.person import Page, Person
from tests.witness import Witness

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


def test_of_many_causes_the_most_frequent_are_shown_and_the_others_folded(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    reasons = ["novu_unauthorized", "novu_unauthorized", "integration_not_found", "subscriber_not_found"]
    for number, reason in enumerate([*reasons, "identifier_taken", "novu_rejected", "novu_unreachable", "grant_lost"]):
        attempt_id = failed(person, novu, mint(context={"tenant": str(number)}))
        ledger_db.execute("UPDATE attempt SET reason = %s WHERE id = %s", [reason, attempt_id])
    shown, _, folded = operator.open("/admin").text.partition("2 more causes")
    assert "Novu key wrong · 2 installs" in shown
    assert shown.count("· 1 install ") == 4
    assert folded.count("· 1 install ") == 2
    assert "Retry 1 Subscriber unknown" in folded


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


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


@pytest.fixture
def told(make_app: Callable[..., Flask], host: Host) -> Flask:
    """The service, and a host that is told of everything."""
    return make_app(ADMIN_PASSWORD=PASSWORD, WEBHOOK_URL=host.url, WEBHOOK_SECRETS=NEW)


def tell(wiring: Wiring, ledger_db: Database) -> None:
    """Try every event that is on its way once, as a worker does."""
    for row in ledger_db.execute("SELECT id FROM event WHERE status = 'pending'").fetchall():
        wiring.notify.deliver(row["id"])


def health(page: Page) -> str:
    """The tone of the whole, which is that of its worst part."""
    found = re.search(r'<h2 id="health" class="(\w+)">', page.source)
    assert found
    return found[1]


def test_events_are_amber_while_the_host_does_not_take_them(
    told: Flask, host: Host, slack: LocalSlack, witness: Witness, mint: MintLink, ledger_db: Database
) -> None:
    operator, wiring = Operator(told, slack, witness), told.extensions["onboarding"]
    operator.sign_in()
    wiring.ledger.work.beat("a worker")
    for tenant in ("org-1", "org-2"):
        Person(told, slack, witness).install(mint(context={"tenant": tenant}, destination="none"))
    page = operator.open("/admin")
    assert "Your product did not accept" not in page.text, "nothing was tried yet"
    assert health(page) == "good"

    host.answers = [(500, {}), (503, {})]
    tell(wiring, ledger_db)
    assert part(operator, "Events") == (
        "▲ failing Your product did not accept 2 events in the last 15 minutes. Delivery is tried again, less and less "
        "often."
    )
    assert health(operator.open("/admin")) == "wait"

    tell_one = ledger_db.execute("SELECT id FROM event WHERE status = 'pending' ORDER BY at LIMIT 1").fetchone()
    assert tell_one
    wiring.notify.deliver(tell_one["id"])
    assert part(operator, "Events").startswith("▲ failing Your product did not accept 1 event in")

    older = (
        "UPDATE event SET deliveries = jsonb_set(deliveries, '{-1,0}', to_jsonb((deliveries -> -1 ->> 0)::float8 - %s))"
    )
    ledger_db.execute(f"{older} WHERE status = 'pending'", [14 * 60])
    assert part(operator, "Events").startswith("▲ failing Your product did not accept 1 event in")
    ledger_db.execute(f"{older} WHERE status = 'pending'", [2 * 60])
    page = operator.open("/admin")
    assert "Your product did not accept" not in page.text, "it failed longer than 15 minutes ago"
    assert health(page) == "good"


def test_an_event_that_arrives_makes_all_well_again(
    told: Flask, host: Host, slack: LocalSlack, witness: Witness, mint: MintLink, ledger_db: Database
) -> None:
    operator, wiring = Operator(told, slack, witness), told.extensions["onboarding"]
    operator.sign_in()
    wiring.ledger.work.beat("a worker")
    Person(told, slack, witness).install(mint(destination="none"))
    host.answers = [(500, {})]
    tell(wiring, ledger_db)
    assert health(operator.open("/admin")) == "wait"
    tell(wiring, ledger_db)
    assert host.types == ["connection.connected", "connection.connected"]
    page = operator.open("/admin")
    assert "Your product did not accept" not in page.text
    assert health(page) == "good"


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
