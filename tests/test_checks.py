"""A connection that breaks is noticed, one that works again recovers, and what does not answer changes nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import requests
from flask import Flask
from werkzeug.test import TestResponse

from onboarding.flows.check import LATEST, SOONEST, Silence
from onboarding.ledger.work import Kind
from onboarding.model.destinations import MadeConnection
from onboarding.wiring import Wiring
from tests.aging import Database, pass_time
from tests.conftest import MintLink
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Person

SIGNING = "8f742231b10e8888abcd99yyyzzz85a5"
TOKEN_REVOKED = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["U1"]}}


@pytest.fixture
def connection(person: Person, link: str, wiring: Wiring, novu: LocalNovu) -> MadeConnection:
    person.install(link)
    return current(wiring, novu)


def current(wiring: Wiring, novu: LocalNovu) -> MadeConnection:
    found = wiring.ledger.connections.find(novu.state.connections[0].identifier)
    assert found
    return found


def revoke(slack: LocalSlack, novu: LocalNovu) -> None:
    headers = {"Authorization": f"Bearer {novu.state.connections[0].token}"}
    assert requests.post(f"{slack.url}/api/auth.revoke", headers=headers, timeout=5).json()["ok"]


def types(ledger_db: Database) -> list[str]:
    return [row["type"] for row in ledger_db.execute("SELECT type FROM event ORDER BY sequence")]


def test_one_that_works_stays_as_it_is(connection: MadeConnection, wiring: Wiring, ledger_db: Database) -> None:
    found = wiring.check.run(connection)
    assert found
    assert (found.state, found.reason, found.since) == ("working", None, connection.since)
    assert found.checked_at
    assert types(ledger_db) == ["connection.connected"]


def test_a_revoked_token_breaks_it_and_a_link_heals_it(
    connection: MadeConnection, wiring: Wiring, slack: LocalSlack, novu: LocalNovu, person: Person, ledger_db: Database
) -> None:
    revoke(slack, novu)
    for _ in range(2):
        found = wiring.check.run(current(wiring, novu))
        assert found
        assert (found.state, found.reason) == ("broken", "token_revoked")
    assert types(ledger_db) == ["connection.connected", "connection.broken"]
    [event] = ledger_db.execute("SELECT data FROM event WHERE type = 'connection.broken'").fetchall()
    address = wiring.minting.address(event["data"]["reconnectLink"]).removeprefix(wiring.settings.public_url)
    assert person.open(address).heading == "Slack disconnected Acme Inc."
    page = person.install(address)
    assert page.heading == "Acme HQ is connected"
    assert current(wiring, novu).state == "working"
    assert types(ledger_db) == ["connection.connected", "connection.broken", "connection.updated"]
    wiring.check.run(current(wiring, novu))
    assert types(ledger_db)[-1] == "connection.updated"


def test_one_that_works_again_by_itself_recovers(
    connection: MadeConnection, wiring: Wiring, slack: LocalSlack, ledger_db: Database
) -> None:
    slack.state.faults.set("auth.test", "error", 1, error="account_inactive")
    broken = wiring.check.run(connection)
    assert broken
    assert (broken.state, broken.reason) == ("broken", "account_inactive")
    found = wiring.check.run(broken)
    assert found
    assert (found.state, found.reason, found.reconnect_link) == ("working", None, None)
    assert types(ledger_db) == ["connection.connected", "connection.broken", "connection.recovered"]


@pytest.mark.parametrize("fault", ["html", "unknown_error", "429", "500", "truncated", "reset_before"])
def test_a_slack_that_does_not_say_changes_nothing(
    connection: MadeConnection, wiring: Wiring, slack: LocalSlack, novu: LocalNovu, fault: str
) -> None:
    slack.state.faults.set("auth.test", fault, 1)
    with pytest.raises(Silence):
        wiring.check.run(connection)
    assert (current(wiring, novu).state, current(wiring, novu).checked_at) == ("working", None)


def test_slack_is_left_alone_after_it_said_that_it_was_asked_too_often(
    connection: MadeConnection, wiring: Wiring, slack: LocalSlack, novu: LocalNovu, ledger_db: Database
) -> None:
    slack.state.faults.set("auth.test", "429", 1)
    for _ in range(2):
        with pytest.raises(Silence) as silence:
            wiring.check.run(connection)
        assert silence.value.retry_after > 0
    wait = wiring.check.run_due(connection.owner)
    assert wait
    assert wait > timedelta(0)
    assert current(wiring, novu).checked_at is None
    ledger_db.execute("UPDATE slack_brake SET until = now()")
    assert wiring.check.run(connection)
    assert current(wiring, novu).checked_at


@pytest.mark.parametrize("failure", ["down", "unavailable", "unauthorized", "html", "rate_limited"])
def test_a_novu_that_does_not_say_changes_nothing(
    connection: MadeConnection, wiring: Wiring, novu: LocalNovu, failure: str
) -> None:
    novu.suffer(failure)
    with pytest.raises(Silence):
        wiring.check.run(connection)
    novu.suffer("none")
    assert (current(wiring, novu).state, current(wiring, novu).checked_at) == ("working", None)


def test_one_that_novu_no_longer_has_has_ended(
    connection: MadeConnection, wiring: Wiring, novu: LocalNovu, person: Person, link: str, ledger_db: Database
) -> None:
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    requests.delete(f"{novu.url}/v1/channel-connections/{connection.identifier}", headers=headers, timeout=5)
    found = wiring.check.run(connection)
    assert found
    assert (found.state, found.reason) == ("ended", "deleted_at_novu")
    assert types(ledger_db) == ["connection.connected", "connection.disconnected"]
    person.install(link)
    assert types(ledger_db)[-1] == "connection.connected"


def test_a_check_that_races_a_reinstall_changes_nothing(
    connection: MadeConnection, wiring: Wiring, slack: LocalSlack, novu: LocalNovu, person: Person, link: str
) -> None:
    """It had read the connection before, and Slack says that the token of then is gone."""
    revoke(slack, novu)
    person.install(link)
    slack.state.faults.set("auth.test", "error", 1, error="token_revoked")
    wiring.check.run(connection)
    assert current(wiring, novu).state == "working"


def test_the_next_check_comes_after_the_interval_and_for_broken_ones_ever_later(
    connection: MadeConnection, wiring: Wiring, slack: LocalSlack, novu: LocalNovu, ledger_db: Database
) -> None:
    interval = wiring.settings.check_interval
    after = wiring.check.run_due(connection.owner)
    assert after
    assert interval * 0.9 <= after <= interval * 1.1
    revoke(slack, novu)
    assert wiring.check.run_due(connection.owner) == SOONEST
    pass_time(ledger_db, timedelta(hours=5))
    after = wiring.check.run_due(connection.owner)
    assert after
    assert timedelta(hours=5) <= after < timedelta(hours=5, minutes=1)
    pass_time(ledger_db, timedelta(days=30))
    assert wiring.check.run_due(connection.owner) == LATEST


def test_when_slack_is_asked_too_often_nobody_asks_for_a_while(
    connection: MadeConnection, wiring: Wiring, slack: LocalSlack
) -> None:
    slack.state.faults.set("auth.test", "rate_limited", 1, retry_after=90)
    after = wiring.check.run_due(connection.owner)
    assert after
    assert after >= timedelta(seconds=90)
    asked = slack.state.calls("auth.test")
    again = wiring.check.run_due(connection.owner)
    assert again
    assert timedelta(seconds=60) < again < timedelta(minutes=3)
    assert slack.state.calls("auth.test") == asked


def test_checks_are_spread_over_the_interval(wiring: Wiring, ledger_db: Database) -> None:
    ledger_db.execute(
        """
        INSERT INTO connection (owner, identifier, integration, context_keys, workspace_id, workspace_name, attempt_id,
                                connected_at, state, since)
        SELECT 'o' || n, 'o' || n, 'slack-prod', '{}', 'T1', 'Acme', 'a', now(), 'working', now()
        FROM generate_series(1, 20000) n
        """
    )
    wiring.ledger.work.rebuild(timedelta(days=1))
    minutes = ledger_db.execute(
        "SELECT count(*) AS number FROM work WHERE kind = 'check' GROUP BY date_trunc('hour', due_at)"
    ).fetchall()
    mean = 20_000 / 24
    assert max(row["number"] for row in minutes) < 2 * mean


def test_without_an_interval_nothing_is_checked_by_itself(
    make_app: Callable[..., Flask], connection: MadeConnection, ledger_db: Database
) -> None:
    wiring: Wiring = make_app(CHECK_INTERVAL="0").extensions["onboarding"]
    assert wiring.check.run_due(connection.owner) is None


@pytest.fixture
def listening(make_app: Callable[..., Flask]) -> Flask:
    return make_app(SLACK_SIGNING_SECRET=f"an-older-one,{SIGNING}")


def tell(
    app: Flask, told: object, headers: dict[str, str] | None = None, *, at: float | None = None, secret: str = SIGNING
) -> TestResponse:
    raw = told if isinstance(told, bytes) else json.dumps(told).encode()
    timestamp = str(int(at if at is not None else time.time()))
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + raw, hashlib.sha256).hexdigest()
    sent = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}", **(headers or {})}
    return app.test_client().post("/slack/events", data=raw, headers=sent, content_type="application/json")


def envelope(event: dict[str, Any], event_id: str = "Ev1", **fields: object) -> dict[str, Any]:
    return {
        "type": "event_callback",
        "team_id": "T9TK3CUKW",
        "api_app_id": "",
        "event": event,
        "event_id": event_id,
        **fields,
    }


def due(ledger_db: Database) -> int:
    return ledger_db.execute("SELECT FROM work WHERE kind = 'check' AND due_at <= now()").rowcount


def test_an_event_makes_its_connection_be_checked_at_once(
    listening: Flask,
    connection: MadeConnection,
    wiring: Wiring,
    slack: LocalSlack,
    novu: LocalNovu,
    ledger_db: Database,
) -> None:
    assert tell(listening, envelope({"type": "app_uninstalled"})).status_code == 200
    [job] = wiring.ledger.work.take({Kind.CHECK: 5}, 5)
    wiring.ledger.work.done(job)
    assert tell(listening, envelope({"type": "app_uninstalled"})).status_code == 200
    assert due(ledger_db) == 0
    wiring.check.run(connection)
    assert current(wiring, novu).state == "working"
    revoke(slack, novu)
    wiring.check.run(connection)
    assert current(wiring, novu).reason == "app_uninstalled"


@pytest.mark.parametrize(
    ("told", "number"),
    [
        (envelope(TOKEN_REVOKED), 1),
        (envelope({"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}}), 0),
        (envelope({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}}), 0),
        (envelope({"type": "app_uninstalled"}, team_id=None, enterprise_id="T9TK3CUKW"), 1),
        (envelope({"type": "team_access_revoked", "team_ids": ["T9TK3CUKW"]}, team_id=None), 1),
        (envelope({"type": "event_callback", "event": {"type": "team_access_granted", "team_ids": ["T9TK3CUKW"]}}), 1),
        ({"type": "app_rate_limited", "team_id": "T9TK3CUKW", "minute_rate_limited": 1, "api_app_id": ""}, 1),
        (envelope({"type": "app_uninstalled"}, team_id="T0OTHER"), 0),
        (envelope({"type": "app_uninstalled"}, api_app_id="A0ANOTHER"), 0),
        (envelope({"type": "message"}), 0),
        (envelope({"type": ["app_uninstalled"]}), 0),
        (envelope({"type": "app_uninstalled"}, team_id=["T9TK3CUKW"], authorizations={"team_id": 7}), 0),
        (envelope({"type": "app_uninstalled"}, event_id="\x00"), 0),
        ({}, 0),
        ({"event": {"event": {"event": {"event": {"type": "app_uninstalled"}}}}, "team_id": "T9TK3CUKW"}, 0),
    ],
)
def test_what_slack_tells(
    listening: Flask, connection: MadeConnection, ledger_db: Database, told: dict[str, Any], number: int
) -> None:
    assert tell(listening, told).status_code == 200
    assert due(ledger_db) == number


def test_slack_is_answered_when_it_wants_to_know_whether_we_are_there(listening: Flask) -> None:
    answer = tell(listening, {"type": "url_verification", "challenge": "3eZbrw"})
    assert (answer.status_code, answer.text) == (200, "3eZbrw")


def test_what_slack_has_not_signed_is_refused(
    listening: Flask, connection: MadeConnection, ledger_db: Database
) -> None:
    told = envelope(TOKEN_REVOKED)
    refused = [
        tell(listening, told, secret="another"),
        tell(listening, told, at=time.time() - 301),
        tell(listening, told, at=time.time() + 301),
        tell(listening, told, {"X-Slack-Signature": ""}),
        tell(listening, told, {"X-Slack-Signature": "v0=\u00fc"}),
        tell(listening, told, {"X-Slack-Request-Timestamp": "soon"}),
        listening.test_client().post("/slack/events", json={"type": "url_verification", "challenge": "x"}),
    ]
    assert {answer.status_code for answer in refused} == {401}
    assert tell(listening, told, secret="an-older-one").status_code == 200
    assert tell(listening, b"not json").status_code == 400
    assert tell(listening, b"[]").status_code == 400
    assert tell(listening, b'{"x": "' + b"x" * 1_100_000 + b'"}').status_code == 413


def test_the_documented_signature_is_right() -> None:
    raw = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
        b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."
        b"47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    digest = hmac.new(SIGNING.encode(), b"v0:1531420618:" + raw, hashlib.sha256).hexdigest()
    assert digest == "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_without_a_signing_secret_nobody_is_heard(app: Flask) -> None:
    assert tell(app, {"type": "url_verification", "challenge": "x"}).status_code == 404


def test_fifty_repeats_at_once_are_one(listening: Flask, connection: MadeConnection, ledger_db: Database) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: tell(listening, envelope(TOKEN_REVOKED)).status_code, range(50)))
    assert set(answers) == {200}
    assert ledger_db.execute("SELECT FROM slack_event").rowcount == 1


def test_a_different_customer_is_left_alone(
    listening: Flask, connection: MadeConnection, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    person.open(person.come_back(mint(context={"tenant": "b"}), workspace="T0VMBRE11A"))
    tell(listening, envelope(TOKEN_REVOKED))
    assert due(ledger_db) == 1


def test_scopes_that_are_gone_are_told_to_operators(
    make_app: Callable[..., Flask], connection: MadeConnection, wiring: Wiring
) -> None:
    more: Wiring = make_app(SLACK_SCOPES="chat:write,channels:read,team:read").extensions["onboarding"]
    found = more.check.run(connection)
    assert found
    assert (found.state, found.missing_scopes) == ("working", ("team:read",))
    found = wiring.check.run(found)
    assert found
    assert found.missing_scopes == ()


def test_a_novu_that_knows_nothing_at_all_ends_nothing(
    connection: MadeConnection, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    """The feature was switched off, or the key is another environment's."""
    novu.suffer("feature_off")
    with pytest.raises(Silence):
        wiring.check.run(connection)
    done = wiring.upkeep.disconnect(connection.identifier, revokes=False)
    assert (done.is_done, done.goes_on) == (False, True)
    novu.suffer("none")
    assert current(wiring, novu).state == "working"
    assert types(ledger_db) == ["connection.connected"]


@pytest.mark.parametrize(("failure", "state"), [("refresh_failed", "broken"), ("refresh_busy", "working")])
def test_an_expired_token_counts_as_broken_only_if_slack_refuses_to_refresh_it(
    person: Person, link: str, wiring: Wiring, novu: LocalNovu, slack: LocalSlack, failure: str, state: str
) -> None:
    person.install(link, outcome="rotation")
    found = current(wiring, novu)
    slack.state.faults.set("auth.test", "error", 1, error="token_expired")
    novu.suffer(failure)
    if state == "working":
        with pytest.raises(Silence):
            wiring.check.run(found)
    else:
        wiring.check.run(found)
    novu.suffer("none")
    assert current(wiring, novu).state == state
