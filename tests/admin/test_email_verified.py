"""What an issuer says of an e-mail address: true, in whatever writing; false, always; or nothing at all."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, Response, request

from onboarding.sandbox.issuer import IssuerApp, create_issuer
from onboarding.sandbox.serve import serving
from tests.admin.operator import Operator
from tests.admin.test_single_sign_on import SECRET, come_in
from tests.aging import Database
from tests.fakes import LocalSlack
from tests.person import Page
from tests.witness import Witness

VISITOR = "operator@sprocket.example"
MISSING = "the claim email_verified is missing"
REFUSED = "says that your e-mail address is not verified"


@dataclass(slots=True)
class Issuer:
    """An issuer that puts these claims in place of its own, and none of those that are `left_out`."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def rewrite(self, token: str, sign: Callable[[dict[str, Any]], str]) -> str:
        payload = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        claims = {**said, **self.claims}
        return sign({name: value for name, value in claims.items() if name not in self.left_out})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer, app = Issuer(), create_issuer(IssuerApp(client_secret=SECRET))

    @app.after_request
    def say(response: Response) -> Response:
        if request.path == "/token" and response.status_code == 200:
            answer = response.get_json()
            token = issuer.rewrite(answer["id_token"], app.extensions["issuer"].keys.sign)
            response.set_data(json.dumps({**answer, "id_token": token}))
        return response

    with serving(app) as url:
        issuer.url = url
        yield issuer


@pytest.fixture
def visit(
    make_app: Callable[..., Flask], issuer: Issuer, slack: LocalSlack, witness: Witness
) -> Callable[..., tuple[Operator, Page]]:
    """Somebody signs in; `settings` are those of the service."""
    witness.secrets.add(SECRET)

    def visit(**settings: str) -> tuple[Operator, Page]:
        ours = {
            "OIDC_ISSUER": issuer.url,
            "OIDC_CLIENT_ID": "sandbox-admin",
            "OIDC_CLIENT_SECRET": SECRET,
            "OIDC_ALLOWED_EMAILS": "@sprocket.example",
        }
        somebody = Operator(make_app(**ours, **settings), slack, witness)
        return somebody, come_in(somebody)

    return visit


def stays_outside(somebody: Operator, page: Page) -> bool:
    return page.status == 403 and somebody.open("/admin").status == 303


@pytest.mark.parametrize("said", [True, "true", "True", "TRUE"])
def test_a_true_claim_lets_in_however_it_is_written(
    visit: Callable[..., tuple[Operator, Page]], issuer: Issuer, said: object
) -> None:
    issuer.claims = {"email_verified": said}
    somebody, page = visit()
    assert page.heading == "You are signed in"
    assert VISITOR in somebody.open("/admin").text


@pytest.mark.parametrize("vouched", ["0", "1"])
@pytest.mark.parametrize("said", [False, "false", "False", 0, 1, "1", "yes", "", [True]])
def test_anything_else_that_is_said_refuses_whoever_vouches(
    visit: Callable[..., tuple[Operator, Page]], issuer: Issuer, said: object, vouched: str
) -> None:
    issuer.claims = {"email_verified": said}
    somebody, page = visit(OIDC_EMAILS_VERIFIED=vouched)
    assert stays_outside(somebody, page)
    assert REFUSED in page.text
    assert MISSING not in page.text


def test_a_missing_claim_is_named_with_the_setting_that_vouches(
    visit: Callable[..., tuple[Operator, Page]], issuer: Issuer
) -> None:
    issuer.left_out = ("email_verified",)
    somebody, page = visit()
    assert stays_outside(somebody, page)
    assert MISSING in page.text
    assert "your administrator can set OIDC_EMAILS_VERIFIED=1" in page.text
    assert REFUSED not in page.text


def test_a_claim_that_is_null_is_missing(visit: Callable[..., tuple[Operator, Page]], issuer: Issuer) -> None:
    issuer.claims = {"email_verified": None}
    _, page = visit()
    assert MISSING in page.text


def test_another_claim_does_not_stand_in_for_the_missing_one(
    visit: Callable[..., tuple[Operator, Page]], issuer: Issuer
) -> None:
    issuer.claims, issuer.left_out = {"verified_primary_email": [VISITOR]}, ("email_verified",)
    assert stays_outside(*visit())


def test_an_operator_may_vouch_for_an_issuer_that_says_nothing(
    visit: Callable[..., tuple[Operator, Page]], issuer: Issuer
) -> None:
    issuer.left_out = ("email_verified",)
    somebody, page = visit(OIDC_EMAILS_VERIFIED="1")
    assert page.heading == "You are signed in"
    assert somebody.open("/admin").status == 200


def test_vouching_admits_nobody_who_is_not_allowed(visit: Callable[..., tuple[Operator, Page]], issuer: Issuer) -> None:
    issuer.claims, issuer.left_out = {"email": "somebody@elsewhere.example"}, ("email_verified",)
    assert stays_outside(*visit(OIDC_EMAILS_VERIFIED="1"))


@pytest.mark.parametrize(
    ("claims", "left_out", "why"),
    [
        ({}, ("email_verified",), "claim email_verified is missing"),
        ({"email_verified": "false"}, (), "e-mail address not verified"),
    ],
)
def test_the_log_and_the_audit_say_who_and_why(
    visit: Callable[..., tuple[Operator, Page]],
    issuer: Issuer,
    capsys: pytest.CaptureFixture[str],
    ledger_db: Database,
    claims: dict[str, object],
    left_out: tuple[str, ...],
    why: str,
) -> None:
    issuer.claims, issuer.left_out = claims, left_out
    visit()
    assert f"sign-in refused who={VISITOR} why={why}" in capsys.readouterr().err
    [row] = ledger_db.execute("SELECT * FROM audit").fetchall()
    assert VISITOR in row.values()
    assert why in row.values()
