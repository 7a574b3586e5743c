"""Links that were created here: a short address, with everything else in the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from itsdangerous import Signer

from onboarding.wiring import Wiring
from tests.aging import Database, pass_time
from tests.conftest import MintLink
from tests.fakes import SECRET_KEY, LocalNovu
from tests.person import Person

CONNECT = "Connect Acme Inc. to Slack"
EXPIRED = "This link has expired"
UNKNOWN = "We don't know this link"
OTHER_KEY = "another key that is long enough for us"
NEW_KEY = {"SECRET_KEY": OTHER_KEY, "SECRET_KEY_FALLBACKS": SECRET_KEY}


@pytest.fixture
def create(wiring: Wiring) -> MintLink:
    """Creates a link as the API, the admin and the command line do, and gives its path."""

    def create(expires_in: timedelta | None = None, **fields: object) -> str:
        link = wiring.minting.mint({"subscriberId": "subscriber-123", "account": "Acme Inc.", **fields}, expires_in)
        wiring.minting.record(link, "somebody")
        return wiring.minting.url(link).removeprefix("http://127.0.0.1:8000")

    return create


def id_of(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]


def test_the_address_is_the_signed_id(create: MintLink) -> None:
    path = create(context={"tenant": {"id": "org-1", "data": {"note": "x" * 60_000}}})
    token = path.removeprefix("/install/")
    assert len(token) == 50
    assert token == Signer(SECRET_KEY, salt="short-link").sign(id_of(path)).decode()


def test_it_opens_and_connects(person: Person, create: MintLink, novu: LocalNovu) -> None:
    path = create(context={"tenant": {"id": "org-1", "data": {"plan": "pro"}}}, returnUrl="https://app.example.com/x")
    assert person.open(path).heading == CONNECT
    page = person.install(path)
    assert page.heading == "Acme HQ is connected"
    assert page.link("Do this later").startswith("https://app.example.com/x?")
    [connection] = novu.state.connections
    assert connection.context_keys == ("tenant:org-1",)


def test_it_ends_when_it_says(person: Person, create: MintLink, ledger_db: Database) -> None:
    path = create(timedelta(hours=2))
    assert "another 2 hours" in person.open(path).text
    pass_time(ledger_db, timedelta(hours=1, minutes=59))
    assert person.open(path).status == 200
    pass_time(ledger_db, timedelta(minutes=2))
    for page in (person.open(path), person.open(path, "POST", data={"csrf_token": csrf_field(person, create())})):
        assert (page.status, page.heading) == (410, EXPIRED)


def test_a_revoked_one_is_gone_and_stays_gone_until_it_is_forgotten(
    person: Person, create: MintLink, wiring: Wiring, ledger_db: Database
) -> None:
    path, other = create(), create()
    wiring.minting.revoke(id_of(path))
    assert (person.open(path).status, person.open(other).status) == (410, 200)
    pass_time(ledger_db, timedelta(days=13))
    forget(wiring)
    assert (person.open(path).status, person.open(other).heading) == (410, EXPIRED)
    pass_time(ledger_db, timedelta(days=1, seconds=1))
    forget(wiring)
    for forgotten in (path, other):
        page = person.open(forgotten)
        assert (page.status, page.heading) == (404, UNKNOWN)


def test_one_that_nobody_got_in_the_end_is_unknown(person: Person, create: MintLink, wiring: Wiring) -> None:
    path = create()
    wiring.ledger.links.remove(id_of(path))
    assert person.open(path).status == 404


@pytest.mark.parametrize(
    "damage",
    [
        lambda token: token[:-1],
        lambda token: token[1:],
        lambda token: token[:22],
        lambda token: token + "A",
        lambda token: token[:23] + token[23:][::-1],
        lambda token: token[:21] + ("A" if token[21] != "A" else "B") + token[22:],
        lambda token: token.replace(".", "-"),
        lambda token: token.replace(".", ".."),
        lambda token: Signer("a key of another deployment, also long", salt="short-link").sign(token[:22]).decode(),
        lambda token: Signer(SECRET_KEY, salt="install-link").sign(token[:22]).decode(),
        lambda token: Signer(SECRET_KEY).sign(token[:22]).decode(),
    ],
)
def test_a_forged_or_damaged_address_is_not_found(
    person: Person, create: MintLink, damage: Callable[[str], str]
) -> None:
    path = create()
    page = person.open(f"/install/{damage(path.removeprefix('/install/'))}")
    assert (page.status, page.heading) == (404, UNKNOWN)


def test_an_id_that_was_never_created_is_not_found_however_well_it_is_signed(person: Person) -> None:
    token = Signer(SECRET_KEY, salt="short-link").sign("a" * 22).decode()
    assert person.open(f"/install/{token}").status == 404


def test_it_survives_a_new_secret_key_as_long_as_the_old_one_is_known(
    person: Person, create: MintLink, make_app: Callable[..., Flask]
) -> None:
    path = create()
    person.move_to(make_app(**NEW_KEY))
    assert person.install(path).heading == "Acme HQ is connected"
    person.move_to(make_app(SECRET_KEY=OTHER_KEY))
    assert person.open(path).status == 404


def test_after_a_new_secret_key_the_same_link_has_a_second_address(
    person: Person, create: MintLink, make_app: Callable[..., Flask]
) -> None:
    path = create()
    app = make_app(**NEW_KEY)
    rotated: Wiring = app.extensions["onboarding"]
    listed = rotated.minting.find(id_of(path))
    assert listed
    assert not listed.url.endswith(path)
    person.move_to(app)
    assert person.open(listed.url.removeprefix("http://127.0.0.1:8000")).heading == CONNECT


def test_a_shorter_longest_life_brings_the_end_forward(
    person: Person, create: MintLink, make_app: Callable[..., Flask], ledger_db: Database
) -> None:
    path, brief = create(), create(timedelta(minutes=30))
    person.move_to(make_app(LINK_MAX_AGE="7200"))
    assert "another 2 hours" in person.open(path).text
    assert "another 30 minutes" in person.open(brief).text
    pass_time(ledger_db, timedelta(hours=2, seconds=1))
    assert (person.open(path).status, person.open(path).heading) == (410, EXPIRED)
    person.move_to(make_app())
    assert person.open(path).status == 200


def test_a_longer_longest_life_does_not_put_the_end_off(
    person: Person, create: MintLink, make_app: Callable[..., Flask], ledger_db: Database
) -> None:
    path = create()
    person.move_to(make_app(LINK_MAX_AGE="1209600"))
    pass_time(ledger_db, timedelta(days=7, seconds=1))
    assert person.open(path).status == 410


def test_the_page_of_an_attempt_leads_back_to_the_short_address(person: Person, create: MintLink) -> None:
    path = create()
    page = person.install(path, decision="cancel")
    assert page.link("Try again") == path
    assert person.install(page.link("Try again")).heading == "Acme HQ is connected"


def test_the_page_of_an_attempt_leads_back_to_the_address_that_a_host_signed(person: Person, link: str) -> None:
    again = person.install(link, decision="cancel").link("Try again")
    assert len(again) > 200
    assert person.install(again).heading == "Acme HQ is connected"


def test_the_message_for_the_admin_holds_the_short_address(person: Person, create: MintLink) -> None:
    path = create()
    page = person.install(path, outcome="not_permitted")
    assert f"http://127.0.0.1:8000{path}" in page.source
    assert page.link("It's approved: continue") == path


def test_both_kinds_of_links_of_one_owner_land_on_one_connection(
    person: Person, create: MintLink, mint: MintLink, novu: LocalNovu
) -> None:
    person.install(create())
    person.install(mint())
    assert len(novu.state.connections) == 1


def csrf_field(person: Person, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', person.open(path).source)
    assert found
    return found[1]


def forget(wiring: Wiring) -> None:
    while wiring.ledger.links.forget():
        pass
