"""Disconnecting: an end that was asked for comes, whoever is away, unless the customer connects again before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import requests
from flask import Flask

from onboarding.clock.deadline import Deadline
from onboarding.flows.disconnect import GIVE_UP_AFTER, Outcome
from onboarding.ledger.work import Kind
from onboarding.model.destinations import Destination, EndpointType
from onboarding.remote.http import Http
from onboarding.wiring import Background, Wiring
from onboarding.worker import kinds
from tests.aging import Database, pass_time
from tests.conftest import MintLink
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Person

SOON = timedelta(seconds=30)


@pytest.fixture
def identifier(person: Person, link: str, novu: LocalNovu) -> str:
    """Of the one connection there is, and of its owner."""
    person.install(link)
    return novu.state.connections[0].identifier


def background(wiring: Wiring) -> Background:
    """What a worker would have."""
    return Background(
        http=Http(),
        ledger=wiring.ledger,
        parties=wiring.parties,
        delivery=wiring.delivery,
        claims=wiring.claims,
        choosing=wiring.choosing,
        upkeep=wiring.upkeep,
        links=wiring.links,
        minting=wiring.minting,
        check=wiring.check,
        notify=wiring.notify,
        spans=wiring.spans,
    )


def let_workers_go_on(wiring: Wiring, ledger_db: Database) -> None:
    """As much later as it takes, everything that is due is done once."""
    pass_time(ledger_db, SOON)
    ledger_db.execute("UPDATE work SET due_at = now()")
    made = background(wiring)
    for job in made.ledger.work.take(dict.fromkeys((Kind.DISCONNECT, Kind.DESTINATION, Kind.DELIVER), 9), 9):
        kinds(made)[job.kind](job)


def work(ledger_db: Database) -> list[str]:
    rows = ledger_db.execute("SELECT kind FROM work WHERE kind NOT IN ('expire', 'forget', 'webhook', 'check')")
    return [row["kind"] for row in rows]


def lead_to_a_channel(wiring: Wiring, identifier: str) -> None:
    connection = wiring.ledger.connections.find(identifier)
    assert connection
    wiring.choosing.choose(connection, Destination(EndpointType.CHANNEL, "C9TK3CUKW000", "general"))


def state(wiring: Wiring, identifier: str) -> str:
    found = wiring.ledger.connections.find(identifier)
    assert found
    return found.state


def accepts(slack: LocalSlack, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    return bool(requests.post(f"{slack.url}/api/auth.test", headers=headers, timeout=5).json()["ok"])


@pytest.mark.parametrize("failure", ["down", "html", "rate_limited", "unavailable"])
def test_while_novu_is_away_an_end_waits_for_a_worker(
    identifier: str, wiring: Wiring, novu: LocalNovu, ledger_db: Database, failure: str
) -> None:
    novu.suffer(failure)
    done = wiring.upkeep.disconnect(identifier, revokes=False)
    assert (done.novu, done.goes_on, done.is_done) == (Outcome.FAILED, True, False)
    let_workers_go_on(wiring, ledger_db)
    assert (len(novu.state.connections), state(wiring, identifier)) == (1, "working")
    novu.suffer("none")
    let_workers_go_on(wiring, ledger_db)
    assert novu.state.connections == ()
    assert state(wiring, identifier) == "ended"
    assert work(ledger_db) == []


def test_a_key_that_is_wrong_for_a_while_does_not_undo_an_end(
    identifier: str, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("down")
    wiring.upkeep.disconnect(identifier, revokes=False)
    novu.suffer("unauthorized")
    let_workers_go_on(wiring, ledger_db)
    novu.suffer("none")
    let_workers_go_on(wiring, ledger_db)
    assert novu.state.connections == ()


def test_what_hangs_on_the_connection_is_deleted_first(
    identifier: str, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    lead_to_a_channel(wiring, identifier)
    body = {
        "subscriberId": "subscriber-123",
        "integrationIdentifier": "slack-prod",
        "type": "slack_user",
        "endpoint": {"userId": "U0OTHER"},
    }
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    for connection in (identifier, None):
        made = {**body, "connectionIdentifier": connection} if connection else body
        requests.post(f"{novu.url}/v1/channel-endpoints", json=made, headers=headers, timeout=5).raise_for_status()
    assert len(novu.state.endpoints) == 3
    done = wiring.upkeep.disconnect(identifier, revokes=True)
    assert done.novu is Outcome.DONE
    assert novu.state.connections == ()
    assert [each.connection_identifier for each in novu.state.endpoints] == [None]
    assert ledger_db.execute("SELECT FROM destination").fetchall() == []


def test_a_later_approval_wins_over_an_end_that_waits(
    identifier: str, person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("down")
    wiring.upkeep.disconnect(identifier, revokes=True)
    novu.suffer("none")
    assert person.install(mint()).heading == "Acme HQ is connected"
    let_workers_go_on(wiring, ledger_db)
    assert len(novu.state.connections) == 1
    assert state(wiring, identifier) == "working"
    assert work(ledger_db) == []


def test_an_approval_given_before_does_not_stop_an_end_that_waits(
    identifier: str, person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("down")
    person.open(person.come_back(mint()))
    wiring.upkeep.disconnect(identifier, revokes=False)
    novu.suffer("none")
    for _ in range(3):
        let_workers_go_on(wiring, ledger_db)
    assert novu.state.connections == ()
    assert state(wiring, identifier) == "ended"


def test_while_something_else_is_under_way_an_end_waits_for_a_worker(
    identifier: str, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    ledger_db.execute("UPDATE owner SET lease = 'x', leased_until = now() + interval '16 s'")
    done = wiring.upkeep.disconnect(identifier, revokes=True)
    assert (done.slack, done.novu, done.goes_on) == (Outcome.NOT_ASKED, Outcome.BUSY, True)
    assert wiring.upkeep.finish(identifier) == "something else is under way"
    let_workers_go_on(wiring, ledger_db)
    assert novu.state.connections == ()


def test_while_slack_is_silent_novu_keeps_the_token_to_revoke(
    identifier: str,
    make_app: Callable[..., Flask],
    wiring: Wiring,
    slack: LocalSlack,
    novu: LocalNovu,
    ledger_db: Database,
) -> None:
    token = novu.state.connections[0].token
    away: Wiring = make_app(SLACK_URL="http://127.0.0.1:1").extensions["onboarding"]
    done = away.upkeep.disconnect(identifier, revokes=True)
    assert (done.slack, done.novu, done.goes_on) == (Outcome.FAILED, Outcome.NOT_ASKED, True)
    let_workers_go_on(away, ledger_db)
    assert novu.state.connections[0].token == token
    assert accepts(slack, token)
    let_workers_go_on(wiring, ledger_db)
    assert novu.state.connections == ()
    assert not accepts(slack, token)


def test_an_end_that_was_asked_for_twice_revokes_if_either_did(
    identifier: str, wiring: Wiring, slack: LocalSlack, novu: LocalNovu, ledger_db: Database
) -> None:
    token = novu.state.connections[0].token
    novu.suffer("down")
    wiring.upkeep.disconnect(identifier, revokes=True)
    wiring.upkeep.disconnect(identifier, revokes=False)
    novu.suffer("none")
    let_workers_go_on(wiring, ledger_db)
    assert novu.state.connections == ()
    assert not accepts(slack, token)


def test_an_end_that_does_not_come_in_a_week_is_given_up(
    identifier: str, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("down")
    wiring.upkeep.disconnect(identifier, revokes=False)
    pass_time(ledger_db, GIVE_UP_AFTER)
    let_workers_go_on(wiring, ledger_db)
    novu.suffer("none")
    assert work(ledger_db) == []
    let_workers_go_on(wiring, ledger_db)
    assert len(novu.state.connections) == 1


def test_work_that_got_lost_is_made_anew(identifier: str, wiring: Wiring, novu: LocalNovu, ledger_db: Database) -> None:
    novu.suffer("down")
    wiring.upkeep.disconnect(identifier, revokes=False)
    novu.suffer("none")
    ledger_db.execute("DELETE FROM work WHERE kind IN ('destination', 'disconnect', 'deliver')")
    assert wiring.ledger.work.rebuild(timedelta(0)) == 1
    let_workers_go_on(wiring, ledger_db)
    assert novu.state.connections == ()


@pytest.mark.parametrize(("failure", "asked"), [("none", 2), ("refresh_failed", 1)])
def test_a_token_that_has_expired_is_refreshed_to_be_revoked(
    person: Person, link: str, wiring: Wiring, slack: LocalSlack, novu: LocalNovu, failure: str, asked: int
) -> None:
    """Whoever has its refresh token could have the next one. If Slack refuses that, it is worth nothing."""
    person.install(link, outcome="rotation")
    slack.state.faults.set("auth.revoke", "error", 1, error="token_expired")
    novu.suffer(failure)
    done = wiring.upkeep.disconnect(novu.state.connections[0].identifier, revokes=True)
    assert done.novu is Outcome.DONE
    assert slack.state.calls("auth.revoke") == asked
    assert novu.state.connections == ()


def test_an_end_is_told_as_asked_for_if_a_check_finds_first_that_it_is_gone(
    identifier: str, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    lead_to_a_channel(wiring, identifier)
    connection = wiring.ledger.connections.find(identifier)
    assert connection
    wiring.ledger.endings.ask(connection.owner, identifier, "lease", revokes=False)
    wiring.ledger.connections.release(connection.owner, "lease")
    wiring.parties.first.novu.delete(identifier, Deadline(5))
    wiring.check.run(connection)
    let_workers_go_on(wiring, ledger_db)
    found = wiring.ledger.connections.find(identifier)
    assert found
    assert (found.state, found.reason, novu.state.endpoints) == ("ended", "disconnected", ())


def test_an_end_that_was_asked_for_while_a_check_ended_it_is_told_as_asked_for(
    identifier: str, wiring: Wiring, ledger_db: Database
) -> None:
    wiring.ledger.endings.ask(identifier, identifier, "lease", revokes=False)
    wiring.ledger.endings.end(identifier, "lease", "deleted_at_novu")
    [event] = ledger_db.execute("SELECT data FROM event WHERE type = 'connection.disconnected'").fetchall()
    assert event["data"]["reason"] == "disconnected"


@pytest.mark.parametrize("revokes", [False, True])
def test_what_novu_holds_for_somebody_else_by_now_is_left_alone(
    person: Person,
    mint: MintLink,
    wiring: Wiring,
    slack: LocalSlack,
    novu: LocalNovu,
    ledger_db: Database,
    revokes: bool,
) -> None:
    """Somebody deleted it there and used its identifier for another customer, while its end was under way."""
    novu.state.environment.add_subscriber("other")
    person.install(mint(identifier="mine"))
    lead_to_a_channel(wiring, "mine")
    mine = wiring.ledger.connections.find("mine")
    assert mine
    wiring.ledger.endings.ask(mine.owner, "mine", "lease", revokes=revokes)
    wiring.parties.first.novu.delete("mine", Deadline(5))
    person.install(mint(identifier="mine", subscriberId="other"))
    let_workers_go_on(wiring, ledger_db)
    [theirs] = novu.state.connections
    assert theirs.subscriber_id == "other"
    assert accepts(slack, theirs.token)
    assert novu.state.endpoints == ()
    after = wiring.ledger.connections.by_owner(mine.owner)
    assert after
    assert (after.state, after.reason) == ("ended", "disconnected")


def test_whoever_is_still_there_is_ended_before_whoever_has_ended(
    person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu
) -> None:
    """Two owners had one identifier after each other, and the first was never noticed to be gone."""
    novu.state.environment.add_subscriber("other")
    person.install(mint(identifier="mine"))
    mine = wiring.ledger.connections.find("mine")
    assert mine
    wiring.parties.first.novu.delete("mine", Deadline(5))
    person.install(mint(identifier="mine", subscriberId="other"))
    for _ in range(2):
        assert wiring.upkeep.disconnect("mine", revokes=False).is_done
    after = wiring.ledger.connections.by_owner(mine.owner)
    assert after
    assert after.state == "ended"
