"""A host asks how a connection does, and for a link that heals it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import requests
from flask import Flask

from onboarding.clock import utc_now
from onboarding.clock.deadline import Deadline
from onboarding.ledger.audit import Action
from onboarding.sandbox.novu.options import Options
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.api.host import KEYS, NEW_LINK, Host, path_of
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person
from tests.witness import Witness


def revoke(slack: LocalSlack, novu: LocalNovu) -> None:
    """Somebody removes the app in Slack."""
    headers = {"Authorization": f"Bearer {novu.state.connections[0].token}"}
    assert requests.post(f"{slack.url}/api/auth.revoke", headers=headers, timeout=5).json()["ok"]


def checked(host: Host, identifier: str) -> tuple[str, str | None]:
    answer = host.ask(identifier, "check")
    assert answer.status == 200, answer.body
    assert abs(datetime.fromisoformat(answer.body["checkedAt"]) - utc_now()) < timedelta(seconds=10)
    assert host.connection(identifier).body == answer.body
    return answer.body["state"], answer.body["reason"]


def test_one_that_works(host: Host, connected: str) -> None:
    since = host.connection(connected).body["since"]
    assert checked(host, connected) == ("working", None)
    assert host.connection(connected).body["since"] == since


def test_one_whose_token_was_revoked(host: Host, connected: str, slack: LocalSlack, novu: LocalNovu) -> None:
    since = host.connection(connected).body["since"]
    revoke(slack, novu)
    state, reason = checked(host, connected)
    assert (state, reason) == ("broken", reason)
    assert reason in {"token_revoked", "account_inactive", "invalid_auth"}
    assert host.connection(connected).body["since"] > since


def test_one_that_works_again(host: Host, connected: str, slack: LocalSlack) -> None:
    slack.state.faults.set("auth.test", "error", error="account_inactive")
    assert checked(host, connected) == ("broken", "account_inactive")
    slack.state.faults.clear()
    assert checked(host, connected) == ("working", None)


def test_hidden_tokens_leave_it_unknown(
    host: Host, connected: str, novu: LocalNovu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(novu.state, "options", Options(redact=True))
    assert checked(host, connected) == ("unknown", "token_hidden")


def test_one_that_novu_has_deleted_has_ended(host: Host, connected: str, wiring: Wiring) -> None:
    wiring.parties.first.novu.delete(connected, Deadline(5))
    answer = host.ask(connected, "check")
    assert (answer.status, answer.body["state"], answer.body["reason"]) == (200, "ended", "deleted_at_novu")
    assert host.ask(connected, "check").status == 404, "there is nothing left to ask about"


@pytest.mark.parametrize("kind", ["html", "server_error", "reset_before", "truncated"])
def test_a_slack_that_fails_changes_nothing(host: Host, connected: str, slack: LocalSlack, kind: str) -> None:
    before = host.connection(connected).body
    slack.state.faults.set("auth.test", kind)
    answer = host.ask(connected, "check")
    assert answer.status == 503
    assert "Slack" in answer.body["detail"]
    assert host.connection(connected).body == before


def test_slack_says_how_long_to_wait(host: Host, connected: str, slack: LocalSlack) -> None:
    slack.state.faults.set("auth.test", "rate_limited", retry_after=17)
    answer = host.ask(connected, "check")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "17")


@pytest.mark.parametrize("failure", ["down", "unauthorized", "html", "unavailable"])
def test_a_novu_that_fails_changes_nothing(host: Host, connected: str, novu: LocalNovu, failure: str) -> None:
    before = host.connection(connected).body
    novu.suffer(failure)
    answer = host.ask(connected, "check")
    assert answer.status == 503
    assert "Novu" in answer.body["detail"]
    assert host.connection(connected).body == before


def test_novu_says_how_long_to_wait(host: Host, connected: str, novu: LocalNovu) -> None:
    novu.suffer("rate_limited")
    assert int(host.ask(connected, "check").headers["Retry-After"]) > 0


def test_the_same_check_under_the_same_key_asks_once(host: Host, connected: str, slack: LocalSlack) -> None:
    first = host.ask(connected, "check", key="k").body
    slack.state.faults.set("auth.test", "error", error="account_inactive")
    assert host.ask(connected, "check", key="k").body == first
    assert host.ask(connected, "check", key="l").body["state"] == "broken"
    assert host.ask(connected, "reconnect", key="k").broken == ["Idempotency-Key"]


def test_what_failed_under_a_key_is_tried_again(host: Host, connected: str, novu: LocalNovu) -> None:
    novu.suffer("down")
    assert host.ask(connected, "check", key="k").status == 503
    novu.suffer("none")
    assert host.ask(connected, "check", key="k").status == 200


@pytest.mark.parametrize("what", ["check", "reconnect"])
def test_bodies_and_keys_that_make_no_sense_are_named(host: Host, connected: str, what: str) -> None:
    path = f"/v1/connections/{connected}/{what}"
    assert host.call("POST", path, data=b'{"a":1}').broken == ["body"]
    assert host.call("POST", path, data=b"x" * 70_000).status == 413
    assert host.call("POST", path, {"Idempotency-Key": "é"}).broken == ["Idempotency-Key"]
    assert host.call("POST", path, data=b" {} ").status in {200, 201}
    assert host.call("GET", path).status == 405


@pytest.mark.parametrize("what", ["check", "reconnect"])
@pytest.mark.parametrize("identifier", ["nobody", "x" * 5000, "\0", "a/b", "%", "🤷", " "])
def test_what_is_not_there_is_not_found(host: Host, connected: str, what: str, identifier: str) -> None:
    assert host.ask(identifier, what).status == 404


def test_without_redis_a_check_needs_no_key(make_app: Callable[..., Flask], witness: Witness, connected: str) -> None:
    alone = Host(make_app(API_KEYS=KEYS, REDIS_URL="unix:///nowhere"), witness)
    assert alone.ask(connected, "check").status == 200
    assert alone.ask(connected, "check", key="k").status == 503


def test_a_link_heals_a_broken_connection(
    host: Host, person: Person, slack: LocalSlack, novu: LocalNovu, wiring: Wiring
) -> None:
    person.install(path_of(host.link(identifier="mine", context={"tenant": "org-1"})))
    revoke(slack, novu)
    assert checked(host, "mine")[0] == "broken"
    answer = host.ask("mine", "reconnect")
    assert answer.status == 201
    assert set(answer.body) == {"id", "url", "expiresAt"}
    link = wiring.minting.open(answer.body["url"].rpartition("/")[2])
    attempt = wiring.ledger.attempts.get(attempt_of(host))
    assert attempt
    assert (link.owner, link.account) == (attempt.link.owner, "Acme Inc.")
    person.install(path_of(answer.body))
    body = host.connection("mine").body
    assert (body["state"], body["attemptId"]) == ("working", attempt_of(host))
    [connection] = novu.state.connections
    assert connection.identifier == "mine"


def attempt_of(host: Host) -> str:
    """The newest."""
    found: str = host.get("/v1/attempts").body["data"][0]["id"]
    return found


def test_a_link_brings_an_ended_connection_back(host: Host, person: Person, connected: str) -> None:
    host.end(connected)
    person.install(path_of(host.ask(connected, "reconnect").body))
    assert host.connection(connected).body["state"] == "working"


def test_a_link_is_made_although_the_attempt_is_forgotten(
    host: Host, person: Person, mint: MintLink, ledger_db: Database, wiring: Wiring
) -> None:
    person.install(mint(identifier="shared", context={"tenant": "org-1"}, connectionMode="shared"))
    person.install(mint(identifier="own", context={"tenant": "org-1"}))
    owners = {name: wiring.ledger.connections.find(name) for name in ("shared", "own")}
    ledger_db.execute("DELETE FROM attempt")
    for name, connection in owners.items():
        answer = host.ask(name, "reconnect")
        assert answer.status == 201, answer.body
        link = wiring.minting.open(answer.body["url"].rpartition("/")[2])
        assert connection
        assert (link.owner.identifier, link.identifier) == (connection.owner, name)


def test_the_same_link_under_the_same_key(host: Host, connected: str, wiring: Wiring) -> None:
    first = host.ask(connected, "reconnect", key="k").body
    assert host.ask(connected, "reconnect", key="k").body == first
    assert host.ask(connected, "reconnect").body["id"] != first["id"]
    assert len(wiring.minting.page(10, None)[0]) == 2
    assert host.create(NEW_LINK, key="k").broken == ["Idempotency-Key"]


def test_it_is_written_down_who_made_the_link(host: Host, connected: str, wiring: Wiring) -> None:
    made = host.ask(connected, "reconnect").body
    [entry] = wiring.ledger.audit.read(10).entries
    assert (entry.action, entry.target, entry.outcome) == (Action.RECONNECT_MINTED, connected, made["id"])
    assert entry.actor.startswith("API key ")
