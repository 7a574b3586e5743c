"""A web host whose clock steps by an hour: nothing is lost, doubled or out of order."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from onboarding.clock import utc_now
from onboarding.wiring import Wiring
from tests.aging import Database, make_due
from tests.conftest import MintLink
from tests.fakes import LocalNovu
from tests.person import Person
from tests.test_delivery import attempt_id_of, status

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("step", [timedelta(minutes=9), -HOUR])
def test_a_step_between_the_click_and_the_return_is_not_noticed(person: Person, link: str, step: timedelta) -> None:
    back = person.come_back(link)
    with time_machine.travel(utc_now() + step):
        assert person.follow(person.open(back)).heading == "Acme HQ is connected"


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_grant_from_a_wrong_clock_is_delivered(
    wiring: Wiring, person: Person, link: str, novu: LocalNovu, ledger_db: Database, step: timedelta
) -> None:
    novu.suffer("down")
    with time_machine.travel(utc_now() + step):
        attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    novu.suffer("none")
    make_due(ledger_db)
    wiring.delivery.deliver(attempt_id)
    assert status(person, attempt_id) == "connected"
    assert len(novu.state.connections) == 1


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_what_is_overdue_does_not_depend_on_the_clock_of_the_web_host(
    wiring: Wiring, person: Person, link: str, novu: LocalNovu, ledger_db: Database, step: timedelta
) -> None:
    novu.suffer("down")
    with time_machine.travel(utc_now() + step):
        person.open(person.come_back(link))
    [work] = ledger_db.execute("SELECT due_at FROM work WHERE kind = 'deliver'").fetchall()
    assert abs(work["due_at"] - utc_now()) < timedelta(minutes=1)


def test_the_later_grant_wins_though_its_clock_is_behind(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("down")
    with time_machine.travel(utc_now() + HOUR):
        older = attempt_id_of(person.open(person.come_back(mint(), workspace="TOLDER")).location)
    newer = attempt_id_of(person.open(person.come_back(mint(), workspace="TNEWER")).location)
    novu.suffer("none")
    for attempt_id in (older, newer, older):
        make_due(ledger_db)
        wiring.delivery.deliver(attempt_id)
    assert [connection.workspace_id for connection in novu.state.connections] == ["TNEWER"]
    assert status(person, newer) == "connected"
