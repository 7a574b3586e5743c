"""The click: a state, a cookie, and off to Slack."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import redis
from flask import Flask

from onboarding.settings.apps import DEFAULT_SCOPES
from onboarding.wiring import Wiring
from tests.aging import Database, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalSlack
from tests.person import Person, state_of
from tests.witness import Witness


def test_slack_is_asked_for_what_is_configured(person: Person, link: str, slack: LocalSlack) -> None:
    url = person.add_to_slack(link)
    asked = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{slack.url}/oauth/v2/authorize?")
    assert asked["client_id"] == [slack.state.app.client_id]
    assert asked["redirect_uri"] == ["http://127.0.0.1:8000/slack/oauth_redirect"]
    assert asked["scope"] == [DEFAULT_SCOPES]
    assert len(asked["state"][0]) == 43


def test_every_click_has_a_state_and_a_cookie_of_its_own(person: Person, link: str) -> None:
    states = {state_of(person.add_to_slack(link)) for _ in range(3)}
    assert len(states) == 3
    assert len([name for name in person.cookies if name.startswith("attempt-")]) == 3


def test_the_cookie_does_not_know_the_state(person: Person, link: str) -> None:
    state = state_of(person.add_to_slack(link))
    assert state not in str(person.cookies)


def test_redis_and_the_ledger_know_neither_the_state_nor_the_cookie(
    person: Person, link: str, store: redis.Redis, ledger_db: Database
) -> None:
    state = state_of(person.add_to_slack(link))
    [cookie] = [value for name, value in person.cookies.items() if name.startswith("attempt-")]
    [key] = store.scan_iter("onboarding:state:*")
    held = str([key, store.get(key), *ledger_db.execute("SELECT * FROM attempt")])
    assert state not in held
    assert cookie not in held


def test_cookies_keep_to_the_server_and_the_site(make_app: Callable[..., Flask], link: str) -> None:
    client = make_app(PUBLIC_URL="https://connect.example.com").test_client()
    landing = client.get(link, base_url="https://connect.example.com")
    token = landing.text.split('name="csrf_token" value="')[1].split('"')[0]
    response = client.post(link, data={"csrf_token": token}, base_url="https://connect.example.com")
    assert response.status_code == 303
    cookies = landing.headers.getlist("Set-Cookie") + response.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
        assert "Domain" not in cookie


def test_old_cookies_make_room(person: Person, mint: MintLink) -> None:
    for _ in range(15):
        person.add_to_slack(mint())
    assert len([name for name in person.cookies if name.startswith("attempt-")]) == 10


def test_without_the_form_field_nothing_starts(
    person: Person, link: str, store: redis.Redis, ledger_db: Database
) -> None:
    for options in ({}, {"data": {"csrf_token": "forged"}}, {"json": {"csrf_token": "x"}}, {"data": b"\x00\xff"}):
        page = person.open(link, "POST", **options)
        assert page.status == 400
        assert page.heading == "Please press the button again"
    assert list(store.scan_iter()) == []
    assert ledger_db.execute("SELECT id FROM attempt").fetchall() == []


def test_another_browsers_form_field_does_not_start(
    person: Person, app: Flask, slack: LocalSlack, witness: Witness, link: str
) -> None:
    stranger = Person(app, slack, witness)
    field = stranger.open(link).source.split('name="csrf_token" value="')[1].split('"')[0]
    person.open(link)
    assert person.open(link, "POST", data={"csrf_token": field}).status == 400


def test_a_form_survives_the_change_of_the_key(
    person: Person, make_app: Callable[..., Flask], link: str, env: dict[str, str]
) -> None:
    field = person.open(link).source.split('name="csrf_token" value="')[1].split('"')[0]
    person.move_to(make_app(SECRET_KEY="n" * 32, SECRET_KEY_FALLBACKS=env["SECRET_KEY"]))
    assert person.open(link, "POST", data={"csrf_token": field}).status == 303
    person.move_to(make_app(SECRET_KEY="n" * 32, SECRET_KEY_FALLBACKS="o" * 32))
    assert person.open(link, "POST", data={"csrf_token": field}).status == 400


def test_other_cookies_are_left_alone(person: Person, mint: MintLink) -> None:
    for number in range(12):
        person.keep_cookie(f"attempt-{number}", "x")
    person.add_to_slack(mint())
    assert len([name for name in person.cookies if name.startswith("attempt-")]) == 13


def test_a_link_starts_thirty_times_an_hour_and_no_more(person: Person, link: str, mint: MintLink) -> None:
    for _ in range(30):
        assert person.press(link).status == 303
    page = person.press(link)
    assert page.status == 429
    assert page.heading == "Please wait a little"
    assert 0 < int(page.headers["Retry-After"]) <= 3600
    assert person.press(mint()).status == 303


def test_abandoned_attempts_leave_within_a_day(wiring: Wiring, person: Person, link: str, ledger_db: Database) -> None:
    person.add_to_slack(link)
    pass_time(ledger_db, timedelta(hours=11))
    assert wiring.ledger.attempts.expire() == 1
    assert wiring.ledger.attempts.forget() == 0
    pass_time(ledger_db, timedelta(hours=12))
    assert wiring.ledger.attempts.forget() == 1
    assert wiring.ledger.lists.search("acme") == []
    assert ledger_db.execute("SELECT FROM attempt").rowcount == 0


def test_an_oversized_form_is_refused(person: Person, link: str) -> None:
    assert person.open(link, "POST", data={"csrf_token": "x" * 100_000}).status == 413
