"""Single sign-on: what the issuer proves is believed, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import redis
import requests
import time_machine
from flask import Flask, Response, request

from onboarding.clock import utc_now
from onboarding.sandbox.issuer import IssuerApp, create_issuer
from onboarding.sandbox.issuer.outcomes import APPROVED, OUTCOMES
from onboarding.sandbox.serve import serving
from tests.admin.operator import PASSWORD, Operator
from tests.admin.test_attempts import rows
from tests.aging import Database
from tests.fakes import LocalSlack
from tests.person import Page, path_of, set_cookies
from tests.scripted import Script, scripted
from tests.witness import Witness

SECRET = "a-secret-between-us-and-the-issuer"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with serving(create_issuer(IssuerApp(client_secret=SECRET))) as url:
        yield url


@pytest.fixture
def settings(issuer: str) -> dict[str, str]:
    return {
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": "sandbox-admin",
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_ALLOWED_EMAILS": "@sprocket.example, Guest@elsewhere.example",
        "OIDC_OPERATOR_EMAILS": "operator@sprocket.example",
    }


@pytest.fixture
def app(make_app: Callable[..., Flask], settings: dict[str, str], witness: Witness) -> Flask:
    witness.secrets.add(SECRET)
    return make_app(**settings)


def answer(url: str, *, person: str = "operator@sprocket.example", **form: str) -> str:
    """Decide on the issuer's page. Gives the path it sends the browser to."""
    asked = dict(parse_qsl(urlsplit(url).query))
    fields = {**asked, "decision": "allow", "person": person, **form}
    response = requests.post(url.partition("?")[0], data=fields, allow_redirects=False, timeout=5)
    assert response.status_code == 302, response.text
    return path_of(response.headers["Location"])


def begin(somebody: Operator, way_back: str = "/admin") -> str:
    page = somebody.open(f"/admin/sign-in/start?next={way_back}")
    assert page.status == 303
    return page.location


def come_in(somebody: Operator, **form: str) -> Page:
    return somebody.open(answer(begin(somebody), **form))


def test_an_operator_comes_in_and_may_change_things(stranger: Operator) -> None:
    page = come_in(stranger)
    assert page.heading == "You are signed in"
    assert "operator@sprocket.example" in page.text
    assert page.link("Go on") == "/admin"
    assert stranger.do("/admin/links", "/admin/links", subscriber="x").heading == "Links"
    assert "operator@sprocket.example" in rows(stranger.open("/admin/audit"))[0]


def test_a_viewer_looks_and_changes_nothing(stranger: Operator) -> None:
    come_in(stranger, person="viewer@sprocket.example")
    page = stranger.open("/admin/links")
    assert page.status == 200
    assert "viewer@sprocket.example, viewer" in page.text
    assert "Mint" not in page.text.replace("Minted", "")
    refused = stranger.submit("/admin/links", "/admin/links", subscriber="x")
    assert refused.status == 403
    assert "Nothing was changed. You may look at everything here" in refused.text
    assert stranger.submit("/admin", "/admin/sign-out").status == 303


def test_the_page_that_was_asked_for_is_remembered(stranger: Operator) -> None:
    asked = stranger.open("/admin/attempts?status=failed")
    start = stranger.open(asked.location).link("Sign in with your organisation")
    page = stranger.open(answer(stranger.open(start).location))
    assert page.link("Go on") == "/admin/attempts?status=failed"


def test_one_address_can_be_allowed_alone(stranger: Operator) -> None:
    assert come_in(stranger, email="guest@elsewhere.example").heading == "You are signed in"


@pytest.mark.parametrize(
    "email",
    ["stranger@elsewhere.example", "x@evil-sprocket.example", "x@sub.sprocket.example"],
)
def test_who_is_not_allowed_stays_outside(stranger: Operator, email: str) -> None:
    page = come_in(stranger, email=email)
    assert page.status == 403
    assert f"{email} is not allowed here" in page.text
    assert stranger.open("/admin").status == 303


@pytest.mark.parametrize("email", ["evil@elsewhere.example@sprocket.example", "a b@sprocket.example"])
def test_an_address_that_is_none_is_no_proof(stranger: Operator, email: str) -> None:
    assert come_in(stranger, email=email).status == 403
    assert stranger.open("/admin").status == 303


