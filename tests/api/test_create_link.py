"""Links for hosts: what is refused, what is repeated, what is written down."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import redis
import requests
from flask import Flask

from onboarding.clock import utc_now
from onboarding.ledger.audit import Action
from onboarding.model import WhoChooses
from onboarding.sandbox.serve import serving
from onboarding.web.api.creation import FIELDS
from onboarding.wiring import Wiring
from tests.api.host import KEY, KEYS, NEW_LINK, Host, path_of
from tests.person import Person
from tests.witness import Witness

WEEK = 604_800


def test_a_link_leads_to_its_page(host: Host, person: Person) -> None:
    answer = host.create()
    assert answer.status == 201
    assert set(answer.body) == {"id", "url", "expiresAt"}
    assert person.open(path_of(answer.body)).heading == "Connect Acme Inc. to Slack"


def test_the_address_is_short_whatever_the_link_holds(host: Host) -> None:
    made = host.link(context={"tenant": {"id": "org-1", "data": {"note": "x" * 60_000}}})
    assert re.fullmatch(rf"http://127\.0\.0\.1:8000/install/{made['id']}\.[A-Za-z0-9_-]{{27}}", made["url"])


def test_the_link_holds_what_was_asked(host: Host, wiring: Wiring) -> None:
    asked = {
        "subscriberId": "subscriber-123",
        "context": {"tenant": {"id": "org-1", "data": {"plan": ["pro", 1, None]}}, "region": "eu"},
        "connectionMode": "shared",
        "integrationIdentifier": "slack-other",
        "identifier": "my-connection",
        "account": "Acme Inc.",
        "returnUrl": "https://app.example.com/x?y=1",
        "destination": "installer",
    }
    made = host.link(**asked)
    link = wiring.minting.open(made["url"].rpartition("/")[2])
    assert link.id == made["id"]
    assert (link.subscriber_id, link.integration, link.identifier) == ("subscriber-123", "slack-other", "my-connection")
    assert [context.key for context in link.contexts] == ["tenant:org-1", "region:eu"]
    assert link.contexts[0].data == {"plan": ["pro", 1, None]}
    assert link.return_url == asked["returnUrl"]
    assert link.destination is WhoChooses.INSTALLER


@pytest.mark.parametrize(("asked", "seconds"), [(None, WEEK), (1, 1), (3600, 3600), (3600.0, 3600), (WEEK, WEEK)])
def test_a_link_lives_as_long_as_asked(host: Host, asked: float | None, seconds: int) -> None:
    left = datetime.fromisoformat(host.link(expiresIn=asked)["expiresAt"]) - utc_now()
    assert timedelta(seconds=seconds - 5) < left <= timedelta(seconds=seconds)


@pytest.mark.parametrize("asked", [0, -1, 0.5, WEEK + 1, 10**400, "60", True, False, [], {}])
def test_a_life_that_cannot_be_is_refused(host: Host, asked: object) -> None:
    assert host.create({**NEW_LINK, "expiresIn": asked}).broken == ["expiresIn"]


def test_a_life_without_end_is_refused(host: Host) -> None:
    assert host.send(b'{"subscriberId": "s", "expiresIn": 1e999}').broken == ["expiresIn"]


def test_null_counts_as_not_given(host: Host) -> None:
    names = {*FIELDS, "expiresIn"} - {"subscriberId"}
    assert host.create({"subscriberId": "s", **dict.fromkeys(names)}).status == 201
    assert host.create({"subscriberId": None}).broken == ["subscriberId"]


@pytest.mark.parametrize("destination", ["choose", "installer", "none", None])
def test_a_link_says_who_decides_where_notifications_go(host: Host, wiring: Wiring, destination: str | None) -> None:
    link = wiring.minting.open(host.link(destination=destination)["url"].rpartition("/")[2])
    assert link.destination == (destination or "choose")


def test_every_broken_field_is_named_at_once(host: Host) -> None:
    body = {
        "subscriberId": "",
        "context": {},
        "connectionMode": "ours",
        "integrationIdentifier": 7,
        "identifier": "a/b",
        "account": "two\nlines",
        "returnUrl": "http://app.example.com",
        "destination": "somewhere",
        "expiresIn": 0,
        "id": "x3vGk0Wb9nQ2sLr7TzYpAg",
        "expiresAt": "2030-01-01T00:00:00+00:00",
        "subscriberID": "a typo",
    }
    assert sorted(host.create(body, key="ü").broken) == sorted([*body, "Idempotency-Key"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "subscriberId"),
        ({"connectionMode": "shared", "subscriberId": "s"}, "context"),
        ({"connectionMode": "subscriber", "context": {"tenant": "a"}}, "subscriberId"),
        ({"subscriberId": "s" * 256}, "subscriberId"),
        ({**NEW_LINK, "context": {str(number): "x" for number in range(6)}}, "context"),
        ({**NEW_LINK, "context": {"tenant": "no spaces"}}, "context"),
        ({**NEW_LINK, "context": {"tenant": {"id": "a", "data": [1]}}}, "context"),
        ({**NEW_LINK, "identifier": ".."}, "identifier"),
        ({**NEW_LINK, "destination": "Choose"}, "destination"),
        ({**NEW_LINK, "destination": ["choose"]}, "destination"),
        ({"context": {"tenant": "a"}, "destination": "installer"}, "destination"),
        ({**NEW_LINK, "returnUrl": "javascript:alert(1)"}, "returnUrl"),
        ({**NEW_LINK, "returnUrl": "https://me@app.example.com"}, "returnUrl"),
        ([], "body"),
        (None, "body"),
        ("subscriberId", "body"),
        (7, "body"),
    ],
)
def test_a_rule_that_is_broken_is_named(host: Host, body: object, field: str) -> None:
    assert host.send(json.dumps(body).encode()).broken == [field]


@pytest.mark.parametrize("name", ["subscriberId", "integrationIdentifier", "identifier", "returnUrl"])
def test_characters_that_nobody_can_store_are_refused(host: Host, name: str) -> None:
    assert host.create({**NEW_LINK, name: "https://a.example/\0"}).broken == [name]


@pytest.mark.parametrize("data", [{"note": "a\0b"}, {"a\0b": 1}, {"deep": [{"er": "\0"}]}])
def test_context_data_that_no_database_takes_is_refused(host: Host, data: object) -> None:
    assert host.create({**NEW_LINK, "context": {"tenant": {"id": "org-1", "data": data}}}).broken == ["context"]


def test_a_name_is_freed_of_characters_that_nobody_can_store(host: Host, person: Person) -> None:
    made = host.link(account="Acme\0 Inc.\u202e", context={"tenant": {"id": "org-1", "data": {"note": "a\u202eb"}}})
    assert person.open(path_of(made)).heading == "Connect Acme Inc. to Slack"
    assert person.install(path_of(made)).heading == "Acme HQ is connected"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"subscriberId=s",
        b'{"subscriberId": "s",}',
        b'{"subscriberId": "s", "subscriberId": "t"}',
        b'{"subscriberId": "s", "context": {"a": "x", "a": "y"}}',
        b'{"subscriberId": "s", "expiresIn": NaN}',
        b'{"subscriberId": "s", "expiresIn": -Infinity}',
        b'{"subscriberId": "s", "account": "\\ud800"}',
        b'{"\\udfff": "s"}',
        b'{"subscriberId": "\xff"}',
        b'\xef\xbb\xbf{"subscriberId": "s"}',
        '{"subscriberId": "s"}'.encode("utf-16"),
        b'{"expiresIn": ' + b"9" * 5000 + b"}",
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"subscriberId": "s", "context": {"t": {"id": "x", "data": {"a": ' + b"[" * 40 + b"]" * 40 + b"}}}}",
    ],
)
def test_what_is_not_plain_json_is_refused(host: Host, raw: bytes) -> None:
    assert host.send(raw).status == 400


def test_data_may_be_nested_as_deeply_as_described(host: Host, person: Person) -> None:
    data = {"a": json.loads("[" * 28 + "]" * 28)}
    made = host.link(context={"tenant": {"id": "x", "data": data}})
    assert person.install(path_of(made)).heading == "Acme HQ is connected"


def test_a_large_body_is_refused(host: Host) -> None:
    body = json.dumps(NEW_LINK).encode()
    assert host.send(body.ljust(65_536)).status == 201
    for size in (65_537, 65_538, 10_000_000):
        assert host.send(body.ljust(size)).status == 413


def test_a_large_body_in_chunks_is_refused(app: Flask) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    body = json.dumps(NEW_LINK).encode()
    with serving(app) as url:
        for size, status in {65_536: 201, 65_537: 413, 100_000: 413}.items():
            chunks = iter([body, b" " * (size - len(body))])
            assert requests.post(f"{url}/v1/links", data=chunks, headers=headers, timeout=5).status_code == status


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml", "x"]
)
def test_only_json_is_taken(host: Host, content_type: str) -> None:
    assert host.send(json.dumps(NEW_LINK).encode(), content_type).status == 415


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;"])
def test_parameters_of_the_content_type_are_fine(host: Host, content_type: str) -> None:
    assert host.send(json.dumps(NEW_LINK).encode(), content_type).status == 201


def test_the_same_key_and_body_give_the_same_link(host: Host, wiring: Wiring) -> None:
    first = host.create(key="order-1")
    again = host.send(b' {"account":"Acme Inc.",  "subscriberId":"subscriber-123"}', key="order-1")
    assert (again.status, again.body) == (first.status, first.body)
    assert [listed.created.link.id for listed in wiring.minting.page(10, None)[0]] == [first.body["id"]]
    assert host.create(key="order-2").body != first.body


def test_the_same_key_with_another_body_is_refused(host: Host) -> None:
    host.create(key="order-1")
    assert host.create({**NEW_LINK, "account": "Other"}, key="order-1").broken == ["Idempotency-Key"]


def test_a_key_belongs_to_its_host(host: Host, other_host: Host) -> None:
    first = host.create(key="order-1")
    other = other_host.create({"subscriberId": "theirs"}, key="order-1")
    assert other.status == 201
    assert other.body["id"] != first.body["id"]


def test_a_refused_body_does_not_use_up_its_key(host: Host) -> None:
    assert host.create({}, key="order-1").status == 422
    assert host.create(key="order-1").status == 201


def test_answers_are_kept_for_a_day(host: Host, store: redis.Redis) -> None:
    host.create(key="order-1")
    [name] = store.scan_iter("onboarding:answer:*")
    assert 86_300 < store.ttl(name) <= 86_400


def test_a_redis_that_forgot_an_answer_makes_another_link(host: Host, store: redis.Redis) -> None:
    first = host.create(key="order-1")
    store.flushall()
    again = host.create(key="order-1")
    assert (again.status, again.body["id"] == first.body["id"]) == (201, False)


@pytest.mark.parametrize("key", ["", "a\x7f", "a\tb", "k" * 256, "é"])
def test_a_key_that_cannot_be_is_refused(host: Host, key: str) -> None:
    assert host.create(key=key).broken == ["Idempotency-Key"]


@pytest.mark.parametrize("key", ["k", "k" * 255, "a b", "~!\"'{}"])
def test_keys_are_any_printable_ascii(host: Host, key: str) -> None:
    assert host.create(key=key).body == host.create(key=key).body


def test_requests_that_race_under_one_key_get_one_link(
    app: Flask, witness: Witness, wiring: Wiring, make_app: Callable[..., Flask]
) -> None:
    hosts = [Host(app, witness), Host(make_app(API_KEYS=KEYS), witness)]
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda number: hosts[number % 2].create(key="order-1"), range(50)))
    assert {answer.status for answer in made} == {201}
    assert len({json.dumps(answer.body) for answer in made}) == 1
    assert len(wiring.minting.page(10, None)[0]) == 1
    assert len(wiring.ledger.audit.read(10).entries) == 1


def test_different_bodies_that_race_under_one_key_leave_one(app: Flask, witness: Witness, wiring: Wiring) -> None:
    host = Host(app, witness)
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda n: host.create({"subscriberId": f"s{n % 2}"}, key="order-1"), range(40)))
    assert sorted({answer.status for answer in made}) == [201, 422]
    assert len({answer.body["id"] for answer in made if answer.status == 201}) == 1
    assert len(wiring.minting.page(10, None)[0]) == 1


def test_it_is_written_down_who_made_the_link(host: Host, wiring: Wiring) -> None:
    made = host.link()
    listed = wiring.minting.find(made["id"])
    assert listed
    [entry] = wiring.ledger.audit.read(10).entries
    assert (entry.action, entry.target, entry.address) == (Action.MINTED, made["id"], "127.0.0.1")
    assert entry.actor == listed.created.by == f"API key {hashlib.sha256(KEY.encode()).hexdigest()[:8]}"


def test_what_is_refused_is_not_written_down(host: Host, wiring: Wiring, store: redis.Redis) -> None:
    host.create({}, key="order-1")
    host.send(b"{")
    assert wiring.ledger.audit.read(10).entries == ()
    assert [str(name) for name in store.scan_iter("onboarding:*") if "limit" not in str(name)] == []
