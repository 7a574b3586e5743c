"""The outcome: a page that can be reloaded, and the same as JSON."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import redis
import time_machine

from onboarding.model import utc_now
from tests.conftest import MintLink
from tests.person import Person, path_of
from tests.stand_ins import LocalNovu, LocalSlack
from tests.witness import Witness


def status_of(person: Person, location: str) -> dict[str, object]:
    page = person.open(f"{location}/status")
    assert page.headers["Content-Type"] == "application/json"
    status: dict[str, object] = json.loads(page.source)
    return status


def test_a_connected_attempt_stays_readable(person: Person, mint: MintLink) -> None:
    back = person.open(person.come_back(mint(returnUrl="https://app.example.com/slack?tab=1&status=old#top")))
    for _ in range(2):
        page = person.open(back.location)
        assert page.heading == "Acme HQ is connected"
    attempt_id = back.location.removeprefix("/attempts/")
    assert attempt_id in page.text
    assert page.link("Back to Sprocket") == (
        f"https://app.example.com/slack?tab=1&status=connected&attempt={attempt_id}#top"
    )
    assert status_of(person, back.location) == {
        "id": attempt_id,
        "status": "connected",
        "workspace": {"id": "T9TK3CUKW", "name": "Acme HQ"},
        "reason": None,
    }


def test_slack_can_be_opened_from_the_page(person: Person, link: str, slack: LocalSlack) -> None:
    page = person.install(link)
    assert page.link("Open Slack") == f"{slack.url}/app_redirect?app={slack.state.app.id}&team=T9TK3CUKW"


def test_while_the_person_is_at_slack_the_attempt_is_pending(person: Person, link: str, slack: LocalSlack) -> None:
    url = person.add_to_slack(link)
    back = path_of(slack.answer(url))
    [attempt_id] = [name.removeprefix("attempt-") for name in person.cookies if name.startswith("attempt-")]
    page = person.open(f"/attempts/{attempt_id}")
    assert page.heading == "Waiting for your answer in Slack"
    assert status_of(person, f"/attempts/{attempt_id}")["status"] == "pending"
    assert person.follow(person.open(back)).heading == "Acme HQ is connected"


def test_an_attempt_that_never_came_back_expires(person: Person, link: str) -> None:
    person.add_to_slack(link)
    [attempt_id] = [name.removeprefix("attempt-") for name in person.cookies if name.startswith("attempt-")]
    with time_machine.travel(utc_now() + timedelta(minutes=11)):
        page = person.open(f"/attempts/{attempt_id}")
        assert page.heading == "This took too long"
        status = status_of(person, f"/attempts/{attempt_id}")
    assert (status["status"], status["reason"]) == ("expired", "timed_out")


def test_only_the_browser_that_started_may_start_again_from_the_page(
    person: Person, link: str, app: object, slack: LocalSlack, witness: Witness
) -> None:
    back = person.open(person.come_back(link, decision="cancel"))
    assert "/install/" in person.open(back.location).source
    stranger = Person(app, slack, witness)  # type: ignore[arg-type]
    page = stranger.open(back.location)
    assert page.heading == "Nothing was connected"
    assert "/install/" not in page.source
    assert "open your connect link once more" in page.text


@pytest.mark.parametrize("attempt_id", ["x", "x" * 22, "x" * 7000, "%00", "%E2%80%AE", "..%2f..%2f"])
def test_an_unknown_attempt_is_not_found(person: Person, attempt_id: str) -> None:
    assert person.open(f"/attempts/{attempt_id}").status == 404
    assert person.open(f"/attempts/{attempt_id}/status").status == 404


@pytest.mark.parametrize("misfortune", ["down", "error_twice", "rate_limited", "html", "in_progress", "truncated"])
def test_while_novu_is_in_trouble_the_page_says_that_we_keep_going(
    person: Person, link: str, novu: LocalNovu, misfortune: str
) -> None:
    novu.suffer(misfortune)
    back = person.open(person.come_back(link))
    page = person.follow(back)
    assert page.heading == "Slack said yes. Finishing set-up"
    assert status_of(person, back.location)["status"] == "pending"
    assert page.link("Check again") == back.location


@pytest.mark.parametrize(
    ("misfortune", "reason"),
    [
        ("unauthorized", "novu_unauthorized"),
        ("integration_missing", "integration_not_found"),
        ("subscriber_missing", "subscriber_not_found"),
        ("rejected", "novu_rejected"),
    ],
)
def test_when_novu_refuses_the_approval_is_kept_and_the_page_says_so(
    person: Person, link: str, novu: LocalNovu, misfortune: str, reason: str
) -> None:
    novu.suffer(misfortune)
    back = person.open(person.come_back(link))
    page = person.follow(back)
    assert page.heading == "We could not finish"
    assert "your approval is kept safe" in page.text
    assert status_of(person, back.location)["reason"] == reason


def test_once_the_approval_is_no_longer_kept_the_page_does_not_claim_it(
    person: Person, link: str, novu: LocalNovu
) -> None:
    novu.suffer("unauthorized")
    back = person.open(person.come_back(link))
    with time_machine.travel(utc_now() + timedelta(days=7, minutes=1)):
        page = person.open(back.location)
    assert page.heading == "We could not finish"
    assert "kept safe" not in page.text
    assert "Please add to Slack again" in page.text


def test_a_subscriber_that_novu_does_not_know_is_named(person: Person, mint: MintLink) -> None:
    back = person.open(person.come_back(mint(subscriberId="nobody")))
    assert status_of(person, back.location)["reason"] == "subscriber_not_found"


def test_an_integration_that_novu_does_not_know_is_named(person: Person, mint: MintLink) -> None:
    back = person.open(person.come_back(mint(integrationIdentifier="nothing")))
    assert status_of(person, back.location)["reason"] == "integration_not_found"


def test_finished_attempts_leave_after_the_retention(person: Person, link: str, store: redis.Redis) -> None:
    person.install(link)
    lives = {key.removeprefix("onboarding:"): store.ttl(key) for key in store.scan_iter()}
    assert [0 < life <= 2_592_000 for name, life in lives.items() if name.startswith("attempt:")] == [True]
    assert [0 < life <= 3600 for name, life in lives.items() if name.startswith("starts:")] == [True]
    indexes = {"sequence", "undelivered", "due", "list:all", "list:status:connected"}
    assert {name for name, life in lives.items() if life < 0 and not name.startswith("queue:")} <= indexes
