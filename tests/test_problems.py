"""Problem pages that belong to no attempt are remembered by their support codes, within bounds."""

from __future__ import annotations

from collections.abc import Callable

import redis
from flask import Flask

from onboarding.ledger.problems import Noted, Problems
from onboarding.model import utc_now
from tests.person import Person
from tests.stand_ins import LocalSlack
from tests.witness import Witness


def noted(heading: str) -> Noted:
    return Noted(utc_now(), 404, heading, "-", "")


def test_the_oldest_make_room(store: redis.Redis) -> None:
    kept = Problems(store, most=5)
    for number in range(8):
        kept.note(f"code-{number}", noted(str(number)))
    assert [number for number in range(8) if kept.find(f"code-{number}")] == [3, 4, 5, 6, 7]
    assert store.zcard("onboarding:problems") == 5


def test_nobody_rewrites_what_a_code_stands_for(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, store: redis.Redis
) -> None:
    person = Person(make_app(TRUSTED_PROXY_COUNT="1"), slack, witness)
    code = person.open("/install/forged").headers["X-Request-ID"]
    person.open("/somewhere-else", headers={"X-Request-ID": code})
    found = Problems(store).find(code)
    assert found
    assert found.heading == "We don't know this link"


def test_pages_of_problems_expire(person: Person, store: redis.Redis) -> None:
    person.open("/nowhere")
    [key] = store.scan_iter("onboarding:problem:*")
    assert 0 < store.ttl(key) <= 7 * 86_400
