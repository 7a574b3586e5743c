"""Operators see what the host product was told, what it answered, and can have it told again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from onboarding.sandbox.issuer import IssuerApp, create_issuer
from onboarding.sandbox.serve import serving
from onboarding.web.admin import event_words
from onboarding.wiring import Wiring
from tests.admin.operator import PASSWORD, Operator
from tests.admin.test_attempts import rows
from tests.admin.test_single_sign_on import come_in
from tests.aging import Database
from tests.conftest import MintLink
from tests.fakes import LocalSlack
from tests.hosting import NEW, Host, hosting
from tests.person import Page, Person
from tests.service import free_port
from tests.test_host_events import deliver
from tests.witness import Witness

EVENTS = "/admin/events"


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


@pytest.fixture
def app(make_app: Callable[..., Flask], witness: Witness, host: Host) -> Flask:
    witness.secrets |= {PASSWORD, NEW}
    return make_app(ADMIN_PASSWORD=PASSWORD, WEBHOOK_URL=host.url, WEBHOOK_SECRETS=NEW)


def newest(operator: Operator) -> Page:
    """The page of the newest event."""
    found = re.search(r'<td role="cell"><a href="(/admin/events/[^"]+)"', operator.open(EVENTS).source)
    assert found
    return operator.open(found[1])


def place_of(ledger_db: Database, type_: str = "connection.connected") -> str:
    [event] = ledger_db.execute("SELECT id FROM event WHERE type = %s", [type_]).fetchall()
    return f"{EVENTS}/{event['id']}"


def deliver_again(operator: Operator, place: str) -> Page:
    return operator.do(place, f"{place}/deliver")


def test_before_anything_happened_the_page_says_what_will_be_there(operator: Operator, host: Host) -> None:
    page = operator.open(EVENTS)
    assert "No events yet. They appear here as soon as somebody connects." in page.text
    assert f"Sent to {host.url.split('/')[2]}, and kept for 30 days" in page.text
    assert "from=slack" not in page.source
    assert operator.open("/admin").link("Events") == EVENTS


def test_events_are_listed_newest_first_and_lead_to_their_customers(
    operator: Operator, person: Person, link: str, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(link, decision="cancel")
    person.install(link)
    deliver(wiring, ledger_db)
    page = operator.open(EVENTS)
    first, second = (" ".join(row.split()) for row in rows(page))
    assert first.startswith("Connected ")
    assert "✓ Delivered 1 try, HTTP 200 Acme Inc. subscriber-123 Acme HQ" in first
    assert second.startswith("Attempt cancelled ")
    assert operator.open(page.link("Acme Inc.")).heading == "Acme HQ"
    cancelled = operator.open(place_of(ledger_db, "attempt.cancelled"))
    assert operator.open(cancelled.link("Acme Inc.")).heading == "Acme Inc."


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("type=attempt.cancelled", 1),
        ("type=connection.connected", 1),
        ("type=connection.broken", 0),
        ("connection=nobody", 0),
        ("connection=%20nobody%0A", 0),
    ],
)
def test_filters_leave_what_fits(operator: Operator, person: Person, link: str, query: str, found: int) -> None:
    person.install(link, decision="cancel")
    person.install(link)
    page = operator.open(f"{EVENTS}?{query}")
    assert len(rows(page)) == found if found else "No matching events." in page.text


def test_a_connections_own_events_are_a_click_away(
    operator: Operator, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    person.install(mint(context={"tenant": "a"}, account=None))
    person.install(mint(context={"tenant": "b"}, account=None))
    connection = operator.open(operator.open(EVENTS).link("subscriber-123, tenant:a"))
    [row] = rows(operator.open(connection.link("What your product was told")))
    assert "tenant:a" in row


@pytest.mark.parametrize("query", ["type=nonsense", "type=%00", "connection=%00", "after=nonsense"])
def test_filters_that_make_no_sense_are_refused(operator: Operator, query: str) -> None:
    page = operator.open(f"{EVENTS}?{query}")
    assert page.status == 400
    assert "Some filters make no sense" in page.text


def test_pages_follow_each_other(operator: Operator, ledger_db: Database) -> None:
    ledger_db.execute(
        "INSERT INTO event (id, type, data) SELECT 'evt_' || lpad(n::text, 32, '0'), 'ping', '{}'"
        " FROM generate_series(1, 60) n"
    )
    first = operator.open(f"{EVENTS}?type=ping")
    second = operator.open(first.link("Older"))
    assert (len(rows(first)), len(rows(second))) == (50, 10)
    assert len(rows(operator.open(second.link("Newest")))) == 50


def test_an_event_shows_every_delivery_and_its_body(
    operator: Operator, person: Person, link: str, host: Host, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(link)
    assert "It has not been sent yet." in newest(operator).text
    host.answers = [(503, {})]
    deliver(wiring, ledger_db)
    page = newest(operator)
    assert page.heading == "Connected"
    assert "… Waiting Next try: " in page.text
    ledger_db.execute("UPDATE event SET deliveries = deliveries || jsonb_build_array(jsonb_build_array(1.5, NULL))")
    answers = [row.split()[-2:] for row in rows(newest(operator))]
    assert answers == [["HTTP", "503"], ["no", "answer"]]
    assert '"connectionIdentifier": "chconn_' in newest(operator).text
    assert "2 tries, last no answer" in operator.open(EVENTS).text


@pytest.mark.parametrize("event_id", ["nothing", "evt_" + "0" * 32, "%00", "a%2Fb", "x" * 3000])
def test_an_unknown_event_is_not_found(operator: Operator, event_id: str) -> None:
    assert operator.open(f"{EVENTS}/{event_id}").status == 404
    data = {"csrf_token": operator.csrf_field(EVENTS)}
    assert operator.open(f"{EVENTS}/{event_id}/deliver", "POST", data=data).status == 404


def test_an_event_is_delivered_again_under_its_id(
    operator: Operator, person: Person, link: str, host: Host, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(link)
    deliver(wiring, ledger_db)
    place = place_of(ledger_db)
    page = deliver_again(operator, place)
    assert "It will be sent again in the next seconds, under the same id." in page.text
    deliver(wiring, ledger_db)
    assert [headers["webhook-id"] for headers, _ in host.came] == [place.rpartition("/")[2]] * 2
    assert "2 tries, last HTTP 200" in operator.open(EVENTS).text
    [entry] = ledger_db.execute("SELECT target FROM audit WHERE action = 'event_redelivered'").fetchall()
    assert place.endswith(entry["target"])


def test_without_its_csrf_field_nothing_is_sent(
    operator: Operator, person: Person, link: str, host: Host, ledger_db: Database
) -> None:
    person.install(link)
    for path in (f"{place_of(ledger_db)}/deliver", f"{EVENTS}/resume", f"{EVENTS}/ping"):
        assert operator.open(path, "POST").status == 400
    assert host.came == []


def test_a_pause_is_shown_and_ended(
    operator: Operator, person: Person, mint: MintLink, host: Host, wiring: Wiring, ledger_db: Database
) -> None:
    for tenant in ("a", "b"):
        person.install(mint(context={"tenant": tenant}))
    host.answers = [(410, {})]
    deliver(wiring, ledger_db)
    page = operator.open(EVENTS)
    assert "your product's endpoint answered 410, which means that it is gone" in page.text
    assert page.text.count("– Kept") == 2
    assert "Events ! paused Your product's endpoint answered 410 just now." in operator.open("/admin").text
    page = operator.do(EVENTS, f"{EVENTS}/resume")
    assert "Resumed. 2 events will be sent in the next seconds." in page.text
    assert "which means that it is gone" not in page.text
    deliver(wiring, ledger_db)
    assert len(host.came) == 3
    assert "Nothing was paused." in operator.do(EVENTS, f"{EVENTS}/resume").text
    assert "paused" not in operator.open("/admin").text
    assert "Resumed the sending of events" in operator.open("/admin/audit").text


def test_what_was_kept_before_there_was_an_endpoint_can_be_sent(
    operator: Operator,
    make_app: Callable[..., Flask],
    person: Person,
    link: str,
    host: Host,
    wiring: Wiring,
    ledger_db: Database,
) -> None:
    person.install(link)
    deliver(make_app(WEBHOOK_URL="").extensions["onboarding"], ledger_db)
    page = operator.open(EVENTS)
    assert "are kept, because there was no endpoint for them when they happened. Resume to send them." in page.text
    assert "410" not in page.text
    page = operator.do(EVENTS, f"{EVENTS}/resume")
    assert "Resumed. 1 event will be sent in the next seconds." in page.text
    assert "are kept, because" not in page.text
    deliver(wiring, ledger_db)
    assert host.types == ["connection.connected"]


def test_delivering_one_again_resumes_everything_and_says_so(
    operator: Operator, person: Person, link: str, host: Host, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(link)
    host.answers = [(410, {})]
    deliver(wiring, ledger_db)
    page = deliver_again(operator, place_of(ledger_db))
    assert "Resumed: it and everything else that was kept will be sent" in page.text


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (204, "The endpoint answered 204: it took the ping."),
        (302, "The endpoint answered 302. Only 200 to 299 count as delivered."),
        (500, "The endpoint answered 500. Only 200 to 299 count as delivered."),
    ],
)
def test_a_ping_says_what_the_endpoint_answered(operator: Operator, host: Host, status: int, told: str) -> None:
    host.answers = [(status, {})]
    assert told in operator.do(EVENTS, f"{EVENTS}/ping").text
    assert host.types == ["ping"]
    assert newest(operator).heading == "Ping"
    assert "Sent a ping" in operator.open("/admin/audit").text


def test_a_ping_that_nobody_answers_says_why(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness
) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    operator = Operator(make_app(ADMIN_PASSWORD=PASSWORD, WEBHOOK_URL=url, WEBHOOK_SECRETS=NEW), slack, witness)
    operator.sign_in()
    page = operator.do(EVENTS, f"{EVENTS}/ping")
    assert "The endpoint did not answer: no connection could be made." in page.text
    assert "1 try, no answer" in page.text


def test_without_an_endpoint_the_pages_say_so_and_nothing_can_be_sent(
    make_app: Callable[..., Flask],
    slack: LocalSlack,
    witness: Witness,
    person: Person,
    link: str,
    wiring: Wiring,
    ledger_db: Database,
) -> None:
    person.install(link)
    ledger_db.execute("INSERT INTO webhook_pause DEFAULT VALUES")
    operator = Operator(make_app(ADMIN_PASSWORD=PASSWORD), slack, witness)
    operator.sign_in()
    note = "No WEBHOOK_URL is set, so nothing is sent. Events are kept for 30 days and can be read over the API."
    for page in (operator.open(EVENTS), newest(operator)):
        assert note in page.text
        assert "Deliver again" not in page.text
        assert "Send a ping" not in page.text
        assert "410" not in page.text
    data = {"csrf_token": operator.csrf_field(EVENTS)}
    for path in (f"{place_of(ledger_db)}/deliver", f"{EVENTS}/ping"):
        page = operator.follow(operator.open(path, "POST", data=data))
        assert "Nothing was sent: no WEBHOOK_URL is set." in page.text


def test_every_type_has_words(operator: Operator, ledger_db: Database) -> None:
    for number, type_ in enumerate([*event_words.TYPES, "something.new"]):
        ledger_db.execute("INSERT INTO event (id, type, data) VALUES (%s, %s, '{}')", [f"evt_{number:032x}", type_])
    text = operator.open(EVENTS).text
    assert all(told in text for told in (*event_words.TYPES.values(), "something.new"))


def test_a_viewer_sees_events_without_links_and_sends_nothing(
    make_app: Callable[..., Flask],
    slack: LocalSlack,
    witness: Witness,
    host: Host,
    operator: Operator,
    person: Person,
    link: str,
    ledger_db: Database,
) -> None:
    person.install(link)
    slack.state.faults.set("auth.test", "error", 1, error="token_revoked")
    connection = operator.open(EVENTS).link("Acme Inc.")
    operator.do(connection, connection, action="check")
    place = place_of(ledger_db, "connection.broken")
    assert "/install/" in operator.open(place).text
    with serving(create_issuer(IssuerApp(client_secret="between-us"))) as issuer:
        sign_on = {
            "OIDC_ISSUER": issuer,
            "OIDC_CLIENT_ID": "sandbox-admin",
            "OIDC_CLIENT_SECRET": "between-us",
            "OIDC_ALLOWED_EMAILS": "@sprocket.example",
            "OIDC_OPERATOR_EMAILS": "operator@sprocket.example",
        }
        viewer = Operator(make_app(**sign_on, WEBHOOK_URL=host.url, WEBHOOK_SECRETS=NEW), slack, witness)
        come_in(viewer, person="viewer@sprocket.example")
    assert "/install/" not in viewer.open(place).text
    assert "(shown to operators only)" in viewer.open(place).text
    for page in (viewer.open(EVENTS), viewer.open(place), viewer.open(connection)):
        for label in ("Send a ping", "Deliver again", "Check now", "Create reconnect link"):
            assert label not in page.text
    data = {"csrf_token": viewer.csrf_field(EVENTS)}
    for path in (f"{place}/deliver", f"{EVENTS}/resume", f"{EVENTS}/ping", connection):
        assert viewer.open(path, "POST", data=data).status == 403
    assert host.came == []
