"""Idempotency keys, switched on and off."""

from __future__ import annotations

import threading
from datetime import timedelta

import requests
import time_machine

from onboarding.sandbox.novu.idempotency import DOCUMENTATION
from tests.sandbox.clients import NovuSite, connection, message_of


def test_off_by_default_the_key_means_nothing(novu_site: NovuSite) -> None:
    first, second = novu_site.create("key"), novu_site.create("key")
    assert (first.status_code, second.status_code) == (201, 409)
    assert "Idempotency-Key" not in first.headers


def test_a_key_replays_its_answer(idempotent_novu: NovuSite) -> None:
    first, second = idempotent_novu.create("key"), idempotent_novu.create("key")
    assert first.json() == second.json()
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.headers["Idempotency-Key"] == "key"
    assert "Idempotency-Replay" not in first.headers
    assert second.headers["Idempotency-Replay"] == "true"
    assert len(idempotent_novu.state.connections) == 1


def test_an_error_is_replayed_after_its_cause_is_gone(idempotent_novu: NovuSite) -> None:
    lacking = {"subscriberId": "late"}
    first = idempotent_novu.create("key", **lacking)
    idempotent_novu.state.environment.add_subscriber("late")
    second = idempotent_novu.create("key", **lacking)
    assert (first.status_code, second.status_code) == (404, 404)
    assert first.json() == second.json()
    assert idempotent_novu.create("new key", **lacking).status_code == 201


def test_a_key_reused_for_another_body_is_refused(idempotent_novu: NovuSite) -> None:
    idempotent_novu.create("key")
    answer = idempotent_novu.create("key", workspace={"id": "T2"})
    assert message_of(answer) == (422, 'Request with key "key" is being reused for a different body')
    assert answer.headers["Link"] == DOCUMENTATION["Link"]
    assert "errors" not in answer.json()


def test_a_key_is_forgotten_after_a_day(idempotent_novu: NovuSite) -> None:
    with time_machine.travel("2030-01-01T00:00Z", tick=False) as clock:
        idempotent_novu.create("key")
        clock.shift(timedelta(hours=24))
        assert idempotent_novu.create("key").status_code == 409


def test_a_key_in_use_asks_to_come_back(idempotent_novu: NovuSite) -> None:
    """The first request waits for the environment's lock, which the test holds."""

    def create() -> None:
        headers = idempotent_novu.headers | {"Idempotency-Key": "key"}
        url = f"{idempotent_novu.url}/v1/channel-connections"
        requests.post(url, json=connection(), headers=headers, timeout=10)

    first = threading.Thread(target=create)
    with idempotent_novu.state.environment.lock:
        first.start()
        while not idempotent_novu.state.idempotency.is_busy("key"):
            pass
        answer = idempotent_novu.create("key", workspace={"id": "T2"})
    first.join()
    assert message_of(answer) == (
        409,
        'Request with key "key" is currently being processed. Please retry after 1 second',
    )
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Link"] == DOCUMENTATION["Link"]


def test_only_post_and_patch_take_a_key(idempotent_novu: NovuSite) -> None:
    idempotent_novu.created(identifier="mine")
    headers = {"Idempotency-Key": "key"}
    assert "Idempotency-Key" not in idempotent_novu.send("GET", headers=headers).headers
    assert (
        idempotent_novu.send("PATCH", "/mine", json=connection(), headers=headers).headers["Idempotency-Key"] == "key"
    )
    assert idempotent_novu.send("DELETE", "/mine", headers=headers).status_code == 204


def test_a_key_has_at_most_255_characters(idempotent_novu: NovuSite) -> None:
    assert idempotent_novu.create("x" * 255).status_code == 201
    status, message = message_of(idempotent_novu.create("x" * 256))
    assert status == 400
    assert message.endswith("has exceeded the maximum allowed length of 255 characters")


def test_a_401_is_not_kept(idempotent_novu: NovuSite) -> None:
    wrong = {"Authorization": "ApiKey wrong", "Idempotency-Key": "key"}
    assert idempotent_novu.send("POST", json=connection(), headers=wrong).status_code == 401
    assert idempotent_novu.create("key").status_code == 201


def test_an_answer_lost_after_the_commit_is_replayed(idempotent_novu: NovuSite) -> None:
    idempotent_novu.suffer("error_after_commit")
    assert idempotent_novu.create("key").status_code == 500
    assert idempotent_novu.create("key").status_code == 201
    assert len(idempotent_novu.state.connections) == 1
