"""How things are, at a glance."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from onboarding.wiring import Wiring
from tests.admin.operator import PASSWORD, Operator
from tests.admin.test_attempts import failed, rows
from tests.aging import Database, make_due
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Page, Person
from tests.test_delivery import until, worker
from tests.witness import Witness


def numbers(page: Page) -> dict[str, int]:
    found = re.findall(r"<strong>(\d+)</strong> <span>([a-z ]+)</span>", page.source)
    return {label: int(number) for number, label in found}


def part(operator: Operator, name: str) -> str:
    """What the overview says of one part of the service: among those that are well, or among the problems."""
    source = operator.open("/admin").source
    found = re.search(rf"<dt>{name}</dt><dd>(.*?)</dd>|<li>(<span[^>]*>✓</span> {name} .*?)</li>", source, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[1] or found[2].replace(f" {name} ", " ")).split())


def test_the_numbers_lead_to_their_attempts(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu
) -> None:
    person.install(mint())
    person.install(mint(context={"tenant": "org-1"}), outcome="not_permitted")
    failed(person, novu, mint())
    novu.suffer("down")
    person.open(person.come_back(mint()))
    page = operator.open("/admin")
    assert numbers(page) == {
        "connected": 1,
        "finishing": 1,
        "awaiting approval": 1,
        "failed": 1,
        "need action": 1,
    }
    for label, number in numbers(page).items():
        assert len(rows(operator.open(page.link(f"{number} {label}")))) == number


def test_the_funnel_counts_how_far_people_got(operator: Operator, person: Person, mint: MintLink) -> None:
    person.install(mint())
    person.install(mint(), decision="cancel")
    person.add_to_slack(mint())
    page = operator.open("/admin")
    assert (
        "Started 3 −1 on their way Came back 2 · 67% −1 Chose Cancel Slack allowed 1 · 33% Connected 1 · 33%"
        in page.text
    )
    assert len(rows(operator.open(page.link("Chose Cancel")))) == 1


def test_a_week_is_counted_apart(operator: Operator, person: Person, mint: MintLink, ledger_db: Database) -> None:
    person.install(mint())
    ledger_db.execute("UPDATE tally_mark SET day = day - 10 WHERE day IS NOT NULL")
    person.install(mint(), decision="cancel")
    assert "Started 2 " in operator.open("/admin").text
    page = operator.open(operator.open("/admin").link("7 days"))
    assert "Started 1 " in page.text
    assert "Connected 0 · 0%" in page.text


def test_an_empty_service_has_an_overview_too(operator: Operator) -> None:
    page = operator.open("/admin")
    assert numbers(page) == {}
    assert "Three steps to the first connection" in page.text
    assert "need you" not in page.text


def test_health_is_told_in_words(operator: Operator, env: dict[str, str], tmp_path: Path) -> None:
    for name in ("PostgreSQL", "Redis", "Slack", "Novu"):
        assert part(operator, name) == "✓ working"
    assert part(operator, "Workers").startswith("! none Nothing is delivered after the first try.")
    assert "1 problem" in operator.open("/admin").text
    with worker(env, tmp_path / "log"):
        until(lambda: part(operator, "Workers") == "✓ 1 running", 10)
        assert "All systems working" in operator.open("/admin").text


def test_what_is_wrong_with_slack_and_novu_is_named(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness
) -> None:
    wrong = {"SLACK_CLIENT_SECRET": "wrong", "NOVU_SECRET_KEY": "wrong-key", "ADMIN_PASSWORD": PASSWORD}
    operator = Operator(make_app(**wrong), slack, witness)
    operator.sign_in()
    page = operator.open("/admin")
    assert "SLACK_CLIENT_SECRET: Slack says bad_client_secret" in page.text
    assert "NOVU_SECRET_KEY: Novu does not answer as it should" in page.text


def test_slack_and_novu_are_not_asked_at_every_look(operator: Operator, slack: LocalSlack) -> None:
    operator.open("/admin")
    asked = slack.state.redeem_count
    operator.open("/admin")
    assert slack.state.redeem_count == asked


def test_work_that_is_due_is_counted(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    assert part(operator, "Queue") == "✓ empty"
    novu.suffer("down")
    person.open(person.come_back(mint()))
    assert part(operator, "Queue").startswith("✓ empty The oldest attempt on its way to Novu was started")
    make_due(ledger_db)
    assert part(operator, "Queue").startswith("! 1 delivery due The oldest was due ")
    person.open(person.come_back(mint(subscriberId="subscriber-123", context={"tenant": "org-1"})))
    make_due(ledger_db)
    assert part(operator, "Queue").startswith("! 2 deliveries due")


def test_work_that_is_due_is_nothing_to_worry_about_if_workers_are_there_and_it_is_not_late(
    operator: Operator, person: Person, link: str, novu: LocalNovu, wiring: Wiring, ledger_db: Database
) -> None:
    novu.suffer("down")
    person.open(person.come_back(link))
    make_due(ledger_db)
    wiring.ledger.work.beat("a worker")
    assert part(operator, "Queue").startswith("✓ 1 delivery due")
    ledger_db.execute("UPDATE work SET due_at = now() - interval '6 minutes' WHERE kind = 'deliver'")
    assert part(operator, "Queue").startswith("! 1 delivery due The oldest was due 6 minutes ago.")


def test_work_that_is_stuck_is_shown_with_the_way_to_put_it_right(
    operator: Operator, person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("down")
    outcome = person.open(person.come_back(link)).location
    novu.suffer("none")
    ledger_db.execute("UPDATE work SET tries = 3, last_error = 'ValueError' WHERE kind = 'deliver'")
    assert "stuck" not in part(operator, "Queue")
    ledger_db.execute("UPDATE work SET tries = 4 WHERE kind = 'deliver'")
    page = operator.open("/admin")
    assert "Queue ! stuck Look for “job failed” in the worker's log" in page.text
    assert "Delivery for Acme Inc. started 4 times and never finished: ValueError." in page.text
    place = page.link("Delivery for Acme Inc.")
    assert place == f"/admin{outcome}"
    assert "Retried: connected." in operator.do(place, f"{place}/retry").text
    assert part(operator, "Queue") == "✓ empty"


def test_work_of_a_customer_that_is_stuck_leads_to_the_connection(
    operator: Operator, person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    person.install(link)
    [connection] = novu.state.connections
    ledger_db.execute(
        "INSERT INTO work (kind, subject, tries, last_error) VALUES"
        " ('destination', %(owner)s, 6, 'no answer: no_connection'), ('disconnect', %(owner)s, 5, 'timed_out'),"
        " ('disconnect', 'somebody-gone', 4, NULL)",
        {"owner": connection.identifier},
    )
    page = operator.open("/admin")
    told = "Where notifications for Acme Inc. go"
    assert f"{told} started 6 times and never finished: no answer: no_connection." in page.text
    assert "Disconnecting Acme Inc. started 5 times and never finished: timed_out." in page.text
    assert "Disconnecting a customer started 4 times" in page.text
    assert page.link(told) == page.link("Disconnecting Acme Inc.") == f"/admin/connections/{connection.identifier}"


def test_work_that_belongs_to_no_attempt_can_be_stuck_too(operator: Operator, ledger_db: Database) -> None:
    ledger_db.execute(
        "INSERT INTO work (kind, subject, tries, last_error)"
        " VALUES ('expire', '', 9, 'KeyError'), ('deliver', 'gone', 8, NULL), ('new kind', '', 7, NULL)"
    )
    page = operator.open("/admin")
    assert "Marking attempts as expired started 9 times and never finished: KeyError." in page.text
    assert "Delivery to Novu started 8 times and never finished: the worker ended before it could say why." in page.text
    assert "new kind started 7 times" in page.text


def test_numbers_that_nobody_counts_to_the_end_say_so(operator: Operator, ledger_db: Database) -> None:
    ledger_db.execute("INSERT INTO work (kind, subject) SELECT 'deliver', n::text FROM generate_series(1, 1001) n")
    assert "1000 or more deliveries due" in operator.open("/admin").text
