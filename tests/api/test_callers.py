"""Who may call, how often, and what everybody else is told."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask

from onboarding.ephemeral.limits import API_CALLS
from onboarding.sandbox import embedded_redis
from onboarding.wiring import Wiring
from tests.api.host import KEY, KEYS, NEW_LINK, OTHER_KEY, Host
from tests.witness import Witness

ID = "a" * 22
CALLS = [("POST", "/v1/links"), ("DELETE", f"/v1/links/{ID}"), ("GET", "/v1/attempts"), ("GET", f"/v1/attempts/{ID}")]
ELSEWHERE = [("GET", "/v1/"), ("GET", "/v1/nothing"), ("PUT", "/v1/links"), ("OPTIONS", "/v1/attempts")]
ALL_CALLS = pytest.mark.parametrize(("method", "path"), CALLS + ELSEWHERE)


@ALL_CALLS
@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        f"bearer {KEY[:-1]}",
        f"Bearer {KEY}x",
        f"Bearer {KEYS}",
        f"Bearer {KEY} {KEY}",
        f"Basic {KEY}",
        f"ApiKey {KEY}",
        KEY,
        "Bearer \xff\xfe",
        "Bearer " + "x" * 10_000,
    ],
)
def test_nobody_calls_without_a_key(
    app: Flask, witness: Witness, store: redis.Redis, method: str, path: str, authorization: str
) -> None:
    stranger = Host(app, witness, key=None)
    answer = stranger.call(method, path, {"Authorization": authorization} if authorization else {}, json=NEW_LINK)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert store.dbsize() == 0


@pytest.mark.parametrize("authorization", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER  {KEY} ", f"Bearer {OTHER_KEY}"])
def test_any_key_is_good(app: Flask, witness: Witness, authorization: str) -> None:
    assert Host(app, witness, key=None).call("GET", "/v1/attempts", {"Authorization": authorization}).status == 200


@ALL_CALLS
def test_without_keys_there_is_no_api(
    make_app: Callable[..., Flask], witness: Witness, store: redis.Redis, method: str, path: str
) -> None:
    for key in (None, KEY):
        assert Host(make_app(), witness, key).call(method, path).status == 404
    assert store.dbsize() == 0


@pytest.mark.parametrize("path", ["/openapi.json", "/reference"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_without_keys_nothing_is_described(make_app: Callable[..., Flask], path: str, method: str) -> None:
    assert make_app().test_client().open(path, method=method).status_code == 404


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/links", {"POST"}),
        (f"/v1/links/{ID}", {"DELETE"}),
        ("/v1/attempts", {"GET", "HEAD"}),
        (f"/v1/attempts/{ID}", {"GET", "HEAD"}),
    ],
)
def test_other_methods_are_refused(host: Host, path: str, allowed: set[str]) -> None:
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - allowed:
        answer = host.call(method, path)
        assert answer.status == 405, method
        assert set(answer.headers["Allow"].split(", ")) == allowed


def test_a_head_is_a_get_without_its_body(host: Host) -> None:
    answer = host.call("HEAD", "/v1/attempts")
    assert (answer.status, answer.body) == (200, None)
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/v1/", "/v1/links/", "/v1/attempts/", f"/v1/links/{ID}/x", "/v1//links", "/v1/é"])
def test_other_addresses_are_not_found(host: Host, path: str) -> None:
    assert host.get(path).status == 404


def test_a_form_of_another_site_changes_nothing(app: Flask, witness: Witness) -> None:
    stranger = Host(app, witness, key=None)
    assert stranger.call("POST", "/v1/links", data={"subscriberId": "s"}).status == 401


def test_each_key_calls_six_hundred_times_a_minute(host: Host, other_host: Host, wiring: Wiring) -> None:
    assert {host.get("/v1/nothing").status for _ in range(API_CALLS.amount)} == {404}
    for method, path in CALLS:
        answer = host.call(method, path)
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert other_host.get("/v1/attempts").status == 200
    assert wiring.records.audit.read(10).entries == ()


@pytest.fixture
def without_redis(make_app: Callable[..., Flask], witness: Witness) -> Iterator[Host]:
    """A host whose service has lost its Redis."""
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        process = embedded_redis.start(Path(folder))
        host = Host(make_app(REDIS_URL=embedded_redis.url(Path(folder)), API_KEYS=KEYS), witness)
        assert host.create(key="before").status == 201
        process.stop()
        yield host


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_without_redis_there_is_a_problem_document(without_redis: Host, method: str, path: str) -> None:
    options: dict[str, Any] = {"json": NEW_LINK} if method == "POST" else {}
    answer = without_redis.call(method, path, **options)
    assert (answer.status, answer.body["title"]) == (503, "Service Unavailable")
    assert "redis" not in str(answer.body).lower()


def test_a_redis_that_stalls_is_given_up_within_seconds(make_app: Callable[..., Flask], witness: Witness) -> None:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        process = embedded_redis.start(Path(folder))
        host = Host(make_app(REDIS_URL=embedded_redis.url(Path(folder)), API_KEYS=KEYS), witness)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            assert host.create().status == 503
        finally:
            os.kill(process.pid, signal.SIGCONT)
            process.stop()


def test_what_nobody_expected_says_nothing(app: Flask, witness: Witness, store: redis.Redis) -> None:
    store.set(f"onboarding:attempt:{ID}", "not a hash")
    store.hset(f"onboarding:attempt:{'b' * 22}", mapping={"link": "{broken"})
    client = app.test_client()
    for attempt_id, status in {ID: 503, "b" * 22: 500}.items():
        response = client.get(f"/v1/attempts/{attempt_id}", headers={"Authorization": f"Bearer {KEY}"})
        assert response.status_code == status
        assert response.content_type == "application/problem+json"
        assert "broken" not in response.text
        witness.saw(response.text)
