"""The landing page: whose account will be connected to what, before anything happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import redis
import time_machine
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from onboarding.clock import utc_now
from tests.aging import Database
from tests.conftest import MintLink
from tests.fakes import SECRET_KEY, LocalSlack
from tests.person import Person
from tests.witness import Witness


def test_it_names_the_account_and_the_product(person: Person, link: str) -> None:
    page = person.open(link)
    assert page.status == 200
    assert page.heading == "Connect Acme Inc. to Slack"
    assert "Sprocket will post notifications to the Slack workspace you choose" in page.text
    assert "Add to Slack" in page.text
    assert "come back to this same link afterwards" in page.text
    assert "This link works for another 7 days." in page.text


def test_every_permission_is_explained(person: Person, link: str) -> None:
    page = person.open(link)
    for words in ("Post messages to deliver your notifications", "See private channels it was added to"):
        assert words in page.text


def test_looking_writes_nothing(person: Person, link: str, store: redis.Redis, ledger_db: Database) -> None:
    person.open(link)
    person.open(link, "HEAD")
    assert store.dbsize() == 0
    for table in ("attempt", "link", "tally", "audit"):
        assert ledger_db.execute(f"SELECT * FROM {table}").fetchall() == []


def test_markup_in_names_is_text(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, mint: MintLink
) -> None:
    somebody = Person(make_app(PRODUCT_NAME="<script>x</script>"), slack, witness)
    page = somebody.open(mint(account="<b>Acme</b> & Sons"))
    assert page.heading == "Connect <b>Acme</b> & Sons to Slack"
    assert "<script>x" not in page.source
    assert "<b>Acme" not in page.source


def test_names_without_an_own_name_begin_sentences_with_a_capital(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, mint: MintLink
) -> None:
    page = Person(make_app(PRODUCT_NAME=""), slack, witness).open(mint(account=None))
    assert page.heading == "Connect your account to Slack"
    assert "This app will post notifications" in page.text


@pytest.mark.parametrize(
    ("life", "words"),
    [
        (timedelta(days=7), "7 days"),
        (timedelta(hours=25), "25 hours"),
        (timedelta(minutes=61), "61 minutes"),
        (timedelta(seconds=90), "90 seconds"),
    ],
)
def test_what_is_left_of_a_link_is_not_overstated(person: Person, mint: MintLink, life: timedelta, words: str) -> None:
    assert f"This link works for another {words}." in person.open(mint(life)).text


def test_names_of_every_script_are_welcome(person: Person, mint: MintLink) -> None:
    for name in ("Acme\N{NO-BREAK SPACE}Inc.", "\N{WOMAN}\u200d\N{PERSONAL COMPUTER} GmbH", "می\u200cخواهم", "Ünï"):
        page = person.open(mint(account=name))
        assert page.status == 200
        assert page.heading == f"Connect {' '.join(name.split())} to Slack"


def test_an_expired_link_says_so(person: Person, mint: MintLink) -> None:
    link = mint(timedelta(minutes=5))
    with time_machine.travel(utc_now() + timedelta(minutes=6)):
        page = person.open(link)
    assert page.status == 410
    assert page.heading == "This link has expired"
    assert "Links work for 7 days" in page.text
    assert page.link("Contact support") == "mailto:help@sprocket.example"


@pytest.mark.parametrize("token", ["x", "a.b.c", "x" * 7000, "%00", "%FF%FE", "%E2%80%AE", "eyJ.x.y%0d%0aX: y"])
def test_a_forged_link_is_unknown(person: Person, token: str) -> None:
    page = person.open(f"/install/{token}")
    assert page.status == 404
    assert page.heading == "We don't know this link"


def test_a_truncated_link_is_unknown(person: Person, link: str) -> None:
    assert person.open(link[:-1]).status == 404


def test_a_link_signed_with_another_salt_is_unknown(person: Person) -> None:
    token = URLSafeTimedSerializer([SECRET_KEY], salt="cookie-session").dumps({"id": "x" * 22})
    assert person.open(f"/install/{token!s}").status == 404


def test_a_badly_made_link_is_explained_to_its_maker_without_repeating_it(person: Person) -> None:
    payload = {"id": "x" * 22, "subscriberId": "s", "expiresAt": "soon-ish", "returnUrl": "http://evil.example"}
    token = URLSafeTimedSerializer([SECRET_KEY], salt="install-link").dumps(payload)
    page = person.open(f"/install/{token!s}")
    assert page.status == 400
    assert page.heading == "This link was made with a mistake"
    assert "expiresAt must be a moment in UTC" in page.text
    assert "returnUrl must be an https URL" in page.text
    assert "evil" not in page.source
    assert "soon-ish" not in page.source


def test_when_connected_it_says_so_and_still_offers_to_reconnect(person: Person, mint: MintLink) -> None:
    link = mint(returnUrl="https://app.example.com/settings")
    person.install(link)
    page = person.open(link)
    assert page.status == 200
    assert page.heading == "Acme Inc. is connected to Acme HQ"
    assert page.link("Back to Sprocket") == "https://app.example.com/settings"
    assert person.press(link).status == 303


def test_without_redis_the_link_can_be_opened_and_the_click_says_that_it_is_still_good(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, link: str
) -> None:
    page = Person(make_app(REDIS_URL="unix:///nowhere/redis.sock"), slack, witness).press(link)
    assert page.status == 503
    assert page.heading == "We are having trouble"
    assert "Your link is still good" in page.text


def test_without_postgresql_it_says_that_the_link_is_still_good(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, link: str
) -> None:
    page = Person(make_app(DATABASE_URL="postgresql://nobody@/none?host=/nowhere"), slack, witness).open(link)
    assert page.status == 503
    assert page.heading == "We are having trouble"
    assert "Your link is still good" in page.text
