"""A web host whose clock steps by an hour: people may have to start again, nothing is lost, doubled or out of order."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
import time_machine

from onboarding.model import utc_now
from onboarding.wiring import Wiring
from tests.conftest import MintLink
from tests.person import Person
from tests.stand_ins import LocalNovu, LocalSlack
from tests.test_delivery import attempt_id_of, make_due, status

HOUR = timedelta(hours=1)


def test_a_step_back_is_not_noticed(person: Person, link: str) -> None:
    back = person.come_back(link)
    with time_machine.travel(utc_now() - HOUR):
        assert person.follow(person.open(back)).heading == "Acme HQ is connected"


def test_a_step_forward_asks_to_start_again(person: Person, link: str, slack: LocalSlack) -> None:
    back = person.come_back(link)
    with time_machine.travel(utc_now() + HOUR):
        page = person.open(back)
        assert page.status == 410
        assert slack.state.redeem_count == 0
        assert person.install(page.link("Start again")).heading == "Acme HQ is connected"


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_grant_from_a_wrong_clock_is_delivered(
    wiring: Wiring, person: Person, link: str, novu: LocalNovu, store: redis.Redis, step: timedelta
) -> None:
    novu.suffer("down")
    with time_machine.travel(utc_now() + step):
        attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    novu.suffer("none")
    make_due(store)
    wiring.delivery.deliver(attempt_id)
    assert status(person, attempt_id) == "connected"
    assert len(novu.state.connections) == 1


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_what_is_overdue_does_not_depend_on_the_clock_of_the_web_host(
    wiring: Wiring, person: Person, link: str, novu: LocalNovu, store: redis.Redis, step: timedelta
) -> None:
    novu.suffer("down")
    with time_machine.travel(utc_now() + step):
        person.open(person.come_back(link))
    [entry] = store.zrange("onboarding:undelivered", 0, -1, withscores=True)
    assert abs(float(str(entry[1])) - utc_now().timestamp()) < 60


def test_the_later_grant_wins_though_its_clock_is_behind(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu, store: redis.Redis
) -> None:
    novu.suffer("down")
    with time_machine.travel(utc_now() + HOUR):
        older = attempt_id_of(person.open(person.come_back(mint(), workspace="TOLDER")).location)
    newer = attempt_id_of(person.open(person.come_back(mint(), workspace="TNEWER")).location)
    novu.suffer("none")
    for attempt_id in (older, newer, older):
        make_due(store)
        wiring.delivery.deliver(attempt_id)
    assert [connection.workspace_id for connection in novu.state.connections] == ["TNEWER"]
    assert status(person, newer) == "connected"
