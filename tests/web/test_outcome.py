"""The outcome: a page that can be reloaded, and the same as JSON."""

from __future__ import annotations

import html
import json
from datetime import timedelta

import pytest
import redis
from flask import Flask

from onboarding.wiring import Wiring
from tests.aging import Database, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person, path_of
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
    assert page.link("Do this later") == (
        f"https://app.example.com/slack?tab=1&status=connected&attempt={attempt_id}#top"
    )
    assert status_of(person, back.location) == {
        "id": attempt_id,
        "status": "connected",
        "workspace": {"id": "T9TK3CUKW", "name": "Acme HQ"},
        "reason": None,
        "destination": "unset",
    }


def test_slack_can_be_opened_from_the_page(person: Person, mint: MintLink, slack: LocalSlack) -> None:
    page = person.install(mint(destination="none"))
    assert page.link("Open Slack") == f"{slack.url}/app_redirect?app={slack.state.app.id}&team=T9TK3CUKW"


def test_while_the_person_is_at_slack_the_attempt_is_pending(person: Person, link: str, slack: LocalSlack) -> None:
    url = person.add_to_slack(link)
    back = path_of(slack.answer(url))
    [attempt_id] = [name.removeprefix("attempt-") for name in person.cookies if name.startswith("attempt-")]
    page = person.open(f"/attempts/{attempt_id}")
    assert page.heading == "Waiting for your answer in Slack"
    assert status_of(person, f"/attempts/{attempt_id}")["status"] == "pending"
    assert person.follow(person.open(back)).heading == "Acme HQ is connected"


def test_an_attempt_that_never_came_back_expires(person: Person, link: str, ledger_db: Database) -> None:
    person.add_to_slack(link)
    [attempt_id] = [name.removeprefix("attempt-") for name in person.cookies if name.startswith("attempt-")]
    pass_time(ledger_db, timedelta(minutes=11))
    assert person.open(f"/attempts/{attempt_id}").heading == "This took too long"
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
    assert "open your connect link again" in page.text


@pytest.mark.parametrize("attempt_id", ["x", "x" * 22, "x" * 7000, "%00", "%E2%80%AE", "..%2f..%2f"])
def test_an_unknown_attempt_is_not_found(person: Person, attempt_id: str) -> None:
    assert person.open(f"/attempts/{attempt_id}").status == 404
    assert person.open(f"/attempts/{attempt_id}/status").status == 404


@pytest.mark.parametrize("failure", ["down", "error_twice", "rate_limited", "html", "in_progress", "truncated"])
def test_while_novu_is_in_trouble_the_page_says_that_we_keep_going(
    person: Person, link: str, novu: LocalNovu, failure: str
) -> None:
    novu.suffer(failure)
    back = person.open(person.come_back(link))
    page = person.follow(back)
    assert page.heading == "Slack approved. Finishing setup…"
    assert "Taking longer than usual. We keep trying for 24 hours; you can close this page." in page.text
    assert "Usually a few seconds" not in page.text
    assert "data-patience" not in page.source
    assert status_of(person, back.location)["status"] == "pending"
    assert page.link("Check again") == back.location


def test_before_the_first_try_is_postponed_the_page_says_that_it_takes_a_few_seconds(
    person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("down")
    back = person.open(person.come_back(link))
    ledger_db.execute("UPDATE attempt SET tries = 0")
    page = person.open(back.location)
    assert page.heading == "Slack approved. Finishing setup…"
    assert "Usually a few seconds. You can leave; we keep going." in page.text
    assert "Taking longer" not in page.text
    assert 'data-patience="20"' in page.source


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("unauthorized", "novu_unauthorized"),
        ("integration_missing", "integration_not_found"),
        ("subscriber_missing", "subscriber_not_found"),
        ("rejected", "novu_rejected"),
    ],
)
def test_when_novu_refuses_the_approval_is_kept_and_the_page_says_so(
    person: Person, link: str, novu: LocalNovu, failure: str, reason: str
) -> None:
    novu.suffer(failure)
    back = person.open(person.come_back(link))
    page = person.follow(back)
    assert page.heading == "We could not finish"
    assert "your approval is kept safe" in page.text
    assert status_of(person, back.location)["reason"] == reason


def test_once_the_approval_is_no_longer_kept_the_page_does_not_claim_it(
    wiring: Wiring, person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("unauthorized")
    back = person.open(person.come_back(link))
    pass_time(ledger_db, timedelta(days=7, minutes=1))
    assert wiring.ledger.attempts.erase_grants() == 1
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


def test_finished_attempts_leave_after_the_retention(
    wiring: Wiring, person: Person, link: str, ledger_db: Database
) -> None:
    back = person.open(person.come_back(link))
    pass_time(ledger_db, timedelta(days=29, hours=23))
    assert person.open(back.location).status == 200
    pass_time(ledger_db, timedelta(hours=2))
    assert person.open(back.location).status == 404


def test_everything_in_redis_leaves_by_itself(person: Person, link: str, store: redis.Redis) -> None:
    person.install(link)
    lives = {str(key): store.ttl(key) for key in store.scan_iter()}
    assert len(lives) == 2
    assert all(key.startswith("onboarding:") and 0 < life <= 3600 for key, life in lives.items())


def test_who_waits_for_an_approval_is_told_what_to_do(person: Person, link: str) -> None:
    back = person.open(person.come_back(link, outcome="not_permitted"))
    page = person.follow(back)
    assert page.heading == "Your Slack admin has to approve this first"
    assert "Nothing was connected yet" in page.text
    assert "it works until" in page.text
    for words in (
        "Could you approve Sprocket under “Manage apps”?",
        "- Post messages, to deliver your notifications, also in public channels, without an invitation",
        "- See channel names, to let you choose where notifications go, including private channels it was added to",
        "It can't read your messages.",
        "anybody with this link can finish in one click, until",
    ):
        assert words in html.unescape(page.source)
    assert "http://127.0.0.1:8000/install/" in page.source
    assert status_of(person, back.location)["status"] == "awaiting_approval"
    assert person.install(page.link("It's approved: continue")).heading == "Acme HQ is connected"
    assert person.open(back.location).heading == "Acme HQ is connected"


def test_the_message_for_the_admin_has_the_link_only_in_the_browser_that_has_it(
    person: Person, link: str, app: Flask, slack: LocalSlack, witness: Witness
) -> None:
    back = person.open(person.come_back(link, outcome="not_permitted"))
    page = Person(app, slack, witness).open(back.location)
    assert "/install/" not in page.source
    assert "open your connect link again" in page.text


def test_an_approval_that_never_came_expires_with_its_link(person: Person, mint: MintLink, ledger_db: Database) -> None:
    back = person.open(person.come_back(mint(timedelta(hours=1)), outcome="not_permitted"))
    pass_time(ledger_db, timedelta(minutes=59))
    assert status_of(person, back.location)["status"] == "awaiting_approval"
    pass_time(ledger_db, timedelta(minutes=2))
    status = status_of(person, back.location)
    assert (status["status"], status["reason"]) == ("expired", "approval_not_given")
    assert person.open(back.location).heading == "This link has expired"


def test_an_older_connection_to_another_workspace_says_that_it_was_replaced(person: Person, mint: MintLink) -> None:
    older = person.open(person.come_back(mint()))
    person.install(mint(), workspace="T0VMBRE11A")
    page = person.open(older.location)
    assert page.heading == "Another workspace took its place"
    assert status_of(person, older.location)["reason"] == "replaced"