def test_an_address_that_only_looks_like_an_operators_is_no_proof(stranger: Operator) -> None:
    for email in ("operator@sproc\u212aet.example", "\u212aim@sprocket.example", "operator\u202e@sprocket.example"):
        assert come_in(stranger, email=email).status == 403
        assert stranger.open("/admin").status == 303


JUNK: list[object] = [
    {},
    [],
    {"keys": []},
    {"keys": "x"},
    {"keys": [1, None, {}, {"kty": "RSA", "n": "!", "e": "AQAB"}, {"kty": "OKP", "crv": "X", "x": "x"}]},
]


@pytest.mark.parametrize("keys", JUNK)
def test_keys_that_are_none_let_nobody_in(
    make_app: Callable[..., Flask], settings: dict[str, str], slack: LocalSlack, witness: Witness, keys: object
) -> None:
    with serving(_issuer_with(lambda _: keys)) as url:
        somebody = Operator(make_app(**{**settings, "OIDC_ISSUER": url}), slack, witness)
        assert come_in(somebody).status == 403


def test_a_key_that_we_cannot_use_stands_in_nobodys_way(
    make_app: Callable[..., Flask], settings: dict[str, str], slack: LocalSlack, witness: Witness
) -> None:
    odd = {"kty": "EC", "crv": "P-999", "x": "x", "y": "y", "kid": "odd"}
    with serving(_issuer_with(lambda good: {"keys": [odd, *good["keys"]]})) as url:
        somebody = Operator(make_app(**{**settings, "OIDC_ISSUER": url}), slack, witness)
        assert come_in(somebody).heading == "You are signed in"


def _issuer_with(keys: Callable[[Any], object]) -> Flask:
    """An issuer that publishes something else in place of its keys."""
    app = create_issuer(IssuerApp(client_secret=SECRET))

    @app.after_request
    def replace(response: Response) -> Response:
        if request.path == "/jwks":
            response.set_data(json.dumps(keys(response.get_json())))
        return response

    return app


def test_an_issuer_that_hangs_holds_up_nobody_else(
    make_app: Callable[..., Flask], settings: dict[str, str], slack: LocalSlack, witness: Witness
) -> None:
    with scripted(Script([b""], hangs=True)) as url:
        app = make_app(**{**settings, "OIDC_ISSUER": url})

        def begin_and_wait(_: int) -> float:
            began = time.monotonic()
            app.test_client().get("/admin/sign-in/start")
            return time.monotonic() - began

        with ThreadPoolExecutor(12) as pool:
            waits = sorted(pool.map(begin_and_wait, range(12)))
    assert waits[7] < 1
    assert waits[-1] < 7


def test_an_unverified_address_is_no_proof(stranger: Operator) -> None:
    page = come_in(stranger, person="unverified@sprocket.example")
    assert page.status == 403
    assert "says that your e-mail address is not verified" in page.text
    assert stranger.open("/admin").status == 303


@pytest.mark.parametrize("outcome", [slug for slug in OUTCOMES if slug != APPROVED.slug])
def test_whatever_is_wrong_with_the_answer_nobody_comes_in(stranger: Operator, outcome: str) -> None:
    page = come_in(stranger, outcome=outcome)
    assert page.status == 403
    assert "Sign-in was cancelled or interrupted." in page.text
    assert stranger.open("/admin").status == 303


def test_cancelling_comes_back_to_the_form(stranger: Operator) -> None:
    page = come_in(stranger, decision="cancel")
    assert page.status == 403
    assert page.heading == "Sign in"


def test_somebody_elses_answer_is_worth_nothing(
    stranger: Operator, app: Flask, slack: LocalSlack, witness: Witness
) -> None:
    victim = Operator(app, slack, witness)
    begin(victim)
    assert victim.open(answer(begin(stranger))).status == 403
    assert victim.open("/admin").status == 303


def test_without_a_sign_in_under_way_no_answer_counts(stranger: Operator) -> None:
    for query in ("", "?code=x&state=", "?code=x&state=x", "?state=%00&iss=x", "?error=access_denied&state="):
        assert stranger.open(f"/admin/sign-in/callback{query}").status == 403


def written_down(ledger_db: Database) -> list[str]:
    return [row["action"] for row in ledger_db.execute("SELECT action FROM audit ORDER BY id")]


