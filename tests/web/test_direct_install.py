"""Slack's Direct Install URL: people who come without a link, and what this browser is offered afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from flask import Flask

from onboarding.model.errors import NotClaimable, OtherWorkspace
from onboarding.settings.apps import DEFAULT_SCOPES
from onboarding.wiring import Wiring
from tests.aging import Database, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Page, Person, path_of, set_cookies, state_of
from tests.witness import Witness

START = "/slack/install"
SEVERAL = """
[apps.first-app]
client_id = "1.1"
client_secret = "{secret}"
[apps.second-app]
client_id = "2.2"
client_secret = "{secret}"
"""


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(DIRECT_INSTALL="1")


@pytest.fixture
def stranger(app: Flask, slack: LocalSlack, witness: Witness) -> Person:
    return Person(app, slack, witness)


def begin(person: Person, path: str = START) -> Page:
    page = person.open(path)
    assert page.status == 302, page.text
    return page


def add(person: Person, slack: LocalSlack, witness: Witness, **answer: str) -> str:
    """Add the app in Slack without a link. Gives the path of the attempt."""
    url = begin(person).location
    witness.secrets.add(state_of(url))
    back = person.open(path_of(slack.answer(url, **answer)))
    assert back.status == 303
    return back.location


def claim(person: Person, link: str, place: str) -> Page:
    """Press Connect on the landing page."""
    return person.submit(link, f"{link}/claim", attempt=place.rsplit("/", 1)[1])


# The start.


def test_without_the_setting_there_is_no_such_page(make_app: Callable[..., Flask], ledger_db: Database) -> None:
    client = make_app().test_client()
    assert client.get(START).status_code == 404
    assert client.head(START).status_code == 404
    assert ledger_db.execute("SELECT FROM attempt").fetchall() == []


def test_slacks_marketplace_gets_the_302_that_it_asks_for(person: Person, slack: LocalSlack) -> None:
    page = begin(person)
    assert page.source == ""
    asked = parse_qs(urlsplit(page.location).query)
    assert page.location.startswith(f"{slack.url}/oauth/v2/authorize?")
    assert asked["scope"] == [DEFAULT_SCOPES]
    assert asked["redirect_uri"] == ["http://127.0.0.1:8000/slack/oauth_redirect"]
    assert "team" not in asked
    assert len(asked["state"][0]) == 43


def test_an_attempt_begins_that_belongs_to_nobody(person: Person, ledger_db: Database, store: redis.Redis) -> None:
    state = state_of(begin(person).location)
    [attempt] = ledger_db.execute("SELECT * FROM attempt").fetchall()
    assert attempt["status"] == "started"
    assert attempt["owner"] == f"direct:{attempt['id']}"
    assert attempt["subscriber_id"] is None
    [cookie] = [value for name, value in person.cookies.items() if "attempt-" in name]
    [key] = store.scan_iter("onboarding:state:*")
    held = str([key, store.get(key), attempt])
    assert state not in held
    assert cookie not in held


def test_its_cookie_keeps_to_the_server_and_the_site(make_app: Callable[..., Flask]) -> None:
    made = make_app(DIRECT_INSTALL="1", PUBLIC_URL="https://connect.example.com")
    response = made.test_client().get(START, base_url="https://connect.example.com")
    [cookie] = response.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-attempt-")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert len(set_cookies(response)) == 1


@pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}])
def test_what_looks_ahead_starts_nothing(person: Person, ledger_db: Database, headers: dict[str, str]) -> None:
    assert person.open(START, headers=headers).status == 405
    assert person.open(START, "HEAD").status == 405
    assert ledger_db.execute("SELECT FROM attempt").fetchall() == []
    assert [name for name in person.cookies if "attempt-" in name] == []


@pytest.mark.parametrize(("dest", "status"), [("image", 400), ("iframe", 400), ("empty", 400), ("document", 302)])
def test_only_a_navigation_starts_it(person: Person, ledger_db: Database, dest: str, status: int) -> None:
    assert person.open(START, headers={"Sec-Fetch-Dest": dest}).status == status
    assert len(ledger_db.execute("SELECT FROM attempt").fetchall()) == (status == 302)


@pytest.mark.parametrize(
    ("team", "passed_on"), [("T123ABC", True), ("E123ABC", True), ("t1", False), ("T1&x=y", False)]
)
def test_a_workspace_is_passed_on_if_it_can_be_one(person: Person, team: str, passed_on: bool) -> None:
    asked = parse_qs(urlsplit(begin(person, f"{START}?team={team.replace('&', '%26')}").location).query)
    assert asked.get("team") == ([team] if passed_on else None)
    assert "team" not in parse_qs(urlsplit(begin(person, f"{START}?team=T1&team=T2").location).query)


@pytest.mark.parametrize("query", ["app=other", "app=", "app=slack-prod&app=slack-prod", "app=%00", "app=Slack-Prod"])
def test_an_app_that_is_none_is_not_found(person: Person, query: str, ledger_db: Database) -> None:
    assert person.open(f"{START}?{query}").status == 404
    assert ledger_db.execute("SELECT FROM attempt").fetchall() == []
    assert begin(person, f"{START}?app=slack-prod").status == 302


def test_several_apps_each_have_their_own(
    make_app: Callable[..., Flask], tmp_path: object, slack: LocalSlack, witness: Witness
) -> None:
    file = f"{tmp_path}/apps.toml"
    with open(file, "w", encoding="utf-8") as written:  # noqa: PTH123
        written.write(SEVERAL.format(secret="a-client-secret"))
    apps = {"APPS_FILE": file, "NOVU_INTEGRATION_IDENTIFIER": "", "SLACK_CLIENT_ID": "", "SLACK_CLIENT_SECRET": ""}
    somebody = Person(make_app(DIRECT_INSTALL="1", **apps), slack, witness)
    assert somebody.open(START).status == 404
    asked = parse_qs(urlsplit(begin(somebody, f"{START}?app=second-app").location).query)
    assert asked["client_id"] == ["2.2"]
    home = somebody.open("/")
    assert f"{START}?app=first-app" in home.source
    assert f"{START}?app=second-app" in home.source


def test_too_many_from_one_network_wait(app: Flask, person: Person) -> None:
    for _ in range(30):
        assert app.test_client().get(START).status_code == 302
    page = person.open(START)
    assert page.status == 429
    assert int(page.headers["Retry-After"]) > 0
    elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
    assert app.test_client().get(START, environ_overrides=elsewhere).status_code == 302


def test_without_redis_nothing_starts(make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness) -> None:
    somebody = Person(make_app(DIRECT_INSTALL="1", REDIS_URL="redis://127.0.0.1:1/0"), slack, witness)
    assert somebody.open(START).status == 503


def test_old_cookies_make_room(person: Person) -> None:
    for _ in range(9):
        begin(person)
    assert len([name for name in person.cookies if "attempt-" in name]) == 5


def test_the_home_page_tells_strangers_how_to_start(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness
) -> None:
    privacy = {"PRIVACY_URL": "https://sprocket.example/privacy"}
    home = Person(make_app(DIRECT_INSTALL="1", **privacy), slack, witness).open("/")
    assert home.link("Add to Slack") == START
    assert "Sprocket posts notifications" in home.text
    assert home.link("Contact support") == "mailto:help@sprocket.example"
    assert 'href="https://sprocket.example/privacy"' in home.source
    assert START not in Person(make_app(**privacy), slack, witness).open("/").source


# What comes back from Slack.


def test_slacks_yes_is_kept_for_whoever_claims_it(
    person: Person, slack: LocalSlack, novu: LocalNovu, witness: Witness, ledger_db: Database
) -> None:
    place = add(person, slack, witness)
    page = person.open(place)
    assert page.heading == "Sprocket was added to Acme HQ"
    assert "this browser will be recognised for 7 days" in page.text
    assert page.link("How to connect") == "mailto:help@sprocket.example"
    told = person.open(f"{place}/status").source
    assert '"status":"unclaimed"' in told
    assert '"reason":null' in told
    assert '"name":"Acme HQ"' in told
    assert novu.state.connections == ()
    [attempt] = ledger_db.execute("SELECT * FROM attempt").fetchall()
    assert slack.state.grants[0].token not in str(attempt)
    assert attempt["sealed"]
    assert ledger_db.execute("SELECT FROM work WHERE kind IN ('deliver', 'revoke', 'webhook')").fetchall() == []


def test_another_browser_sees_how_it_stands_and_cannot_complete_it(
    person: Person, stranger: Person, slack: LocalSlack, witness: Witness
) -> None:
    url = begin(person).location
    back = path_of(slack.answer(url))
    assert stranger.open(back).status == 403
    place = person.open(back).location
    assert "The browser that added it" in stranger.open(place).text
    assert person.open(back).location == place


@pytest.mark.parametrize(
    ("answer", "status", "heading"),
    [
        ({"decision": "cancel"}, "cancelled", "Nothing was connected"),
        ({"outcome": "not_permitted"}, "awaiting_approval", "Your Slack admin has to approve this first"),
        ({"outcome": "server_error"}, "failed", "Slack did not answer"),
        ({"outcome": "fewer_scopes"}, "failed", None),
    ],
)
def test_what_ends_otherwise_tells_no_host_and_speaks_of_no_link(
    person: Person,
    slack: LocalSlack,
    witness: Witness,
    ledger_db: Database,
    answer: dict[str, str],
    status: str,
    heading: str | None,
) -> None:
    place = add(person, slack, witness, **answer)
    page = person.open(place)
    assert heading is None or page.heading == heading
    assert "link" not in page.text.replace("Privacy", "").lower() or status == "awaiting_approval"
    assert f'href="{START}"' in page.source
    assert f'"status":"{status}"' in person.open(f"{place}/status").source
    assert ledger_db.execute("SELECT FROM event").fetchall() == []


def test_an_admin_is_sent_where_it_begins(person: Person, slack: LocalSlack, witness: Witness) -> None:
    page = person.open(add(person, slack, witness, outcome="not_permitted"))
    assert f"http://127.0.0.1:8000{START}" in page.source
    assert page.link("It's approved: continue") == START


def test_coming_back_too_late_starts_again(
    person: Person, slack: LocalSlack, witness: Witness, ledger_db: Database
) -> None:
    url = begin(person).location
    pass_time(ledger_db, timedelta(minutes=11))
    page = person.open(path_of(slack.answer(url)))
    assert page.status == 410
    assert page.link("Start again") == START


def test_a_callback_without_state_still_says_how_to_start(person: Person) -> None:
    page = person.open("/slack/oauth_redirect?code=1.2.3")
    assert page.status == 400
    assert page.heading == "Let's start from the right place"


# The claim.


def test_the_landing_page_offers_what_this_browser_brought(
    person: Person, stranger: Person, link: str, slack: LocalSlack, novu: LocalNovu, witness: Witness
) -> None:
    place = add(person, slack, witness)
    page = person.open(link)
    assert page.heading == "Connect Acme HQ to Acme Inc.?"
    assert "You added Sprocket to Acme HQ in Slack" in page.text
    assert "Use another workspace" in page.text
    assert stranger.open(link).heading == "Connect Acme Inc. to Slack"
    done = claim(person, link, place)
    assert done.status == 303
    assert done.location == place
    assert person.open(place).heading == "Acme HQ is connected"
    [connection] = novu.state.connections
    assert connection.subscriber_id == "subscriber-123"
    assert connection.auth["accessToken"] == slack.state.grants[0].token
    assert person.open(link).heading == "Acme Inc. is connected to Acme HQ"


@pytest.mark.parametrize("dirt", ["{}.", "%3C{}%3E", "{}%20", "{})", "{}/", "_{}_", "{}%20please"])
def test_one_click_claims_from_a_link_with_something_around_it_too(
    person: Person, link: str, slack: LocalSlack, witness: Witness, dirt: str
) -> None:
    place = add(person, slack, witness)
    dirty = f"/install/{dirt.format(link.removeprefix('/install/'))}"
    form = re.search(r'<form method="post" action="([^"]+/claim)"', person.open(dirty).source)
    assert form
    assert person.submit(dirty, form[1], attempt=place.rsplit("/", 1)[1]).location == place
    assert person.open(place).heading == "Acme HQ is connected"


def test_what_cannot_be_claimed_with_a_link_with_something_around_it_is_gone_too(person: Person, link: str) -> None:
    assert person.submit(f"{link}.", f"{link}./claim", attempt="a" * 22).status == 410


def test_another_workspace_can_be_chosen_instead(
    person: Person, link: str, slack: LocalSlack, novu: LocalNovu, witness: Witness
) -> None:
    add(person, slack, witness)
    person.install(link, workspace="T0OTHER00")
    assert [connection.workspace["id"] for connection in novu.state.connections] == ["T0OTHER00"]


def test_the_newest_of_several_is_offered(person: Person, link: str, slack: LocalSlack, witness: Witness) -> None:
    add(person, slack, witness)
    newest = add(person, slack, witness, workspace="T0OTHER00")
    page = person.open(link)
    assert page.heading.startswith("Connect ")
    assert f'value="{newest.rsplit("/", 1)[1]}"' in page.source


def test_a_landing_page_writes_nothing_and_asks_once_more_only_if_there_is_a_cookie(
    person: Person, link: str, slack: LocalSlack, witness: Witness, ledger_db: Database
) -> None:
    add(person, slack, witness)
    before = ledger_db.execute("SELECT * FROM attempt").fetchall()
    person.open(link)
    assert ledger_db.execute("SELECT * FROM attempt").fetchall() == before


@pytest.mark.parametrize("attempt", ["", "x", "a" * 22, "é" * 22, "%00"])
def test_what_is_forgotten_or_was_never_there_is_gone(person: Person, link: str, attempt: str) -> None:
    page = person.submit(link, f"{link}/claim", attempt=attempt)
    assert page.status == 410
    assert page.link("Open your connect link").startswith("/install/")


def test_a_claim_needs_the_field_of_its_form(person: Person, link: str, slack: LocalSlack, witness: Witness) -> None:
    place = add(person, slack, witness)
    assert person.open(f"{link}/claim", "POST", data={"attempt": place.rsplit("/", 1)[1]}).status == 400
    assert person.open(place).heading == "Sprocket was added to Acme HQ"


def test_another_browser_cannot_claim(
    person: Person, stranger: Person, link: str, slack: LocalSlack, witness: Witness
) -> None:
    place = add(person, slack, witness)
    assert claim(stranger, link, place).status == 403
    assert claim(person, link, place).status == 303
    assert claim(stranger, link, place).status == 403


def test_a_second_claim_finds_nothing(
    person: Person, link: str, mint: MintLink, slack: LocalSlack, novu: LocalNovu, witness: Witness
) -> None:
    place = add(person, slack, witness)
    claim(person, link, place)
    again = claim(person, mint(subscriberId="subscriber-123", context={"t": "1"}), place)
    assert again.status == 410
    assert again.link("Back to your connection") == place
    assert len(novu.state.connections) == 1


def test_a_double_click_claims_once_and_leads_to_the_same_page(
    person: Person, stranger: Person, link: str, slack: LocalSlack, novu: LocalNovu, witness: Witness
) -> None:
    place = add(person, slack, witness)
    form = re.search(r'name="csrf_token" value="([^"]+)"', person.open(link).source)
    assert form
    sent = {"csrf_token": form[1], "attempt": place.rsplit("/", 1)[1]}
    clicks = [person.open(f"{link}/claim", "POST", data=sent) for _ in range(2)]
    assert [(click.status, click.location) for click in clicks] == [(303, place), (303, place)]
    assert claim(stranger, link, place).status == 403
    assert len(novu.state.connections) == 1


def test_clicks_in_the_same_moment_all_lead_to_the_same_page(
    app: Flask, person: Person, link: str, slack: LocalSlack, novu: LocalNovu, witness: Witness
) -> None:
    place = add(person, slack, witness)
    form = re.search(r'name="csrf_token" value="([^"]+)"', person.open(link).source)
    assert form
    sent = {"csrf_token": form[1], "attempt": place.rsplit("/", 1)[1]}

    def click(_: int) -> tuple[int, str]:
        tab = Person(app, slack, witness)
        for name, value in person.cookies.items():
            tab.keep_cookie(name, value)
        page = tab.open(f"{link}/claim", "POST", data=sent)
        return page.status, page.location

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(click, range(4))) == {(303, place)}
    assert len(novu.state.connections) == 1


def test_an_attempt_with_a_link_cannot_be_claimed(person: Person, link: str, mint: MintLink) -> None:
    back = person.open(person.come_back(link))
    assert claim(person, mint(context={"t": "1"}), back.location).status == 410


def test_a_link_of_another_integration_claims_nothing(
    person: Person, mint: MintLink, slack: LocalSlack, witness: Witness
) -> None:
    place, other = add(person, slack, witness), mint(integrationIdentifier="slack-other")
    assert person.open(other).heading == "Connect Acme Inc. to Slack"
    assert claim(person, other, place).status == 404
    assert person.open(place).heading == "Sprocket was added to Acme HQ"


def test_a_link_for_another_workspace_claims_nothing(
    person: Person, mint: MintLink, slack: LocalSlack, witness: Witness
) -> None:
    place, other = add(person, slack, witness), mint(workspaceId="T0OTHER00")
    assert "?" not in person.open(other).heading
    page = claim(person, other, place)
    assert page.status == 409
    assert "T0OTHER00" in page.text
    assert person.open(place).heading == "Sprocket was added to Acme HQ"
    assert claim(person, mint(workspaceId="T9TK3CUKW"), place).status == 303


def test_a_revoked_or_expired_link_claims_nothing(
    person: Person,
    mint: MintLink,
    link: str,
    wiring: Wiring,
    slack: LocalSlack,
    witness: Witness,
) -> None:
    place = add(person, slack, witness)
    field = re.search(r'name="csrf_token" value="([^"]+)"', person.open(link).source)
    assert field
    form = {"csrf_token": field[1], "attempt": place.rsplit("/", 1)[1]}
    wiring.minting.revoke(wiring.minting.open(link.removeprefix("/install/")).id)
    assert person.open(f"{link}/claim", "POST", data=form).status == 410
    forged = mint()[:-3] + "xxx"
    assert person.open(f"{forged}/claim", "POST", data=form).status == 404
    assert person.open(place).heading == "Sprocket was added to Acme HQ"


def test_a_problem_that_comes_up_late_is_told_whatever_became_of_the_link_and_the_stores(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, wiring: Wiring, person: Person
) -> None:
    """The link may be revoked, and PostgreSQL away, by the time that the page is made."""
    place = add(person, slack, witness)
    attempt = wiring.ledger.attempts.get(place.rsplit("/", 1)[1])
    link = wiring.links.mint({"subscriberId": "subscriber-123", "workspaceId": "T0OTHER00"}, None, wiring.clock())
    assert attempt
    broken = make_app(DIRECT_INSTALL="1", DATABASE_URL="postgresql://nobody:x@127.0.0.1:1/nothing")
    late = {"other": OtherWorkspace(link, attempt), "gone": NotClaimable(link, attempt), "never": NotClaimable(link)}

    def problem(which: str) -> str:
        raise late[which]

    broken.add_url_rule("/late/<which>", view_func=problem)
    pages = [Person(broken, slack, witness).open(f"/late/{which}") for which in late]
    assert [page.status for page in pages] == [409, 410, 410]
    assert "T0OTHER00" in pages[0].text


def test_starting_again_drops_no_grant_that_can_still_be_claimed(
    person: Person, link: str, slack: LocalSlack, witness: Witness
) -> None:
    place = add(person, slack, witness)
    for _ in range(7):
        begin(person)
    assert len([name for name in person.cookies if "attempt-" in name]) == 5
    assert person.open(link).heading == "Connect Acme HQ to Acme Inc.?"
    assert claim(person, link, place).location == place


def test_of_more_grants_than_there_is_room_for_the_oldest_goes(
    person: Person, slack: LocalSlack, witness: Witness
) -> None:
    places = [add(person, slack, witness) for _ in range(5)]
    begin(person)
    kept = {name[-22:] for name in person.cookies if "attempt-" in name}
    assert {place.rsplit("/", 1)[1] for place in places} - kept == {places[0].rsplit("/", 1)[1]}


def test_adding_again_leads_where_it_begins_although_the_integration_has_another_name_now(
    person: Person, slack: LocalSlack, witness: Witness, make_app: Callable[..., Flask]
) -> None:
    place = add(person, slack, witness, decision="cancel")
    person.move_to(make_app(DIRECT_INSTALL="1", NOVU_INTEGRATION_IDENTIFIER="slack-new"))
    [again] = set(re.findall(r'href="(/slack/install[^"]*)"', person.open(place).source))
    assert begin(person, again)


def test_the_person_chooses_where_notifications_go_as_after_any_approval(
    person: Person, link: str, slack: LocalSlack, witness: Witness
) -> None:
    place = add(person, slack, witness)
    claim(person, link, place)
    assert person.open(f"{place}/destination").heading == "Where should Sprocket post?"


def test_a_link_may_send_notifications_to_whoever_added_the_app(
    person: Person, mint: MintLink, slack: LocalSlack, novu: LocalNovu, witness: Witness
) -> None:
    place, link = add(person, slack, witness), mint(destination="installer")
    claim(person, link, place)
    assert person.open(place).heading == "Sprocket will post to your direct messages in Slack"
    [endpoint] = novu.state.endpoints
    assert endpoint.type == "slack_user"
