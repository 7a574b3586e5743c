"""A host ends a connection: at Novu, and at Slack if it says so."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from flask import Flask

from onboarding.clock.deadline import Deadline
from onboarding.ledger.audit import Action
from onboarding.model.errors import StoreUnavailable
from onboarding.sandbox.novu.options import Options
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.api.host import KEYS, Host
from tests.conftest import MintLink
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Person
from tests.witness import Witness


def accepts(slack: LocalSlack, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    return bool(requests.post(f"{slack.url}/api/auth.test", headers=headers, timeout=5).json()["ok"])


def told(ledger_db: Database) -> list[str]:
    rows = ledger_db.execute("SELECT type FROM event WHERE type LIKE 'connection.%' ORDER BY at, sequence")
    return [row["type"] for row in rows]


@pytest.fixture
def token(connected: str, novu: LocalNovu) -> str:
    return novu.state.connections[0].token


def owner(wiring: Wiring, identifier: str) -> str:
    found = wiring.ledger.connections.find(identifier)
    assert found
    return found.owner


def state(host: Host, identifier: str) -> tuple[str, str | None]:
    body = host.connection(identifier).body
    return body["state"], body["reason"]


def test_it_is_gone_at_novu_and_works_at_slack(
    host: Host, connected: str, token: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    host.point(connected, userId="U9TK3CUKW")
    answer = host.end(connected)
    assert (answer.status, answer.body) == (204, None)
    assert "Content-Type" not in answer.headers
    assert (novu.state.connections, novu.state.endpoints) == ((), ())
    assert state(host, connected) == ("ended", "disconnected")
    assert accepts(slack, token)


def test_the_second_time_is_as_good(host: Host, connected: str, wiring: Wiring, ledger_db: Database) -> None:
    assert [host.end(connected).status for _ in range(3)] == [204] * 3
    assert host.end(connected, revoke="true").status == 204
    assert told(ledger_db) == ["connection.connected", "connection.disconnected"]
    assert len(wiring.ledger.audit.read(10).entries) == 1


def test_whatever_novu_holds_under_the_identifier_afterwards_is_left_alone(
    host: Host, person: Person, mint: MintLink, novu: LocalNovu, more_subscribers: None
) -> None:
    person.install(mint(identifier="mine"))
    host.end("mine")
    made = {
        "identifier": "mine",
        "integrationIdentifier": "slack-prod",
        "subscriberId": "s1",
        "workspace": {"id": "T9TK3CUKW", "name": "Acme HQ"},
        "auth": {"accessToken": "xoxb-of-somebody-else"},
    }
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    requests.post(f"{novu.url}/v1/channel-connections", json=made, headers=headers, timeout=5).raise_for_status()
    assert host.end("mine", revoke="true", force="true").status == 204
    assert len(novu.state.connections) == 1


def test_the_token_is_revoked_if_asked_for(host: Host, connected: str, token: str, slack: LocalSlack) -> None:
    assert host.end(connected, revoke="true").status == 204
    assert not accepts(slack, token)


@pytest.mark.parametrize("query", [{"revoke": "false"}, {"revoke": ""}, {"force": "true"}, {"force": ""}])
def test_otherwise_it_is_not(host: Host, connected: str, token: str, slack: LocalSlack, query: dict[str, str]) -> None:
    assert host.end(connected, **query).status == 204
    assert accepts(slack, token)


@pytest.mark.usefixtures("more_subscribers")
def test_a_token_that_others_use_is_spared(
    host: Host, person: Person, mint: MintLink, connected: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    person.install(mint(subscriberId="s2", context={"tenant": "org-1", "team": "blue"}))
    person.install(mint(subscriberId="s3", context={"tenant": "org-1"}, connectionMode="shared", identifier="ours"))
    person.install(mint(subscriberId="s4"), workspace="T0VMBRE11A")
    answer = host.end(connected, revoke="true")
    assert answer.conflict == "shared_token"
    assert answer.body["owners"] == [
        {"subscriberId": None, "contextKeys": ["tenant:org-1"]},
        {"subscriberId": "s2", "contextKeys": ["team:blue", "tenant:org-1"]},
    ]
    assert host.end(connected, revoke="true", force="false").conflict == "shared_token"
    assert state(host, connected) == ("working", None)
    assert len(novu.state.connections) == 4
    assert host.end(connected, revoke="true", force="true").status == 204
    assert host.ask("ours", "check").body["state"] == "broken", "it was the same token"


@pytest.mark.usefixtures("more_subscribers")
def test_others_that_have_ended_do_not_count(host: Host, person: Person, mint: MintLink, connected: str) -> None:
    person.install(mint(subscriberId="s2", identifier="other"))
    assert host.end("other").status == 204
    assert host.end(connected, revoke="true").status == 204


@pytest.mark.usefixtures("more_subscribers")
def test_without_revoking_nobody_else_matters(host: Host, person: Person, mint: MintLink, connected: str) -> None:
    person.install(mint(subscriberId="s2", identifier="other"))
    assert host.end(connected).status == 204
    assert host.ask("other", "check").body["state"] == "working"


@pytest.mark.parametrize("failure", ["down", "html", "rate_limited", "unavailable"])
def test_while_novu_is_away_a_worker_finishes_it(
    host: Host, connected: str, novu: LocalNovu, wiring: Wiring, failure: str
) -> None:
    novu.suffer(failure)
    answer = host.end(connected)
    assert (answer.status, answer.body) == (202, None)
    assert state(host, connected) == ("working", None)
    novu.suffer("none")
    assert wiring.upkeep.finish(owner(wiring, connected)) == ""
    assert novu.state.connections == ()
    assert state(host, connected) == ("ended", "disconnected")
    assert host.end(connected).status == 204


def test_while_novu_is_away_it_can_be_asked_for_again(
    host: Host, connected: str, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("down")
    assert [host.end(connected).status for _ in range(3)] == [202] * 3
    novu.suffer("none")
    assert host.end(connected).status == 204
    assert ledger_db.execute("SELECT FROM ending").fetchall() == []


def test_while_slack_is_away_a_worker_revokes_the_token(
    make_app: Callable[..., Flask],
    witness: Witness,
    host: Host,
    connected: str,
    token: str,
    slack: LocalSlack,
    wiring: Wiring,
) -> None:
    away = Host(make_app(API_KEYS=KEYS, SLACK_URL="http://127.0.0.1:1"), witness)
    assert away.end(connected, revoke="true").status == 202
    assert accepts(slack, token)
    assert wiring.upkeep.finish(owner(wiring, connected)) == ""
    assert not accepts(slack, token)
    assert state(host, connected) == ("ended", "disconnected")


def test_what_slack_refuses_is_told(host: Host, connected: str, slack: LocalSlack, novu: LocalNovu) -> None:
    slack.state.faults.set("auth.revoke", "error", error="not_allowed_token_type")
    answer = host.end(connected, revoke="true")
    assert answer.status == 503
    assert "Slack" in answer.body["detail"]
    assert state(host, connected) == ("working", None)
    assert len(novu.state.connections) == 1


def test_while_novu_does_not_know_our_key_a_worker_goes_on(host: Host, connected: str, novu: LocalNovu) -> None:
    novu.suffer("unauthorized")
    assert host.end(connected).status == 202
    novu.suffer("none")
    assert host.end(connected).status == 204


def test_a_hidden_token_stays_at_slack(
    host: Host, connected: str, novu: LocalNovu, monkeypatch: pytest.MonkeyPatch, wiring: Wiring
) -> None:
    monkeypatch.setattr(novu.state, "options", Options(redact=True))
    assert host.end(connected, revoke="true").status == 204
    [entry] = wiring.ledger.audit.read(10).entries
    assert "hidden" in entry.outcome


def test_what_novu_has_deleted_already_ends_here_too(host: Host, connected: str, wiring: Wiring) -> None:
    wiring.parties.first.novu.delete(connected, Deadline(5))
    assert host.end(connected, revoke="true").status == 204
    assert state(host, connected) == ("ended", "disconnected")


def test_two_at_once_end_it_once(
    host: Host, other_host: Host, connected: str, novu: LocalNovu, ledger_db: Database
) -> None:
    with ThreadPoolExecutor(2) as pool:
        statuses = {future.result().status for future in [pool.submit(h.end, connected) for h in (host, other_host)]}
    assert statuses in ({204}, {202, 204})
    assert novu.state.connections == ()
    assert state(host, connected) == ("ended", "disconnected")
    assert told(ledger_db) == ["connection.connected", "connection.disconnected"]
    for table in ("ending", "work WHERE kind = 'disconnect'"):
        assert ledger_db.execute(f"SELECT FROM {table}").fetchall() == [], table


def test_while_something_else_is_under_way_a_worker_goes_on(host: Host, connected: str, ledger_db: Database) -> None:
    ledger_db.execute("UPDATE owner SET lease = 'x', leased_until = now() + interval '16 s'")
    assert host.end(connected).status == 202


def test_what_postgresql_did_not_hear_of_is_noted_by_a_worker(
    host: Host, connected: str, wiring: Wiring, novu: LocalNovu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise StoreUnavailable("PostgreSQL", "gone")

    with monkeypatch.context() as patched:
        patched.setattr(type(wiring.ledger.endings), "end", fails)
        assert host.end(connected).status == 202
    assert novu.state.connections == ()
    assert host.end(connected).status in {202, 204}


@pytest.mark.parametrize("identifier", ["nobody", "x" * 5000, "\0", "a/b", "%", "🤷", " "])
def test_what_is_not_there_is_not_found(host: Host, wiring: Wiring, connected: str, identifier: str) -> None:
    assert host.end(identifier).status == 404
    assert host.end(identifier, revoke="true", force="true").status == 404
    assert wiring.ledger.audit.read(10).entries == ()


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("revoke=yes", ["revoke"]),
        ("revoke=True", ["revoke"]),
        ("revoke=1", ["revoke"]),
        ("revoke=true&revoke=true", ["revoke"]),
        ("revoke=%00", ["revoke"]),
        ("force=x&revoke=y", ["revoke", "force"]),
        ("forced=true", ["forced"]),
    ],
)
def test_a_wish_that_makes_no_sense_is_named(host: Host, connected: str, query: str, fields: list[str]) -> None:
    assert host.call("DELETE", f"/v1/connections/{connected}?{query}").broken == fields
    assert state(host, connected) == ("working", None)


def test_it_is_written_down_who_ended_it(host: Host, connected: str, wiring: Wiring) -> None:
    host.end(connected, revoke="true")
    [entry] = wiring.ledger.audit.read(10).entries
    assert (entry.action, entry.target) == (Action.DISCONNECTED, connected)
    assert entry.actor.startswith("API key ")
    assert entry.outcome == "Slack: done, Novu: done"
