"""How things are, at a glance."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import redis
from flask import Flask

from tests.admin.operator import PASSWORD, Operator
from tests.admin.test_attempts import failed, rows
from tests.conftest import MintLink
from tests.person import Page, Person
from tests.stand_ins import LocalNovu, LocalSlack
from tests.test_delivery import until, worker
from tests.witness import Witness


def numbers(page: Page) -> dict[str, int]:
    found = re.findall(r"<strong>(\d+)</strong> <span>([a-z ]+)</span>", page.source)
    return {label: int(number) for number, label in found}


def test_four_numbers_lead_to_their_attempts(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu
) -> None:
    person.install(mint())
    failed(person, novu, mint())
    novu.suffer("down")
    person.open(person.come_back(mint()))
    page = operator.open("/admin")
    assert numbers(page) == {"connected": 1, "finishing": 1, "failed": 1, "waiting for a person": 1}
    for label, number in numbers(page).items():
        assert len(rows(operator.open(page.link(f"{number} {label}")))) == number


def test_the_funnel_counts_how_far_people_got(operator: Operator, person: Person, mint: MintLink) -> None:
    person.install(mint())
    person.install(mint(), decision="cancel")
    person.add_to_slack(mint())
    page = operator.open("/admin")
    assert page.source.count('aria-label="Started: 3, Came back: 2, Granted: 1, Connected: 1"') == 2
    assert "Most often lost to: Chose Cancel 1" in page.text
    assert len(rows(operator.open(page.link("Chose Cancel")))) == 1


def test_an_empty_service_has_an_overview_too(operator: Operator) -> None:
    page = operator.open("/admin")
    assert numbers(page) == {"connected": 0, "finishing": 0, "failed": 0, "waiting for a person": 0}
    assert "Started: 0, Came back: 0" in page.source


def test_health_is_told_in_words(operator: Operator, env: dict[str, str], tmp_path: Path) -> None:
    page = operator.open("/admin")
    assert "Slack ✓ answers" in page.text
    assert "Novu ✓ answers" in page.text
    assert "Workers ! none" in page.text
    with worker(env, tmp_path / "log"):
        until(lambda: "Workers ✓ are there" in operator.open("/admin").text, 10)


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


def test_a_job_that_waits_is_counted(
    operator: Operator, person: Person, link: str, novu: LocalNovu, store: redis.Redis
) -> None:
    novu.suffer("down")
    person.open(person.come_back(link))
    message = str(store.hgetall("onboarding:queue:delivery.DQ.msgs").popitem()[1])
    store.hset("onboarding:queue:delivery.msgs", "1", message)
    store.rpush("onboarding:queue:delivery", "1")
    page = operator.open("/admin")
    assert "1 job is due" in page.text
    assert "The oldest attempt on its way to Novu was started" in page.text
