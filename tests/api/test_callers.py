"""Who may call, how often, and what everybody else is told."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask

from onboarding.ephemeral.limits import API_CALLS
from onboarding.sandbox import embedded_redis
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.api.host import KEY, KEYS, NEW_LINK, NO_DATABASE, OTHER_KEY, Host
from tests.person import Person
from tests.witness import Witness

ID = "a" * 22
EVENT = "evt_" + "a" * 32
CALLS = [
    ("POST", "/v1/links"),
    ("DELETE", f"/v1/links/{ID}"),
    ("GET", "/v1/attempts"),
    ("GET", f"/v1/attempts/{ID}"),
    ("GET", "/v1/connections"),
    ("GET", "/v1/connections/mine"),
    ("DELETE", "/v1/connections/mine"),
    ("POST", "/v1/connections/mine/check"),
    ("POST", "/v1/connections/mine/reconnect"),
    ("GET", "/v1/connections/mine/channels"),
    ("PUT", "/v1/connections/mine/destination"),
    ("POST", "/v1/connections/mine/test"),
    ("GET", "/v1/events"),
    ("POST", f"/v1/events/{EVENT}/redeliver"),
]
BODIES = {"/v1/links": NEW_LINK, "/v1/connections/mine/destination": {"channelId": "C024BE91L"}}
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
        ("/v1/connections", {"GET", "HEAD"}),
        ("/v1/connections/mine", {"GET", "HEAD", "DELETE"}),
        ("/v1/connections/mine/check", {"POST"}),
        ("/v1/connections/mine/reconnect", {"POST"}),
        ("/v1/connections/mine/channels", {"GET", "HEAD"}),
        ("/v1/connections/mine/destination", {"PUT"}),
        ("/v1/connections/mine/test", {"POST"}),
        ("/v1/events", {"GET", "HEAD"}),
        (f"/v1/events/{EVENT}/redeliver", {"POST"}),
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


@pytest.mark.parametrize(
    "path", ["/v1/", "/v1/links/", "/v1/attempts/", f"/v1/links/{ID}/x", "/v1//links", "/v1/é", "/v1/connections/"]
)
def test_other_addresses_are_not_found(host: Host, path: str) -> None:
    assert host.get(path).status == 404


def test_a_form_of_another_site_changes_nothing(app: Flask, witness: Witness) -> None:
    stranger = Host(app, witness, key=None)
    assert stranger.call("POST", "/v1/links", data={"subscriberId": "s"}).status == 401


def test_each_key_calls_six_hundred_times_a_minute(host: Host, other_host: Host, wiring: Wiring) -> None:
    assert {host.get("/v1/nothing").status for _ in range(API_CALLS.a_minute)} == {404}
    for method, path in CALLS:
        answer = host.call(method, path)
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert other_host.get("/v1/attempts").status == 200
    assert wiring.ledger.audit.read(10).entries == ()


class Redis:
    """A Redis of its own, which a test stops, pauses and starts again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = embedded_redis.url(folder)
        self.start()

    def start(self) -> None:
        self._process = embedded_redis.start(self._folder)

    def stop(self) -> None:
        self._process.stop()

    def pause(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)


@pytest.fixture
def own_redis() -> Iterator[Redis]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        own = Redis(Path(folder))
        yield own
        own.stop()


@pytest.fixture
def dependent(make_app: Callable[..., Flask], own_redis: Redis, witness: Witness) -> Host:
    """A host whose service may lose its Redis."""
    return Host(make_app(REDIS_URL=own_redis.url, API_KEYS=KEYS), witness)


def test_without_redis_everything_but_repeating_an_answer_works(dependent: Host, own_redis: Redis) -> None:
    kept = dependent.create(key="order-1")
    own_redis.stop()
    assert dependent.get("/v1/attempts").status == 200
    assert dependent.get(f"/v1/attempts/{ID}").status == 404
    made = dependent.create()
    assert made.status == 201
    assert dependent.revoke(made.body["id"]).status == 204
    assert dependent.get("/v1/attempts", limit="x").broken == ["limit"]
    for key in ("order-1", "order-2"):
        answer = dependent.create(key=key)
        assert (answer.status, answer.body["title"]) == (503, "Service Unavailable")
        assert "redis" not in str(answer.body).lower()
    own_redis.start()
    assert dependent.create(key="order-1").body == kept.body
    assert dependent.create(key="order-2").status == 201


def test_without_redis_there_is_no_limit_and_with_it_there_is(dependent: Host, own_redis: Redis) -> None:
    own_redis.stop()
    assert {dependent.get("/v1/nothing").status for _ in range(API_CALLS.a_minute + 5)} == {404}
    own_redis.start()
    assert [dependent.get("/v1/nothing").status for _ in range(API_CALLS.a_minute + 1)][-2:] == [404, 429]


def test_without_redis_a_key_is_needed_all_the_same(
    make_app: Callable[..., Flask], own_redis: Redis, witness: Witness
) -> None:
    stranger = Host(make_app(REDIS_URL=own_redis.url, API_KEYS=KEYS), witness, key=None)
    own_redis.stop()
    assert [stranger.call(method, path).status for method, path in CALLS] == [401] * len(CALLS)


def test_a_redis_that_stalls_is_given_up_within_seconds(dependent: Host, own_redis: Redis) -> None:
    own_redis.pause()
    began = time.monotonic()
    assert dependent.create(key="order-1").status == 503
    assert dependent.get("/v1/attempts").status == 200
    assert time.monotonic() - began < 8
    own_redis.resume()
    assert dependent.create(key="order-1").status == 201


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_without_postgresql_there_is_a_problem_document(
    make_app: Callable[..., Flask], witness: Witness, method: str, path: str
) -> None:
    host = Host(make_app(DATABASE_URL=NO_DATABASE, API_KEYS=KEYS), witness)
    options: dict[str, Any] = {"json": BODIES[path]} if path in BODIES else {}
    answer = host.call(method, path, **options)
    assert (answer.status, answer.body["title"]) == (503, "Service Unavailable")
    assert "postgres" not in str(answer.body).lower()


def test_a_link_that_could_not_be_kept_does_not_use_up_its_key(
    make_app: Callable[..., Flask], host: Host, witness: Witness
) -> None:
    broken = Host(make_app(DATABASE_URL=NO_DATABASE, API_KEYS=KEYS), witness)
    assert broken.create(key="order-1").status == 503
    assert host.create(key="order-1").status == 201


def test_what_nobody_expected_says_nothing(
    app: Flask, host: Host, person: Person, link: str, witness: Witness, ledger_db: Database
) -> None:
    person.add_to_slack(link)
    [attempt] = host.get("/v1/attempts").body["data"]
    ledger_db.execute("UPDATE attempt SET link = '{broken'")
    response = app.test_client().get(f"/v1/attempts/{attempt['id']}", headers={"Authorization": f"Bearer {KEY}"})
    assert response.status_code == 500
    assert response.content_type == "application/problem+json"
    assert "broken" not in response.text
    witness.saw(response.text)
