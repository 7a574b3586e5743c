"""The host product is told of everything: signed, at least once, under one id, and in the order of each owner."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
from flask import Flask

from onboarding.flows.notify import WAITS
from onboarding.ledger.events import Sending, WantedEvents
from onboarding.model.destinations import Destination, EndpointType
from onboarding.model.errors import ConfigError
from onboarding.remote.http import Outgoing
from onboarding.remote.public import are_public
from onboarding.remote.webhook import Webhook
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.hosting import NEW, OLD, Host, hosting
from tests.person import Person
from tests.service import free_port
from tests.test_delivery import until, worker
from tests.witness import Witness


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


@pytest.fixture
def told(make_app: Callable[..., Flask], host: Host) -> Wiring:
    """A service that tells the host."""
    wiring: Wiring = make_app(WEBHOOK_URL=host.url, WEBHOOK_SECRETS=f"{NEW}, {OLD}").extensions["onboarding"]
    return wiring


def deliver(wiring: Wiring, ledger_db: Database) -> list[timedelta | None]:
    """Every event that is pending, once, oldest first."""
    rows = ledger_db.execute("SELECT id FROM event WHERE status = 'pending' ORDER BY at, sequence").fetchall()
    return [wiring.notify.deliver(row["id"]) for row in rows]


def one(ledger_db: Database, type_: str) -> str:
    [row] = ledger_db.execute("SELECT id FROM event WHERE type = %s", [type_]).fetchall()
    return str(row["id"])


def test_everything_that_happens_to_an_owner_is_told_in_order(
    told: Wiring, host: Host, person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    person.open(person.come_back(link, decision="cancel"))
    person.open(person.come_back(link, outcome="not_permitted"))
    person.open(person.come_back(link))
    connection = told.ledger.connections.find(novu.state.connections[0].identifier)
    assert connection
    told.choosing.choose(connection, Destination(EndpointType.CHANNEL, "C9TK3CUKW000", "general"))
    person.open(person.come_back(link, workspace="T0VMBRE11A"))
    told.upkeep.disconnect(connection.identifier, revokes=False)
    assert deliver(told, ledger_db) == [None] * 6
    assert host.types == [
        "attempt.cancelled",
        "attempt.awaiting_approval",
        "connection.connected",
        "destination.set",
        "connection.updated",
        "connection.disconnected",
    ]
    assert [event["data"]["sequence"] for event in host.events] == [1, 2, 3, 4, 5, 6]
    updated = host.events[4]["data"]
    assert updated["previousWorkspace"] == {"id": "T9TK3CUKW", "name": "Acme HQ"}
    assert updated["workspace"]["id"] == "T0VMBRE11A"
    assert host.events[3]["data"]["endpoint"] == {
        "identifier": connection.endpoint_identifier,
        "type": "slack_channel",
    }
    assert host.events[5]["data"]["reason"] == "disconnected"
    assert "general" not in str(host.events)
    assert "xoxb" not in str(host.came)


def test_what_does_not_apply_is_null(
    told: Wiring, host: Host, person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    back = person.open(person.come_back(link))
    deliver(told, ledger_db)
    [event] = host.events
    attempt_id = back.location.rpartition("/")[2]
    attempt = told.ledger.attempts.get(attempt_id)
    assert attempt
    assert event["data"] == {
        "attemptId": attempt_id,
        "linkId": attempt.link.id,
        "subscriberId": "subscriber-123",
        "contextKeys": [],
        "integrationIdentifier": "slack-prod",
        "connectionIdentifier": novu.state.connections[0].identifier,
        "workspace": {"id": "T9TK3CUKW", "name": "Acme HQ"},
        "previousWorkspace": None,
        "endpoint": None,
        "reason": None,
        "reconnectUrl": None,
        "sequence": 1,
    }
    assert datetime.now(UTC) - datetime.fromisoformat(event["timestamp"]) < timedelta(minutes=1)


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_the_host_verifies_with_either_secret(
    told: Wiring, host: Host, person: Person, link: str, ledger_db: Database, secret: str
) -> None:
    person.install(link)
    deliver(told, ledger_db)
    [(headers, body)] = host.came
    standardwebhooks.Webhook(secret).verify(body, headers)
    assert headers["webhook-id"] == one(ledger_db, "connection.connected")
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(body + b" ", headers)


def test_what_fails_is_tried_again_under_the_same_id_ever_later_and_then_no_more(
    told: Wiring, host: Host, person: Person, link: str, ledger_db: Database
) -> None:
    person.install(link)
    event_id = one(ledger_db, "connection.connected")
    host.answers = [(500, {})] * 12
    waits = [told.notify.deliver(event_id) for _ in range(len(WAITS) + 1)]
    for wait, planned in zip(waits, WAITS, strict=False):
        assert wait
        assert planned * 0.8 <= wait <= planned * 1.2
    assert waits[-1] is None
    event = told.ledger.events.get(event_id)
    assert event
    assert (event.sending, event.tries, len(event.deliveries)) == (Sending.FAILED, 10, 10)
    assert {headers["webhook-id"] for headers, _ in host.came} == {event_id}
    assert {body for _, body in host.came} == {host.came[0][1]}
    host.answers = []
    assert told.notify.redeliver(event_id)
    assert told.notify.deliver(event_id) is None
    event = told.ledger.events.get(event_id)
    assert event
    assert event.sending is Sending.DELIVERED


@pytest.mark.parametrize("status", [301, 302, 308, 400, 404, 429, 503])
def test_only_a_good_answer_counts(
    told: Wiring, host: Host, person: Person, link: str, ledger_db: Database, status: int
) -> None:
    person.install(link)
    host.answers = [(status, {"Location": host.url, "Retry-After": "600"})]
    [wait] = deliver(told, ledger_db)
    assert wait
    assert wait >= timedelta(seconds=600)
    assert len(host.came) == 1


def test_a_host_that_is_gone_pauses_everything_and_nothing_is_lost(
    told: Wiring, host: Host, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    for tenant in ("a", "b"):
        person.install(mint(context={"tenant": tenant}))
    host.answers = [(410, {})]
    deliver(told, ledger_db)
    person.install(mint(context={"tenant": "c"}))
    deliver(told, ledger_db)
    assert len(host.came) == 1
    found, _ = told.ledger.events.find(WantedEvents())
    assert {event.sending for event in found} == {Sending.PAUSED}
    assert told.notify.paused_since()
    assert told.notify.redeliver(found[0].id)
    deliver(told, ledger_db)
    assert sorted(host.types) == ["connection.connected"] * 3 + ["connection.connected"]
    assert told.notify.paused_since() is None


def test_events_of_one_owner_are_first_sent_in_order(
    told: Wiring, host: Host, person: Person, link: str, ledger_db: Database
) -> None:
    person.install(link)
    person.install(link)
    first, second = (row["id"] for row in ledger_db.execute("SELECT id FROM event ORDER BY sequence").fetchall())
    assert told.notify.deliver(second) is None
    assert host.came == []
    ledger_db.execute("DELETE FROM work WHERE kind = 'webhook'")
    host.answers = [(500, {})]
    told.notify.deliver(first)
    [row] = ledger_db.execute("SELECT subject FROM work WHERE kind = 'webhook' AND due_at <= now()").fetchall()
    assert row["subject"] == second
    assert told.notify.deliver(second) is None
    assert host.types == ["connection.connected", "connection.updated"]


def test_without_an_endpoint_events_are_kept(wiring: Wiring, person: Person, link: str, ledger_db: Database) -> None:
    person.install(link)
    assert deliver(wiring, ledger_db) == [None]
    found, _ = wiring.ledger.events.find(WantedEvents())
    assert [event.sending for event in found] == [Sending.PAUSED]


def test_a_worker_delivers_within_seconds_and_survives_being_killed(
    make_app: Callable[..., Flask],
    env: dict[str, str],
    host: Host,
    slack: LocalSlack,
    witness: Witness,
    mint: MintLink,
    tmp_path: Path,
    ledger_db: Database,
) -> None:
    ours = {"WEBHOOK_URL": host.url, "WEBHOOK_SECRETS": NEW}
    person = Person(make_app(**ours), slack, witness)
    with worker({**env, **ours}, tmp_path / "first") as process:
        person.install(mint(context={"tenant": "a"}))
        assert until(lambda: len(host.came) == 1, 10) < 5
        until(lambda: ledger_db.execute("SELECT FROM event WHERE status = 'delivered'").rowcount == 1, 5)
        process.kill()
    person.install(mint(context={"tenant": "b"}))
    with worker({**env, **ours}, tmp_path / "second"):
        until(lambda: len({headers["webhook-id"] for headers, _ in host.came}) == 2, 30)
        until(lambda: ledger_db.execute("SELECT FROM event WHERE status = 'delivered'").rowcount == 2, 5)


def test_a_huge_answer_is_not_read(told: Wiring, host: Host, person: Person, link: str, ledger_db: Database) -> None:
    host.body = b"x" * 5_000_000
    person.install(link)
    assert deliver(told, ledger_db) == [None]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1", "203.0.113.1",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1",
        "::ffff:169.254.169.254", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::", "2001:db8::1", "2001::1",
        "3fff::1", "fec0::1", "not an address", "",
    ],
)  # fmt: skip
def test_what_is_not_the_public_internet_is_never_connected_to(address: str) -> None:
    assert not are_public([address])
    assert not are_public(["93.184.215.14", address])


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_the_public_internet_is(address: str) -> None:
    assert are_public([address])


def test_a_name_that_leads_inside_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with hosting() as host:
        port = host.url.split(":")[2].split("/")[0]
        inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
        real = socket.getaddrinfo

        def resolve(name: str, *args: Any, **options: Any) -> Any:
            return inside if name == "hooks.example" else real(name, *args, **options)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        url = f"http://hooks.example:{port}/"
        assert Webhook(url, frozenset(), Outgoing()).post({}, b"{}").why == "not_public"
        assert host.came == []
        assert Webhook(url, frozenset({"hooks.example"}), Outgoing()).post({}, b"{}").is_good


def test_nobody_there_is_no_answer() -> None:
    answered = Webhook(f"http://127.0.0.1:{free_port()}/", frozenset(), Outgoing()).post({}, b"{}")
    assert (answered.status, answered.why) == (None, "no_connection")


def test_no_change_is_recorded_without_its_event(
    told: Wiring, host: Host, person: Person, link: str, ledger_db: Database
) -> None:
    """As if PostgreSQL had died in between: the statement is carried out whole, or not at all."""
    path = person.come_back(link)
    ledger_db.execute("ALTER TABLE event RENAME TO elsewhere")
    back = person.open(path)
    assert ledger_db.execute("SELECT FROM connection").rowcount == 0
    ledger_db.execute("ALTER TABLE elsewhere RENAME TO event")
    ledger_db.execute("UPDATE owner SET leased_until = now()")
    assert told.delivery.deliver(back.location.rpartition("/")[2])
    deliver(told, ledger_db)
    assert host.types == ["connection.connected"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("WEBHOOK_URL", "http://hooks.example/x", "must be https"),
        ("WEBHOOK_URL", "https://user:password@hooks.example/x", "without user"),
        ("WEBHOOK_URL", "hooks.example", "must be an https URL"),
        ("WEBHOOK_URL", "https://bücher.example", "punycode"),
        ("WEBHOOK_SECRETS", "whsec_short", "24 to 64 bytes"),
        ("WEBHOOK_SECRETS", "whsec_" + base64.b64encode(b"x" * 65).decode(), "24 to 64 bytes"),
        ("WEBHOOK_SECRETS", base64.b64encode(b"x" * 32).decode(), "24 to 64 bytes"),
        ("WEBHOOK_SECRETS", f"{NEW},whsec_***", "24 to 64 bytes"),
        ("WEBHOOK_SECRETS", "", "is required"),
        ("WEBHOOK_ALLOWED_HOSTS", "hooks example", "must be host names"),
        ("CHECK_INTERVAL", "59", "must be 0, or at least 60 seconds"),
        ("CHECK_INTERVAL", "-1", "must be a whole number"),
    ],
)
def test_settings_that_cannot_work_are_named(
    make_app: Callable[..., Flask], env: dict[str, str], name: str, value: str, words: str
) -> None:
    good = {"WEBHOOK_URL": "https://hooks.example/x", "WEBHOOK_SECRETS": NEW}
    with pytest.raises(ConfigError) as refused:
        make_app(**{**good, name: value})
    [problem] = refused.value.problems
    assert problem.name == name
    assert words in problem.message


def test_an_event_whose_worker_dies_before_the_host_answers_comes_again_under_its_id(
    make_app: Callable[..., Flask],
    env: dict[str, str],
    host: Host,
    slack: LocalSlack,
    witness: Witness,
    mint: MintLink,
    tmp_path: Path,
    ledger_db: Database,
) -> None:
    ours = {"WEBHOOK_URL": host.url, "WEBHOOK_SECRETS": NEW}
    Person(make_app(**ours), slack, witness).install(mint())
    host.waits = 3
    with worker({**env, **ours}, tmp_path / "first") as process:
        until(lambda: len(host.came) == 1, 10)
        process.kill()
    host.waits = 0
    ledger_db.execute("UPDATE work SET due_at = now() WHERE kind = 'webhook'")
    with worker({**env, **ours}, tmp_path / "second"):
        until(lambda: len(host.came) == 2, 10)
    assert len({headers["webhook-id"] for headers, _ in host.came}) == 1
