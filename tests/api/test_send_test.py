"""Test messages that a host asks for, and what the same key means for them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from flask import Flask

from onboarding.ephemeral.limits import TEST_MESSAGES
from onboarding.sandbox.novu.options import Options
from onboarding.wiring import Wiring
from tests.api.host import KEYS, NEW_LINK, Host
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person
from tests.witness import Witness

DANA = "U9TK3CUKW"


@pytest.fixture
def chosen(host: Host, connected: str) -> str:
    """A connection whose notifications go to Dana."""
    assert host.point(connected, userId=DANA).status == 200
    return connected


def test_a_message_arrives(host: Host, chosen: str, slack: LocalSlack) -> None:
    answer = host.test(chosen)
    assert (answer.status, answer.body) == (200, {"ok": True})
    [message] = slack.state.messages(DANA)
    assert "test message from Sprocket" in message.text


def test_without_a_destination_there_is_nothing_to_test(host: Host, connected: str) -> None:
    assert host.test(connected).conflict == "no_destination"


def test_hidden_tokens_cannot_post(host: Host, chosen: str, novu: LocalNovu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(novu.state, "options", Options(redact=True))
    assert host.test(chosen).conflict == "token_hidden"


@pytest.mark.parametrize(
    "word", ["is_archived", "not_in_channel", "messages_tab_disabled", "token_revoked", "a_new_one"]
)
def test_slacks_refusal_comes_in_its_own_word(host: Host, chosen: str, slack: LocalSlack, word: str) -> None:
    slack.state.faults.set("chat.postMessage", "error", error=word)
    assert host.test(chosen).conflict == word


def test_slack_says_how_long_to_wait(host: Host, chosen: str, slack: LocalSlack) -> None:
    slack.state.faults.set("chat.postMessage", "rate_limited", retry_after=21)
    answer = host.test(chosen)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "21")


@pytest.mark.parametrize("kind", ["html", "server_error", "reset_after"])
def test_a_slack_that_fails_is_asked_again_later(host: Host, chosen: str, slack: LocalSlack, kind: str) -> None:
    slack.state.faults.set("chat.postMessage", kind)
    assert host.test(chosen).status == 503


@pytest.mark.parametrize("failure", ["down", "unauthorized", "html"])
def test_a_novu_that_fails_is_asked_again_later(host: Host, chosen: str, novu: LocalNovu, failure: str) -> None:
    novu.suffer(failure)
    assert host.test(chosen).status == 503


def test_three_a_minute_for_each_connection(
    host: Host, chosen: str, person: Person, mint: MintLink, other_host: Host
) -> None:
    person.install(mint(context={"tenant": "other"}, identifier="other", destination="installer"))
    assert [host.test(chosen).status for _ in range(TEST_MESSAGES.a_minute)] == [200] * 3
    for each in (host, other_host):
        answer = each.test(chosen)
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert "3 test messages" in answer.body["detail"]
    assert host.test("other").status == 200


def test_an_ended_connection_is_not_tested(host: Host, chosen: str, wiring: Wiring) -> None:
    wiring.upkeep.disconnect(chosen, revokes=False)
    assert host.test(chosen).status == 404


def test_a_kept_answer_outlives_its_connection(host: Host, chosen: str, wiring: Wiring) -> None:
    host.test(chosen, key="test-1")
    wiring.upkeep.disconnect(chosen, revokes=False)
    assert host.test(chosen, key="test-1").status == 200
    assert host.test(chosen, key="test-2").status == 404


@pytest.mark.parametrize(("raw", "status"), [(b"", 200), (b"{}", 200), (b" {} \n", 200), (b"{", 422), (b"[1]", 422)])
def test_there_is_no_body(host: Host, chosen: str, raw: bytes, status: int) -> None:
    path = f"/v1/connections/{chosen}/test"
    assert host.call("POST", path, data=raw, content_type="application/json").status == status
    assert host.call("POST", path, data=b" " * 70_000).status == 413


def test_the_same_key_sends_one_message(host: Host, other_host: Host, chosen: str, slack: LocalSlack) -> None:
    first = host.test(chosen, key="test-1")
    for _ in range(5):
        assert host.test(chosen, key="test-1").body == first.body == {"ok": True}
    assert len(slack.state.messages(DANA)) == 1
    assert host.test(chosen, key="test-2").status == other_host.test(chosen, key="test-1").status == 200
    assert len(slack.state.messages(DANA)) == 3


def test_a_key_that_made_a_link_tests_nothing(host: Host, chosen: str, slack: LocalSlack) -> None:
    assert host.create(NEW_LINK, key="order-1").status == 201
    assert host.test(chosen, key="order-1").broken == ["Idempotency-Key"]
    assert host.test(chosen, key="order-2").status == 200
    assert host.create(NEW_LINK, key="order-2").broken == ["Idempotency-Key"]
    assert len(slack.state.messages(DANA)) == 1


@pytest.mark.parametrize("key", ["", "a\tb", "k" * 256, "é"])
def test_a_key_that_cannot_be_is_refused(host: Host, chosen: str, slack: LocalSlack, key: str) -> None:
    assert host.test(chosen, key=key).broken == ["Idempotency-Key"]
    assert slack.state.messages(DANA) == ()


def test_a_refusal_does_not_use_up_its_key(host: Host, connected: str) -> None:
    assert host.test(connected, key="test-1").conflict == "no_destination"
    host.point(connected, userId=DANA)
    assert host.test(connected, key="test-1").status == 200


def test_requests_that_race_under_one_key_send_one_message(
    app: Flask, make_app: Callable[..., Flask], witness: Witness, chosen: str, slack: LocalSlack
) -> None:
    hosts = [Host(app, witness), Host(make_app(API_KEYS=KEYS), witness)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: hosts[n % 2].test(chosen, key="test-1"), range(16)))
    assert {answer.status for answer in answers} == {200}
    assert len(slack.state.messages(DANA)) == 1


def test_nothing_stays_claimed(host: Host, chosen: str, store: redis.Redis) -> None:
    host.test(chosen, key="test-1")
    [name] = store.scan_iter("onboarding:answer:*")
    assert 86_300 < store.ttl(name) <= 86_400


def test_a_process_that_died_at_work_holds_nobody_up_for_long(
    host: Host, chosen: str, wiring: Wiring, store: redis.Redis
) -> None:
    [key] = [key for key in wiring.settings.api_keys if key.reveal() == KEYS.split(",")[0]]
    assert wiring.ephemeral.answers.claim(key, "test-1")
    [name] = store.scan_iter("onboarding:answer:*")
    assert 0 < store.ttl(name) <= 20
    store.pexpire(name, 300)
    assert host.test(chosen, key="test-1").status == 200
