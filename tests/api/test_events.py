"""What the host was told, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from onboarding.clock import utc_now
from onboarding.ledger.audit import Action
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.api.host import KEYS, Answer, Host, path_of
from tests.conftest import MintLink
from tests.fakes import LocalSlack
from tests.person import Person
from tests.witness import Witness


def listed(host: Host, **query: object) -> list[dict[str, Any]]:
    answer = host.get("/v1/events", **query)
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.body["data"]
    return found


def types(host: Host, **query: object) -> list[str]:
    return [each["type"] for each in listed(host, **query)]


def redeliver(host: Host, event_id: str, key: str | None = None) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    return host.call("POST", f"/v1/events/{event_id}/redeliver", headers)


def test_there_is_nothing_at_first(host: Host) -> None:
    assert host.get("/v1/events").body == {"data": [], "next": None}


def test_an_event_as_the_host_is_told(host: Host, person: Person) -> None:
    link = host.link(context={"tenant": "org-1"}, identifier="mine")
    person.install(path_of(link))
    [event] = listed(host)
    [attempt] = host.get("/v1/attempts").body["data"]
    assert abs(datetime.fromisoformat(event.pop("timestamp")) - utc_now()) < timedelta(seconds=10)
    assert abs(datetime.fromisoformat(event["delivery"].pop("nextTryAt")) - utc_now()) < timedelta(seconds=60)
    assert event.pop("id").startswith("evt_")
    assert event == {
        "type": "connection.connected",
        "data": {
            "attemptId": attempt["id"],
            "linkId": link["id"],
            "subscriberId": "subscriber-123",
            "contextKeys": ["tenant:org-1"],
            "integrationIdentifier": "slack-prod",
            "connectionIdentifier": "mine",
            "workspace": {"id": "T9TK3CUKW", "name": "Acme HQ"},
            "previousWorkspace": None,
            "endpoint": None,
            "reason": None,
            "reconnectUrl": None,
            "sequence": 1,
        },
        "delivery": {"status": "pending", "tries": 0, "lastStatus": None},
    }


def test_the_newest_comes_first(host: Host, person: Person, mint: MintLink) -> None:
    person.install(mint(identifier="mine"))
    host.point("mine", userId="U9TK3CUKW")
    person.install(mint(identifier="mine"), workspace="T0VMBRE11A")
    host.end("mine")
    person.install(mint(), decision="cancel")
    assert types(host) == [
        "attempt.cancelled",
        "connection.disconnected",
        "connection.updated",
        "destination.set",
        "connection.connected",
    ]
    cancelled, ended, updated, chosen, _ = listed(host)
    assert (cancelled["data"]["reason"], cancelled["data"]["connectionIdentifier"]) == ("denied_by_person", None)
    assert ended["data"]["reason"] == "disconnected"
    assert updated["data"]["previousWorkspace"] == {"id": "T9TK3CUKW", "name": "Acme HQ"}
    assert chosen["data"]["endpoint"]["type"] == "slack_user"
    assert [each["data"]["sequence"] for each in listed(host)] == [5, 4, 3, 2, 1]


def test_a_broken_connection_comes_with_a_link_that_heals_it(
    host: Host, person: Person, connected: str, slack: LocalSlack
) -> None:
    slack.state.faults.set("auth.test", "error", error="account_inactive")
    host.ask(connected, "check")
    slack.state.faults.clear()
    [broken] = listed(host, type="connection.broken")
    assert broken["data"]["reason"] == "account_inactive"
    person.install(path_of({"url": broken["data"]["reconnectUrl"]}))
    assert host.connection(connected).body["state"] == "working"


def test_events_are_found_by_type_and_connection(host: Host, person: Person, mint: MintLink) -> None:
    for name in ("one", "two"):
        person.install(mint(identifier=name, context={"tenant": name}))
    host.end("one")
    assert types(host, type="connection.disconnected") == ["connection.disconnected"]
    assert types(host, connectionIdentifier="one") == ["connection.disconnected", "connection.connected"]
    assert types(host, connectionIdentifier=" two\n", type="connection.connected") == ["connection.connected"]
    assert types(host, connectionIdentifier="two", type="connection.disconnected") == []
    assert len(types(host, connectionIdentifier="", type="", limit="", after="")) == 3
    for nobody in ("nobody", "\0", "x" * 5000, "é"):
        assert types(host, connectionIdentifier=nobody) == []


def test_pages_lead_from_one_to_the_next(host: Host, person: Person, mint: MintLink, ledger_db: Database) -> None:
    for number in range(5):
        person.install(mint(context={"tenant": f"org-{number}"}))
    ledger_db.execute("UPDATE event SET at = now()")
    every = [each["id"] for each in listed(host)]
    seen: list[str] = []
    after = ""
    while after is not None:
        page = host.get("/v1/events", limit=2, after=after).body
        assert len(page["data"]) <= 2
        seen += [each["id"] for each in page["data"]]
        after = page["next"]
    assert seen == every
    assert len(set(seen)) == 5
    assert listed(host, after="0.evt_" + "a" * 32) == []


def test_what_came_of_it_is_told(host: Host, connected: str, wiring: Wiring, ledger_db: Database) -> None:
    [event] = listed(host)
    wiring.ledger.events.sent(event["id"], 500, is_over=False, is_good=False)
    [delivery] = [each["delivery"] for each in listed(host)]
    assert (delivery["status"], delivery["tries"], delivery["lastStatus"]) == ("pending", 1, 500)
    wiring.ledger.events.sent(event["id"], None, is_over=True, is_good=False)
    [delivery] = [each["delivery"] for each in listed(host)]
    assert delivery == {"status": "failed", "tries": 2, "lastStatus": None, "nextTryAt": None}
    wiring.ledger.events.sent(event["id"], 204, is_over=False, is_good=True)
    [delivery] = [each["delivery"] for each in listed(host)]
    assert delivery == {"status": "delivered", "tries": 3, "lastStatus": 204, "nextTryAt": None}


def test_an_event_is_sent_again(host: Host, connected: str, wiring: Wiring, ledger_db: Database) -> None:
    [event] = listed(host)
    wiring.ledger.events.sent(event["id"], 204, is_over=False, is_good=True)
    ledger_db.execute("DELETE FROM work WHERE kind = 'webhook'")
    answer = redeliver(host, event["id"])
    assert (answer.status, answer.body) == (202, None)
    [again] = listed(host)
    assert (again["id"], again["delivery"]["status"], again["delivery"]["tries"]) == (event["id"], "pending", 0)
    assert again["delivery"]["nextTryAt"]
    [entry] = wiring.ledger.audit.read(10).entries
    assert (entry.action, entry.target) == (Action.REDELIVERED, event["id"])
    assert entry.actor.startswith("API key ")


def test_after_a_pause_everything_goes_out_again(
    make_app: Callable[..., Flask], host: Host, person: Person, mint: MintLink, witness: Witness
) -> None:
    for number in range(3):
        person.install(mint(context={"tenant": f"org-{number}"}))
    app = make_app(API_KEYS=KEYS, WEBHOOK_URL="http://127.0.0.1:9/hear", WEBHOOK_SECRETS="whsec_" + "a" * 32)
    notify = app.extensions["onboarding"].notify
    [hearer] = notify.hearers
    app.extensions["onboarding"].ledger.pauses.begin(hearer.endpoint.name, hearer.integrations)
    assert {(each["delivery"]["status"], each["delivery"]["nextTryAt"]) for each in listed(host)} == {("paused", None)}
    redeliver(Host(app, witness), listed(host)[0]["id"])
    assert {each["delivery"]["status"] for each in listed(host)} == {"pending"}
    assert notify.paused_since() is None


def test_without_an_endpoint_events_are_kept(host: Host, connected: str, wiring: Wiring) -> None:
    [event] = listed(host)
    wiring.notify.deliver(event["id"])
    [kept] = listed(host)
    assert kept["delivery"]["status"] == "paused"


def test_the_same_call_under_the_same_key_sends_it_once(host: Host, connected: str, wiring: Wiring) -> None:
    [event] = listed(host)
    assert redeliver(host, event["id"], "k").status == 202
    wiring.ledger.events.sent(event["id"], 204, is_over=False, is_good=True)
    assert redeliver(host, event["id"], "k").status == 202
    assert listed(host)[0]["delivery"]["status"] == "delivered"
    assert redeliver(host, event["id"], "l").status == 202
    assert listed(host)[0]["delivery"]["status"] == "pending"
    assert len(wiring.ledger.audit.read(10).entries) == 2
    assert host.ask(connected, "check", "k").broken == ["Idempotency-Key"]


@pytest.mark.parametrize(
    "event_id",
    ["x", "evt_" + "a" * 32, "evt_" + "A" * 32, "%00", "evt_" + "a" * 32 + "%0A", "%F0%9F%A4%B7"],
)
def test_what_is_not_there_is_not_found(host: Host, connected: str, wiring: Wiring, event_id: str) -> None:
    assert redeliver(host, event_id).status == 404
    assert wiring.ledger.audit.read(10).entries == ()


def test_bodies_and_keys_that_make_no_sense_are_named(host: Host, connected: str) -> None:
    path = f"/v1/events/{listed(host)[0]['id']}/redeliver"
    assert host.call("POST", path, data=b"[]").broken == ["body"]
    assert host.call("POST", path, {"Idempotency-Key": "é"}).broken == ["Idempotency-Key"]
    assert host.call("GET", path).status == 405


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("type=connection", ["type"]),
        ("type=Ping", ["type"]),
        ("type=ping&type=ping", ["type"]),
        ("type=%00", ["type"]),
        ("connectionIdentifier=a&connectionIdentifier=b", ["connectionIdentifier"]),
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("after=x", ["after"]),
        ("after=1.evt_" + "A" * 32, ["after"]),
        ("after=1.evt_" + "a" * 32 + "%0A", ["after"]),
        ("after=" + "9" * 18 + ".evt_" + "a" * 32, ["after"]),
        ("status=failed", ["status"]),
        ("limit=x&type=y&order=z", ["order", "type", "limit"]),
    ],
)
def test_a_question_that_makes_no_sense_is_named(host: Host, query: str, fields: list[str]) -> None:
    assert host.get(f"/v1/events?{query}").broken == fields


def test_a_ping_tells_of_nothing(host: Host, wiring: Wiring) -> None:
    wiring.ledger.events.ping("evt_" + "a" * 32, "0" * 16)
    [event] = listed(host, type="ping")
    assert set(event["data"].values()) == {None}


def test_no_token_is_in_it(host: Host, connected: str, slack: LocalSlack, witness: Witness) -> None:
    witness.secrets |= slack.secrets()
    listed(host)
    assert witness.leaks() == []
