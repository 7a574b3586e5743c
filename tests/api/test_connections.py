"""One connection, as this service remembers it, and the destination that attempts tell of."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import redis
from flask import Flask

from onboarding.clock import utc_now
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.api.host import KEYS, Host
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person
from tests.test_round_trips import Counters
from tests.witness import Witness

ODD = ["my connection", "日本語", "a:b;c=d&e+f", "~", "é", "x" * 200, "'\"<b>", ".well-known", "test"]


@pytest.fixture
def counters(store: redis.Redis, ledger_db: Database) -> Counters:
    return Counters(store, ledger_db)


def attempts(host: Host) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = host.get("/v1/attempts").body["data"]
    for each in found:
        assert host.get(f"/v1/attempts/{each['id']}").body == each
    return found


def test_a_connection_as_it_is_remembered(host: Host, connected: str) -> None:
    [attempt] = attempts(host)
    answer = host.connection(connected)
    assert answer.status == 200
    since, made = (datetime.fromisoformat(answer.body.pop(name)) for name in ("since", "connectedAt"))
    assert since == made
    assert abs(made - utc_now()) < timedelta(seconds=10)
    assert answer.body == {
        "identifier": connected,
        "integrationIdentifier": "slack-prod",
        "subscriberId": "subscriber-123",
        "contextKeys": ["tenant:org-1"],
        "workspace": {"id": "T9TK3CUKW", "name": "Acme HQ"},
        "state": "working",
        "reason": None,
        "checkedAt": None,
        "attemptId": attempt["id"],
        "endpoints": [],
    }


def test_a_shared_connection_belongs_to_no_subscriber(host: Host, person: Person, mint: MintLink) -> None:
    person.install(mint(context={"tenant": "org-1"}, connectionMode="shared", identifier="ours"))
    assert host.connection("ours").body["subscriberId"] is None


def test_where_notifications_go_is_part_of_it(host: Host, connected: str, novu: LocalNovu) -> None:
    host.point(connected, userId="U9TK3CUKW")
    [endpoint] = novu.state.endpoints
    assert host.connection(connected).body["endpoints"] == [{"identifier": endpoint.identifier, "type": "slack_user"}]


def test_an_ended_connection_can_still_be_read(host: Host, connected: str, wiring: Wiring) -> None:
    host.point(connected, userId="U9TK3CUKW")
    wiring.upkeep.disconnect(connected, revokes=False)
    body = host.connection(connected).body
    assert (body["state"], body["reason"], body["endpoints"]) == ("ended", "disconnected", [])


def test_reading_asks_neither_novu_nor_slack_nor_redis(
    make_app: Callable[..., Flask], witness: Witness, connected: str
) -> None:
    nowhere = {"NOVU_URL": "http://127.0.0.1:9", "SLACK_URL": "http://127.0.0.1:9", "REDIS_URL": "unix:///nowhere"}
    alone = Host(make_app(API_KEYS=KEYS, **nowhere), witness)
    assert alone.connection(connected).status == 200


@pytest.mark.parametrize("identifier", ODD)
def test_hosts_choose_identifiers_as_they_like(host: Host, person: Person, mint: MintLink, identifier: str) -> None:
    person.install(mint(identifier=identifier))
    assert host.connection(identifier).body["identifier"] == identifier
    assert host.channels(identifier).status == 200
    assert host.point(identifier, userId="U9TK3CUKW").status == 200
    assert host.test(identifier).status == 200


@pytest.mark.parametrize(
    "identifier", ["nobody", "x" * 8000, "\0", "a\0b", "a/b", "/", "%", "\ud800", "🤷", " ", "a\nb"]
)
def test_what_is_not_there_is_not_found(host: Host, connected: str, identifier: str) -> None:
    path = f"/v1/connections/{quote(identifier.encode('utf-8', 'surrogatepass'), safe='')}"
    for answer in (
        host.get(path),
        host.get(f"{path}/channels"),
        host.put(f"{path}/destination", {"userId": "U9TK3CUKW"}),
        host.call("POST", f"{path}/test"),
    ):
        assert answer.status == 404


def test_no_token_is_in_it(host: Host, connected: str, slack: LocalSlack, witness: Witness) -> None:
    witness.secrets |= slack.secrets()
    host.connection(connected)
    assert witness.leaks() == []


def test_attempts_tell_whether_somebody_has_chosen(host: Host, person: Person, connected: str) -> None:
    [attempt] = attempts(host)
    assert attempt["destination"] == "unset"
    host.point(connected, userId="U9TK3CUKW")
    [attempt] = attempts(host)
    assert attempt["destination"] == "set"
    assert person.open(f"/attempts/{attempt['id']}/status").source == host_status(attempt)
    last = attempt["timeline"][-1]
    assert (last["event"], last["detail"]) == ("destination_set", "slack_user U9TK3CUKW")


def host_status(attempt: dict[str, Any]) -> str:
    """What the person's browser polls says the same."""
    names = ("destination", "id", "reason", "status", "workspace")
    return json.dumps({name: attempt[name] for name in names}, separators=(",", ":")) + "\n"


def test_attempts_without_a_choice_tell_of_none(
    host: Host, person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu
) -> None:
    person.install(mint())
    person.install(mint(destination="none", context={"a": "b"}))
    person.install(mint(subscriberId=None, context={"tenant": "org-1"}))
    person.install(mint(), decision="cancel")
    person.add_to_slack(mint())
    assert [each["destination"] for each in attempts(host)] == [None, None, None, None, "unset"]
    person.install(mint(), workspace="T0VMBRE11A")
    assert [each["destination"] for each in attempts(host)] == ["unset", None, None, None, None, None]
    for connection in novu.state.connections:
        wiring.upkeep.disconnect(connection.identifier, revokes=False)
    assert {each["destination"] for each in attempts(host)} == {None}


def test_messages_to_the_installer_are_set_at_once(host: Host, person: Person, mint: MintLink) -> None:
    person.install(mint(destination="installer"))
    [attempt] = attempts(host)
    assert attempt["destination"] == "set"
    assert "destination_set" in [each["event"] for each in attempt["timeline"]]


def test_a_page_of_attempts_takes_one_statement_more(
    host: Host, person: Person, mint: MintLink, counters: Counters
) -> None:
    for number in range(4):
        person.install(mint(context={"tenant": f"org-{number}"}))
    host.get("/v1/attempts")
    with counters.counting() as asked:
        assert len(host.get("/v1/attempts").body["data"]) == 4
    assert len(asked.statements) == 3, asked.statements
    with counters.counting() as asked:
        assert host.get("/v1/attempts", subscriberId="nobody").body["data"] == []
    assert len(asked.statements) == 2, asked.statements
