"""Problem pages that belong to no attempt are remembered by their support codes, within bounds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import Flask

from onboarding.ledger.problems import Problems
from onboarding.wiring import Wiring
from tests.aging import Database, pass_time
from tests.fakes import LocalSlack
from tests.person import Person
from tests.witness import Witness


def test_the_oldest_make_room(wiring: Wiring) -> None:
    kept = Problems(wiring.ledger.postgres, most=5)
    for number in range(8):
        kept.note(f"code-{number}", 404, str(number), "-", "")
    assert kept.forget() == 3
    assert [number for number in range(8) if kept.find(f"code-{number}")] == [3, 4, 5, 6, 7]


def test_nobody_rewrites_what_a_code_stands_for(
    make_app: Callable[..., Flask], wiring: Wiring, slack: LocalSlack, witness: Witness
) -> None:
    person = Person(make_app(TRUSTED_PROXY_COUNT="1"), slack, witness)
    code = person.open("/install/forged").headers["X-Request-ID"]
    person.open("/somewhere-else", headers={"X-Request-ID": code})
    found = wiring.ledger.problems.find(code)
    assert found
    assert found.heading == "We don't know this link"


def test_pages_of_problems_expire(wiring: Wiring, person: Person, ledger_db: Database) -> None:
    code = person.open("/nowhere").headers["X-Request-ID"]
    pass_time(ledger_db, timedelta(days=6, hours=23))
    assert wiring.ledger.problems.find(code)
    pass_time(ledger_db, timedelta(hours=2))
    assert wiring.ledger.problems.find(code) is None
    assert wiring.ledger.problems.forget() == 1