def test_answers_that_fail_are_counted_like_passwords(stranger: Operator, ledger_db: Database) -> None:
    begin(stranger)
    statuses = [stranger.open("/admin/sign-in/callback?code=x&state=x").status for _ in range(8)]
    assert statuses == [403] * 5 + [429] * 3
    assert written_down(ledger_db) == ["sign_in_failed"] * 5


def test_answers_without_a_sign_in_cost_nobody_anything(
    make_app: Callable[..., Flask],
    settings: dict[str, str],
    slack: LocalSlack,
    witness: Witness,
    ledger_db: Database,
) -> None:
    somebody = Operator(make_app(**settings, ADMIN_PASSWORD=PASSWORD), slack, witness)
    assert {somebody.open("/admin/sign-in/callback?code=x&state=x").status for _ in range(9)} == {403}
    assert written_down(ledger_db) == []
    assert somebody.sign_in().status == 303


def test_single_sign_on_forgives_no_wrong_passwords(
    make_app: Callable[..., Flask], settings: dict[str, str], slack: LocalSlack, witness: Witness
) -> None:
    viewer = Operator(make_app(**settings, ADMIN_PASSWORD=PASSWORD), slack, witness)
    for _ in range(5):
        assert viewer.sign_in("wrong").status == 403
        come_in(viewer, person="viewer@sprocket.example")
        viewer.submit("/admin", "/admin/sign-out")
    assert viewer.sign_in("wrong").status == 429


def test_an_answer_counts_once(stranger: Operator) -> None:
    back = answer(begin(stranger))
    assert stranger.open(back).status == 200
    assert stranger.open(back).status == 403


def test_an_answer_after_ten_minutes_is_too_late(stranger: Operator) -> None:
    url = begin(stranger)
    with time_machine.travel(utc_now() + timedelta(minutes=11)):
        assert stranger.open(answer(url)).status == 403


def test_the_request_to_the_issuer_is_protected(stranger: Operator) -> None:
    asked = dict(parse_qsl(urlsplit(begin(stranger)).query))
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/admin/sign-in/callback"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3


def test_losing_permission_ends_the_session(
    stranger: Operator, make_app: Callable[..., Flask], settings: dict[str, str]
) -> None:
    come_in(stranger)
    stranger.move_to(make_app(**{**settings, "OIDC_OPERATOR_EMAILS": ""}))
    assert "operator@sprocket.example, viewer" in stranger.open("/admin/links").text
    stranger.move_to(make_app(**{**settings, "OIDC_ALLOWED_EMAILS": "@other.example"}))
    assert stranger.open("/admin").status == 303
    stranger.move_to(make_app(ADMIN_PASSWORD="a password and no issuer"))
    assert stranger.open("/admin").status == 303


def test_without_a_password_there_is_none_to_guess(stranger: Operator) -> None:
    page = stranger.open("/admin/sign-in")
    assert "Password" not in page.text
    assert stranger.open("/admin/sign-in", "POST", data={"password": "x"}).status in {400, 404}


def test_an_issuer_that_is_down_is_said_to_be(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, settings: dict[str, str]
) -> None:
    somebody = Operator(make_app(**{**settings, "OIDC_ISSUER": "http://127.0.0.1:1"}), slack, witness)
    page = somebody.open("/admin/sign-in/start")
    assert page.status == 403
    assert "Your identity provider does not answer as it should." in page.text


def test_an_issuer_that_calls_itself_something_else_is_not_believed(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, settings: dict[str, str]
) -> None:
    other_name = settings["OIDC_ISSUER"].replace("127.0.0.1", "localhost")
    with serving(create_issuer(IssuerApp(client_secret=SECRET))):
        somebody = Operator(make_app(**{**settings, "OIDC_ISSUER": f"{other_name}/tenant"}), slack, witness)
        assert somebody.open("/admin/sign-in/start").status == 403


def test_the_cookies_hold_no_more_than_they_must(app: Flask, stranger: Operator, store: redis.Redis) -> None:
    response = app.test_client().get("/admin/sign-in/start")
    [cookie] = [each for each in response.headers.getlist("Set-Cookie") if each.startswith("sign-in=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert set(set_cookies(response)) <= {"sign-in", "session"}
    come_in(stranger)
    assert "sign-in" not in stranger.cookies
    held = "".join(str(store.get(key)) for key in store.scan_iter("onboarding:session:*"))
    assert stranger.cookies["admin"].split(".")[0] not in held
