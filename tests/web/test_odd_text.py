"""Text that no database can hold, wherever anybody may put it: never an error of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.admin.operator import PASSWORD, Operator
from tests.api.host import KEY, KEYS, NEW_LINK
from tests.fakes import LocalSlack
from tests.witness import Witness

ODD = ("\0", "a\0b", b"\xed\xa0\x80", b"\xff")
NAMES = (
    *("status", "reason", "subscriber", "context", "workspace", "integration", "from", "to", "after", "before", "q"),
    *("link", "again", "next", "subscriberId", "limit", "state", "code", "error", "error_description", "iss"),
)
FIELDS = (
    *("subscriber", "context", "shared", "integration", "account", "return_url", "lasts", "unit"),
    *("action", "name", "revoke", "next", "password"),
)
FORM = "application/x-www-form-urlencoded"
BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
def app(make_app: Callable[..., Flask], witness: Witness) -> Flask:
    witness.secrets |= {PASSWORD, KEY}
    return make_app(ADMIN_PASSWORD=PASSWORD, API_KEYS=KEYS, TRUSTED_PROXY_COUNT="1")


@pytest.fixture
def operator(app: Flask, slack: LocalSlack, witness: Witness) -> Operator:
    operator = Operator(app, slack, witness)
    assert operator.sign_in().status == 303
    return operator


def routes(app: Flask, method: str) -> Iterator[Rule]:
    return (rule for rule in app.url_map.iter_rules() if method in (rule.methods or ()) and rule.endpoint != "static")


def path(rule: Rule, value: str) -> str:
    return re.sub(r"<[^>]+>", value, rule.rule)


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_it_may_stand_in_a_path(app: Flask, operator: Operator, method: str) -> None:
    field = operator.csrf_field("/admin/links")
    for rule in routes(app, method):
        for value in ("%00", "a%00b", "%ED%A0%80", "%FF", "a" * 22 + "%00"):
            data = {"csrf_token": field, "action": "disconnect"} if method == "POST" else None
            if rule.endpoint != "admin.sign_out":
                answer = operator._client.open(path(rule, value), method=method, data=data, headers=BEARER)
                assert answer.status_code < 500, (rule.rule, value)


def test_it_may_stand_in_a_query(app: Flask, operator: Operator) -> None:
    for rule in routes(app, "GET"):
        for name in NAMES:
            for value in ODD:
                place = f"{path(rule, 'a' * 22)}?{urlencode({name: value})}"
                assert operator._client.get(place, headers=BEARER).status_code < 500, place


def test_it_may_stand_in_a_form(app: Flask, operator: Operator) -> None:
    field = operator.csrf_field("/admin/links")
    good = {"subscriber": "s", "account": "Acme", "action": "rename", "name": "Acme"}
    for rule in routes(app, "POST"):
        if rule.rule.startswith("/v1/") or rule.endpoint == "admin.sign_out":
            continue
        for name in ("csrf_token", *FIELDS):
            for value in ODD:
                form = {"csrf_token": field, **good, name: value}
                answer = operator._client.post(path(rule, "a" * 22), data=urlencode(form), content_type=FORM)
                assert answer.status_code < 500, (rule.rule, name, value)


def answers(client: FlaskClient, headers: dict[str, str]) -> Iterator[TestResponse]:
    yield client.get("/install/forged", headers=headers)
    yield client.get("/admin/attempts", headers=headers)
    yield client.post("/v1/links", json=NEW_LINK, headers={**BEARER, **headers})
    yield client.post("/admin/sign-in", data={"password": "\0"}, headers=headers)


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Request-ID", "Authorization", "Cookie", "Idempotency-Key"])
def test_it_may_stand_in_a_header(app: Flask, operator: Operator, name: str) -> None:
    for value in ("\x00", "\xed\xa0\x80", "\xff", "admin=\x00; session=\xff"):
        for answer in answers(app.test_client(), {name: value}):
            assert answer.status_code < 500, value
    assert operator.open("/admin/audit").status == 200


def test_a_search_for_it_finds_nothing(operator: Operator) -> None:
    for value in ("%00", "Acme%00", "%ED%A0%80", "%EF%BF%BF"):
        page = operator.open(f"/admin/attempts?q={value}")
        assert page.status == 200
        assert "No results for" in page.text
