"""The landing page: whose account will be connected to what, before anything happens."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import redis
import time_machine
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from onboarding.clock import utc_now
from onboarding.wiring import Wiring
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
    for words in (
        "Post messages to deliver your notifications, also in public channels, without an invitation",
        "See channel names to let you choose where notifications go, including private channels it was added to",
    ):
        assert words in page.text


def test_each_kind_of_permission_is_there_once(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, link: str
) -> None:
    scopes = "users:read.email,groups:read,chat:write.public,users:read,channels:read,chat:write,reactions:write"
    page = Person(make_app(SLACK_SCOPES=scopes), slack, witness).open(link)
    assert re.findall(r"<li>.*?<strong>(.*?)</strong>", page.source) == [
        "Post messages",
        "See channel names",
        "See who is in the workspace",
        "Use reactions:write",
    ]
    assert "with e-mail addresses, to match people with their Sprocket accounts" in page.text
    assert page.text.count("to deliver your notifications") == 1


@pytest.mark.parametrize(
    ("scopes", "is_said"),
    [
        ("chat:write,channels:read,im:read,im:write", True),
        ("chat:write,channels:history", False),
        ("chat:write,im:history", False),
        ("chat:write,search:read.public", False),
    ],
)
def test_that_it_cannot_read_messages_is_said_while_it_is_true(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, link: str, scopes: str, *, is_said: bool
) -> None:
    page = Person(make_app(SLACK_SCOPES=scopes), slack, witness).open(link)
    assert ("It can't read your messages." in page.text) is is_said


def test_a_link_for_one_workspace_says_so(person: Person, mint: MintLink) -> None:
    page = person.open(mint(workspaceId="T9TK3CUKW"))
    assert "Sprocket will post notifications to the workspace this link is for." in page.text
    assert "No other workspace can be connected with this link." in page.text
    assert "T9TK3CUKW" not in page.text
    assert "the Slack workspace you choose" not in page.text


def test_a_link_for_a_workspace_that_was_connected_before_names_it(
    person: Person, mint: MintLink, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(mint())
    [made] = ledger_db.execute("SELECT identifier FROM connection").fetchall()
    wiring.upkeep.disconnect(made["identifier"], revokes=False)
    page = person.open(mint(workspaceId="T9TK3CUKW"))
    assert page.heading == "Connect Acme Inc. to Slack"
    assert "Sprocket will post notifications to Acme HQ. No other workspace" in page.text


def test_a_connected_link_for_one_workspace_offers_no_other(person: Person, mint: MintLink) -> None:
    person.install(mint())
    same, other = person.open(mint(workspaceId="T9TK3CUKW")), person.open(mint(workspaceId="T0NRTHW1ND"))
    assert "Add to Slack again" in same.text
    assert "Connect that workspace" in other.text
    assert "This link is for another workspace, and for that one only." in other.text
    for page in (same, other):
        assert "Use another workspace" not in page.text


def test_a_broken_connection_offers_slack_again_and_another_workspace_unless_the_link_is_for_one(
    person: Person, mint: MintLink, ledger_db: Database
) -> None:
    person.install(mint())
    ledger_db.execute("UPDATE connection SET state = 'broken', reason = 'app_uninstalled'")
    page, same, other = (person.open(mint(workspaceId=each)) for each in (None, "T9TK3CUKW", "T0NRTHW1ND"))
    for each in (page, same, other):
        assert each.heading == "Slack disconnected Acme Inc."
        assert "Sprocket can no longer post to Acme HQ" in each.text
        assert "the app was removed from the workspace" in each.text
        assert re.search(r"Add to Slack again", each.text)
    assert "Use another workspace" in page.text
    assert "Use another workspace" not in same.text + other.text
    assert "This link is for another workspace" in other.text
    assert "This link is for another workspace" not in page.text + same.text


def test_looking_writes_nothing(person: Person, link: str, store: redis.Redis, ledger_db: Database) -> None:
    person.open(link)
    person.open(link, "HEAD")
    assert store.dbsize() == 0
    for table in ("attempt", "link", "tally_mark", "audit"):
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
    assert "Links work for 7 days at most." in page.text
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
