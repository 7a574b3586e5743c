"""Only who knows the password comes in, and only until they leave."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis
import time_machine
from flask import Flask

from onboarding.clock import utc_now
from tests.admin.operator import PASSWORD, Operator
from tests.fakes import LocalSlack
from tests.person import Person
from tests.witness import Witness

PAGES = [
    "/admin",
    "/admin/attempts",
    "/admin/attempts/" + "a" * 22,
    "/admin/connections",
    "/admin/connections/anything",
    "/admin/links",
    "/admin/audit",
    "/admin/attempts.csv",
    "/admin/audit.csv",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_asks_who_is_there(stranger: Operator, path: str) -> None:
    page = stranger.open(path)
    assert page.status == 303
    assert page.location.startswith("/admin/sign-in?next=/admin")
    assert page.source == ""


@pytest.mark.parametrize("path", [*PAGES, "/admin/sign-in"])
def test_without_a_password_there_is_no_status_page(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, path: str
) -> None:
    assert Person(make_app(), slack, witness).open(path).status == 404


def test_the_password_opens_the_page_that_was_asked_for(stranger: Operator) -> None:
    asked = stranger.open("/admin/attempts?status=failed")
    form = stranger.open(asked.location)
    assert form.heading == "Sign in"
    field = re.search(r'name="next" value="([^"]+)"', form.source)
    assert field
    page = stranger.sign_in(next=field[1])
    assert (page.status, page.location) == (303, "/admin/attempts?status=failed")
    assert stranger.open(page.location).heading == "Attempts"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/admin\\@evil.example",
        "/adminevil",
        "/admin/\r\nX:1",
    ],
)
def test_signing_in_leads_nowhere_else(stranger: Operator, elsewhere: str) -> None:
    assert stranger.sign_in(next=elsewhere).location == "/admin"


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper(), PASSWORD + " ", "x" * 10_000, "\0", "ü"])
def test_a_wrong_password_is_refused(stranger: Operator, password: str) -> None:
    page = stranger.sign_in(password)
    assert page.status == 403
    assert "That is not the password" in page.text
    assert "admin" not in stranger.cookies
    assert stranger.open("/admin").status == 303


def test_after_five_failures_even_the_password_has_to_wait(stranger: Operator) -> None:
    assert [stranger.sign_in("wrong").status for _ in range(6)] == [403] * 5 + [429]
    page = stranger.sign_in()
    assert page.status == 429
    assert 0 < int(page.headers["Retry-After"]) <= 60
    with time_machine.travel(utc_now() + timedelta(seconds=61)):
        assert stranger.sign_in().status == 303


def test_fifty_guesses_at_once_are_counted_too(app: Flask, slack: LocalSlack, witness: Witness) -> None:
    guessers = [Operator(app, slack, witness) for _ in range(50)]
    fields = [guesser.csrf_field("/admin/sign-in") for guesser in guessers]

    def guess(number: int) -> int:
        data = {"csrf_token": fields[number], "password": "wrong"}
        return guessers[number].open("/admin/sign-in", "POST", data=data).status

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(guess, range(50)))
    assert statuses.count(403) == 5
    assert statuses.count(429) == 45


def test_successes_are_not_counted(stranger: Operator) -> None:
    for _ in range(8):
        assert stranger.sign_in().status == 303
        stranger.submit("/admin", "/admin/sign-out")


def test_one_address_does_not_lock_out_another(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness
) -> None:
    app = make_app(ADMIN_PASSWORD=PASSWORD, TRUSTED_PROXY_COUNT="1")
    guesser = Operator(app, slack, witness)
    field = guesser.csrf_field("/admin/sign-in")

    def guess(address: str, password: str) -> int:
        data = {"csrf_token": field, "password": password}
        return guesser.open("/admin/sign-in", "POST", data=data, headers={"X-Forwarded-For": address}).status

    assert [guess(f"2001:db8::{number}", "wrong") for number in range(6)][-1] == 429
    assert guess("2001:db8:0:1::1", PASSWORD) == 303


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("::ffff:198.51.100.1", "::ffff:203.0.113.9"),
        ("198.51.100.1:1000", "203.0.113.9:1000"),
        ("[2001:db8::1]:1", "[2001:db9::1]:1"),
    ],
)
def test_addresses_are_told_apart_however_they_are_written(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, one: str, other: str
) -> None:
    guesser = Operator(make_app(ADMIN_PASSWORD=PASSWORD, TRUSTED_PROXY_COUNT="1"), slack, witness)
    field = guesser.csrf_field("/admin/sign-in")

    def guess(address: str, password: str) -> int:
        data = {"csrf_token": field, "password": password}
        return guesser.open("/admin/sign-in", "POST", data=data, headers={"X-Forwarded-For": address}).status

    assert [guess(one, "wrong") for _ in range(6)][-1] == 429
    assert guess(other, PASSWORD) == 303


def test_the_cookie_is_strict(make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness) -> None:
    app = make_app(ADMIN_PASSWORD=PASSWORD, PUBLIC_URL="https://connect.example.com")
    operator = Operator(app, slack, witness)
    operator._client.get("/", base_url="https://connect.example.com")
    page = operator.open("/admin/sign-in", base_url="https://connect.example.com")
    field = re.search(r'name="csrf_token" value="([^"]+)"', page.source)
    assert field
    response = operator._client.post(
        "/admin/sign-in",
        data={"csrf_token": field[1], "password": PASSWORD},
        base_url="https://connect.example.com",
    )
    [cookie] = [
        each
        for each in response.headers.getlist("Set-Cookie")
        if each.startswith("__Host-admin=") and "Max-Age=28800" in each
    ]
    for attribute in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_signing_out_ends_the_session_for_a_thief_too(
    operator: Operator, app: Flask, slack: LocalSlack, witness: Witness
) -> None:
    thief = Operator(app, slack, witness)
    thief.keep_cookie("admin", operator.cookies["admin"])
    assert thief.open("/admin").heading == "Overview"
    assert operator.submit("/admin", "/admin/sign-out").location == "/admin/sign-in"
    assert thief.open("/admin").status == 303
    assert operator.open("/admin").status == 303


def test_a_session_that_was_planted_is_not_the_one_that_is_let_in(stranger: Operator, operator: Operator) -> None:
    planted = operator.cookies["admin"]
    stranger.keep_cookie("admin", planted)
    stranger.submit("/admin", "/admin/sign-out")
    stranger.keep_cookie("admin", planted)
    stranger.sign_in()
    assert stranger.cookies["admin"] != planted
    assert operator.open("/admin").status == 303


def test_a_form_field_from_before_the_sign_in_is_worth_nothing_after(stranger: Operator) -> None:
    before = stranger.csrf_field("/admin/sign-in")
    stranger.sign_in()
    assert stranger.open("/admin/links", "POST", data={"csrf_token": before, "subscriber": "x"}).status == 400


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "é", "x" * 4000])
def test_a_forged_cookie_opens_nothing(stranger: Operator, cookie: str) -> None:
    stranger.keep_cookie("admin", cookie)
    assert stranger.open("/admin").status == 303


def test_a_session_ends_after_eight_hours(operator: Operator, store: redis.Redis) -> None:
    [key] = store.scan_iter("onboarding:session:*")
    assert 28_700 < store.ttl(key) <= 28_800
    with time_machine.travel(utc_now() + timedelta(hours=8, minutes=1)):
        assert operator.open("/admin").status == 303


def test_another_password_ends_every_session(
    operator: Operator, make_app: Callable[..., Flask], witness: Witness
) -> None:
    operator.move_to(make_app(ADMIN_PASSWORD=PASSWORD))
    assert operator.open("/admin").status == 200
    operator.move_to(make_app(ADMIN_PASSWORD="another password"))
    assert operator.open("/admin").status == 303


def test_a_session_survives_a_new_secret_key(
    operator: Operator, make_app: Callable[..., Flask], env: dict[str, str]
) -> None:
    new = {"SECRET_KEY": "another key that is long enough for us", "SECRET_KEY_FALLBACKS": env["SECRET_KEY"]}
    operator.move_to(make_app(ADMIN_PASSWORD=PASSWORD, **new))
    assert operator.open("/admin").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/admin/sign-in",
        "/admin/sign-out",
        "/admin/links",
        "/admin/links/" + "a" * 22 + "/revoke",
        "/admin/attempts/" + "a" * 22 + "/retry",
        "/admin/attempts/" + "a" * 22 + "/link",
        "/admin/connections/anything",
    ],
)
@pytest.mark.parametrize("data", [{}, {"csrf_token": "forged"}])
def test_nothing_changes_without_the_form_field(operator: Operator, path: str, data: dict[str, str]) -> None:
    assert operator.open(path, "POST", data=data).status == 400


def test_somebody_elses_form_field_is_refused(operator: Operator, stranger: Operator) -> None:
    stranger.sign_in()
    foreign = stranger.csrf_field("/admin/links")
    assert operator.open("/admin/links", "POST", data={"csrf_token": foreign, "subscriber": "x"}).status == 400


def test_without_redis_nobody_is_let_in(operator: Operator, make_app: Callable[..., Flask]) -> None:
    operator.move_to(make_app(ADMIN_PASSWORD=PASSWORD, REDIS_URL="redis://127.0.0.1:1"))
    page = operator.open("/admin")
    assert page.status == 503
    assert page.heading == "Redis does not answer"
