"""Tokens that hosts give to browsers: for whom, for how long, and what is refused."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask

from onboarding.clock import utc_now
from onboarding.model import Secret
from onboarding.signing.sealing import sealer
from onboarding.signing.status_tokens import StatusTokens
from onboarding.wiring import Wiring
from tests.api.host import KEYS, Answer, Host
from tests.fakes import SECRET_KEY
from tests.witness import Witness

DAY = 86_400
OWNER = {"subscriberId": "subscriber-123"}


def create(host: Host, body: object = OWNER, key: str | None = None) -> Answer:
    return host.post("/v1/status-tokens", body, key)


def owner_of(wiring: Wiring, answer: Answer) -> str | None:
    assert answer.status == 201, answer.body
    return wiring.status_tokens.owner_of(Secret(answer.body["token"]), wiring.clock())


def test_a_token_and_when_it_stops_working(host: Host) -> None:
    answer = create(host)
    assert answer.status == 201
    assert set(answer.body) == {"token", "expiresAt"}
    assert re.fullmatch("[A-Za-z0-9_=-]{100,300}", answer.body["token"])


@pytest.mark.parametrize(
    "fields",
    [
        {"subscriberId": "subscriber-123"},
        {"context": {"tenant": "org-1"}},
        {"subscriberId": " subscriber-123 ", "context": {"tenant": {"id": "org-1", "data": {"a": 1}}, "region": "eu"}},
        {"subscriberId": "subscriber-123", "context": {"tenant": "org-1"}, "connectionMode": "shared"},
        {"subscriberId": "subscriber-123", "integrationIdentifier": "slack-other"},
    ],
)
def test_it_is_for_the_owner_of_a_link_with_the_same_fields(
    host: Host, wiring: Wiring, fields: dict[str, object]
) -> None:
    made = wiring.minting.open(host.create(fields).body["url"].rpartition("/")[2])
    assert owner_of(wiring, create(host, fields)) == made.owner.identifier


def test_nothing_of_the_owner_can_be_read_from_it(host: Host, wiring: Wiring) -> None:
    token = create(host, {"subscriberId": "subscriber-123", "context": {"tenant": "org-1"}}).body["token"]
    owner = owner_of(wiring, create(host))
    assert owner
    for text in (token.encode(), base64.urlsafe_b64decode(token)):
        assert not any(each in text for each in (b"subscriber", b"org-1", b"chconn", owner.encode()))


def test_two_tokens_of_one_owner_have_nothing_in_common_that_tells_so(host: Host) -> None:
    first, second = (create(host).body["token"] for _ in range(2))
    assert first[20:60] != second[20:60]


@pytest.mark.parametrize(("asked", "seconds"), [(None, 3600), (1, 1), (60.0, 60), (DAY, DAY)])
def test_it_lives_as_long_as_asked(host: Host, asked: float | None, seconds: int) -> None:
    left = datetime.fromisoformat(create(host, {**OWNER, "expiresIn": asked}).body["expiresAt"]) - utc_now()
    assert timedelta(seconds=seconds - 5) < left <= timedelta(seconds=seconds)


@pytest.mark.parametrize("asked", [0, -1, 0.5, DAY + 1, 10**400, "60", True, [], {}])
def test_a_life_that_cannot_be_is_refused(host: Host, asked: object) -> None:
    assert create(host, {**OWNER, "expiresIn": asked}).broken == ["expiresIn"]


def test_it_may_outlive_links(make_app: Callable[..., Flask], witness: Witness) -> None:
    host = Host(make_app(API_KEYS=KEYS, LINK_MAX_AGE="60"), witness)
    assert create(host, {**OWNER, "expiresIn": DAY}).status == 201


def test_null_counts_as_not_given(host: Host) -> None:
    nothing = dict.fromkeys(["context", "connectionMode", "integrationIdentifier", "expiresIn"])
    assert create(host, {**OWNER, **nothing}).status == 201


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"subscriberId": ""},
        {"subscriberId": 7},
        {"subscriberId": "s" * 256},
        {"subscriberId": "a\0b"},
        {"connectionMode": "shared", "subscriberId": "s"},
        {"connectionMode": "subscriber", "context": {"tenant": "a"}},
        {"connectionMode": "ours", "subscriberId": "s"},
        {"subscriberId": "s", "context": {}},
        {"subscriberId": "s", "context": {"tenant": "no spaces"}},
        {"subscriberId": "s", "context": {str(number): "x" for number in range(6)}},
        {"subscriberId": "s", "integrationIdentifier": ""},
    ],
)
def test_the_rules_and_their_words_are_those_of_links(host: Host, fields: dict[str, object]) -> None:
    refused = create(host, fields)
    assert refused.broken
    assert refused.body == host.create(fields).body


def test_every_broken_field_is_named_at_once(host: Host) -> None:
    body = {"subscriberId": "", "context": {}, "expiresIn": 0, "account": "Acme", "identifier": "mine"}
    assert sorted(create(host, body, key="ü").broken) == sorted([*body, "Idempotency-Key"])


def test_only_hosts_get_tokens(app: Flask, witness: Witness) -> None:
    assert create(Host(app, witness, key=None)).status == 401
    assert create(Host(app, witness, key="x" * 32)).status == 401


@pytest.mark.parametrize(("raw", "status"), [(b"{", 400), (b"[]", 422), (b" " * 65_537, 413)])
def test_what_is_no_object_of_json_is_refused(host: Host, raw: bytes, status: int) -> None:
    answer = host.call("POST", "/v1/status-tokens", data=raw, content_type="application/json")
    assert answer.status == status


def test_only_json_is_taken(host: Host) -> None:
    answer = host.call("POST", "/v1/status-tokens", data=json.dumps(OWNER), content_type="text/plain")
    assert answer.status == 415


def test_the_same_key_and_body_give_the_same_token(host: Host) -> None:
    first = create(host, key="page-1")
    assert create(host, key="page-1").body == first.body
    assert create(host, key="page-2").body != first.body


@pytest.mark.parametrize("other", [{"subscriberId": "another"}, {**OWNER, "expiresIn": 60}])
def test_the_same_key_with_another_body_is_refused(host: Host, other: dict[str, object]) -> None:
    create(host, key="page-1")
    assert create(host, other, key="page-1").broken == ["Idempotency-Key"]


def test_a_key_that_was_used_for_a_link_is_refused(host: Host) -> None:
    host.create(OWNER, key="order-1")
    assert create(host, OWNER, key="order-1").broken == ["Idempotency-Key"]


# What opens them.

OLD, NEW = Secret("an older key that is long enough!"), Secret("the key of today, long enough too")


def issued(wiring: Wiring, tokens: StatusTokens, life: timedelta = timedelta(hours=1)) -> tuple[str, Secret]:
    owner = wiring.links.mint(OWNER, None, wiring.clock()).owner
    return owner.identifier, tokens.issue(owner, wiring.clock() + life)


def test_a_key_that_became_a_fallback_still_opens(wiring: Wiring) -> None:
    owner, token = issued(wiring, StatusTokens([OLD]))
    assert StatusTokens([OLD, NEW]).owner_of(token, wiring.clock()) == owner


def test_the_newest_key_seals(wiring: Wiring) -> None:
    owner, token = issued(wiring, StatusTokens([OLD, NEW]))
    assert StatusTokens([NEW]).owner_of(token, wiring.clock()) == owner


def test_a_key_that_is_gone_takes_its_tokens_with_it(wiring: Wiring) -> None:
    _, token = issued(wiring, StatusTokens([OLD]))
    assert StatusTokens([NEW]).owner_of(token, wiring.clock()) is None


def test_what_expired_opens_no_more(wiring: Wiring) -> None:
    tokens = StatusTokens([NEW])
    owner, token = issued(wiring, tokens, timedelta(seconds=60))
    assert tokens.owner_of(token, wiring.clock() + timedelta(seconds=59)) == owner
    assert tokens.owner_of(token, wiring.clock() + timedelta(seconds=61)) is None


def test_no_character_of_a_token_can_be_changed(wiring: Wiring) -> None:
    tokens = StatusTokens([NEW])
    _, token = issued(wiring, tokens)
    text = token.reveal()
    for place, character in enumerate(text):
        for other in ("A", "B", "-", " ", ""):
            if other != character:
                changed = Secret(text[:place] + other + text[place + 1 :])
                assert tokens.owner_of(changed, wiring.clock()) is None


def test_what_is_sealed_for_another_purpose_is_no_token(wiring: Wiring) -> None:
    grant = sealer([Secret(SECRET_KEY)], b"onboarding grant").encrypt(b'["chconn_x", 99999999999]').decode()
    assert wiring.status_tokens.owner_of(Secret(grant), wiring.clock()) is None
