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

from onboarding.flows.check import LATEST, LEAST_WAIT, SOONEST, Silence
from onboarding.ledger.work import Kind
from onboarding.model.destinations import MadeConnection
from onboarding.sandbox.novu.options import Options
from onboarding.wiring import Wiring
from onboarding.worker import kinds
from tests.aging import Database, pass_time
from tests.conftest import MintLink
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Person
from tests.test_disconnect import background

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


def let_a_worker_check(wiring: Wiring, ledger_db: Database) -> timedelta | None:
    """The one check that is to come, now. Gives when the next one is due."""
    ledger_db.execute("UPDATE work SET due_at = now() WHERE kind = 'check'")
    [job] = wiring.ledger.work.take({Kind.CHECK: 1}, 1)
    if after := kinds(background(wiring))[Kind.CHECK](job):
        wiring.ledger.work.again(job, after)
    rows = ledger_db.execute("SELECT due_at - now() AS wait FROM work WHERE kind = 'check'").fetchall()
    return rows[0]["wait"] if rows else None


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
    wait = let_a_worker_check(wiring, ledger_db)
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
    connection: MadeConnection, wiring: Wiring, slack: LocalSlack, ledger_db: Database
) -> None:
    ledger_db.execute("UPDATE work SET since = now() WHERE kind = 'check'")
    slack.state.faults.set("auth.test", "rate_limited", 1, retry_after=90)
    after = let_a_worker_check(wiring, ledger_db)
    assert after
    assert after >= timedelta(seconds=89)
    asked = slack.state.calls("auth.test")
    again = let_a_worker_check(wiring, ledger_db)
    assert again
    assert timedelta(seconds=60) < again < timedelta(minutes=3)
    assert slack.state.calls("auth.test") == asked


def test_another_workspace_is_not_kept_waiting_for_that(
    connection: MadeConnection,
    wiring: Wiring,
    slack: LocalSlack,
    novu: LocalNovu,
    person: Person,
    mint: MintLink,
    ledger_db: Database,
) -> None:
    novu.state.environment.add_subscriber("b")
    person.install(mint(subscriberId="b"), workspace="T0VMBRE11A")
    person.install(mint(context={"tenant": "c"}))
    one, other, same = (
        row["owner"] for row in ledger_db.execute("SELECT owner FROM connection ORDER BY connected_at").fetchall()
    )
    slack.state.faults.set("auth.test", "rate_limited", 1, retry_after=90)
    with pytest.raises(Silence):
        wiring.check.run_due(one)
    with pytest.raises(Silence):
        wiring.check.run_due(same)
    assert wiring.check.run_due(other)
    ledger_db.execute("UPDATE slack_brake SET until = now()")
    wiring.ledger.findings.forget()
    assert ledger_db.execute("SELECT FROM slack_brake").rowcount == 0


def test_after_a_blip_a_hinted_check_is_tried_again_soon_and_then_ever_later(
    connection: MadeConnection, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    ledger_db.execute("UPDATE work SET since = now() WHERE kind = 'check'")
    novu.suffer("unavailable")
    first = let_a_worker_check(wiring, ledger_db)
    assert first
    assert timedelta(seconds=29) <= first <= timedelta(seconds=37)
    ledger_db.execute("UPDATE work SET since = since - interval '3 min' WHERE kind = 'check'")
    later = let_a_worker_check(wiring, ledger_db)
    assert later
    assert timedelta(minutes=2, seconds=59) <= later <= timedelta(minutes=4)
    ledger_db.execute("UPDATE work SET since = since - interval '3 days' WHERE kind = 'check'")
    latest = let_a_worker_check(wiring, ledger_db)
    assert latest
    assert latest <= timedelta(minutes=18)
    novu.suffer("none")
    assert let_a_worker_check(wiring, ledger_db)
    assert current(wiring, novu).checked_at


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
    nonsense = tell(listening, b'{"type":"url_verification","challenge":"\\ud800"}')
    assert (nonsense.status_code, nonsense.text) == (200, "")


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


def test_without_an_interval_a_hint_is_followed_once(
    make_app: Callable[..., Flask],
    connection: MadeConnection,
    slack: LocalSlack,
    novu: LocalNovu,
    ledger_db: Database,
) -> None:
    app = make_app(CHECK_INTERVAL="0", SLACK_SIGNING_SECRET=SIGNING)
    wiring: Wiring = app.extensions["onboarding"]
    revoke(slack, novu)
    tell(app, envelope(TOKEN_REVOKED))
    novu.suffer("unavailable")
    assert let_a_worker_check(wiring, ledger_db), "it is still to be done"
    novu.suffer("none")
    assert let_a_worker_check(wiring, ledger_db) is None
    assert current(wiring, novu).state == "broken"


def test_of_a_connection_that_is_to_end_nothing_is_told(
    connection: MadeConnection, wiring: Wiring, slack: LocalSlack, novu: LocalNovu, ledger_db: Database
) -> None:
    """Its end revokes the token first."""
    wiring.ledger.endings.ask(connection.owner, connection.identifier, "lease", revokes=True)
    revoke(slack, novu)
    wiring.check.run(connection)
    asked = slack.state.calls("auth.test")
    assert let_a_worker_check(wiring, ledger_db) == pytest.approx(LEAST_WAIT, abs=timedelta(seconds=5))
    assert slack.state.calls("auth.test") == asked
    assert types(ledger_db) == ["connection.connected"]
    assert current(wiring, novu).state == "working"


def test_while_an_approval_is_on_its_way_to_novu_nothing_is_told(
    connection: MadeConnection,
    wiring: Wiring,
    slack: LocalSlack,
    novu: LocalNovu,
    person: Person,
    link: str,
    ledger_db: Database,
) -> None:
    """Novu may have it already, so that the token that works is the next one."""
    slack.state.faults.set("auth.test", "error", 1, error="account_inactive")
    wiring.check.run(connection)
    novu.suffer("unavailable")
    person.open(person.come_back(link))
    novu.suffer("none")
    assert ledger_db.execute("SELECT FROM attempt WHERE status = 'granted'").rowcount == 1
    assert wiring.check.run_due(connection.owner) == LEAST_WAIT
    assert types(ledger_db) == ["connection.connected", "connection.broken"]


def test_a_token_that_was_hidden_meanwhile_is_told_of_once_and_when_it_works_again(
    connection: MadeConnection,
    wiring: Wiring,
    slack: LocalSlack,
    novu: LocalNovu,
    ledger_db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check(*, hidden: bool = False) -> str:
        with monkeypatch.context() as patched:
            if hidden:
                patched.setattr(novu.state, "options", Options(redact=True))
            found = wiring.check.run(current(wiring, novu))
        assert found
        return found.state

    slack.state.faults.set("auth.test", "error", 2, error="account_inactive")
    assert [check(), check(hidden=True), check(), check(hidden=True), check()] == [
        "broken",
        "unknown",
        "broken",
        "unknown",
        "working",
    ]
    assert types(ledger_db) == ["connection.connected", "connection.broken", "connection.recovered"]
    assert [check(hidden=True), check()] == ["unknown", "working"]
    assert len(types(ledger_db)) == 3
    slack.state.faults.set("auth.test", "error", 1, error="account_inactive")
    check()
    links = [
        row["data"]["reconnectLink"]
        for row in ledger_db.execute("SELECT data FROM event WHERE type = 'connection.broken' ORDER BY sequence")
    ]
    assert len(set(links)) == 2


def test_one_that_broke_again_while_it_was_checked_has_a_link_too(
    connection: MadeConnection, wiring: Wiring, slack: LocalSlack, ledger_db: Database
) -> None:
    slack.state.faults.set("auth.test", "error", 1, error="account_inactive")
    broken = wiring.check.run(connection)
    assert broken
    wiring.check.run(broken)
    slack.state.faults.set("auth.test", "error", 1, error="account_inactive")
    wiring.check.run(broken)
    told = ledger_db.execute("SELECT data FROM event WHERE type = 'connection.broken' ORDER BY sequence").fetchall()
    assert all(wiring.minting.find(row["data"]["reconnectLink"]) for row in told)
    assert len({row["data"]["reconnectLink"] for row in told}) == 2


def test_that_it_broke_is_known_although_no_link_can_be_made(
    connection: MadeConnection, wiring: Wiring, slack: LocalSlack, novu: LocalNovu, ledger_db: Database
) -> None:
    ledger_db.execute("DELETE FROM attempt")
    ledger_db.execute("UPDATE connection SET subscriber_id = NULL, link = NULL")
    revoke(slack, novu)
    wiring.check.run(current(wiring, novu))
    assert current(wiring, novu).state == "broken"
    [event] = ledger_db.execute("SELECT data FROM event WHERE type = 'connection.broken'").fetchall()
    assert event["data"]["reconnectLink"] is None


def test_a_removal_from_before_a_check_that_found_it_working_is_no_reason_later(
    listening: Flask, connection: MadeConnection, wiring: Wiring, slack: LocalSlack, novu: LocalNovu
) -> None:
    """It came late: the customer has connected again since."""
    tell(listening, envelope({"type": "app_uninstalled"}))
    wiring.check.run_due(connection.owner)
    revoke(slack, novu)
    wiring.check.run_due(connection.owner)
    assert current(wiring, novu).reason == "token_revoked"


def test_whoever_has_its_identifier_by_now_does_not_count(
    person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.state.environment.add_subscriber("other")
    person.install(mint(identifier="mine"))
    mine = wiring.ledger.connections.find("mine")
    assert mine
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    requests.delete(f"{novu.url}/v1/channel-connections/mine", headers=headers, timeout=5)
    person.install(mint(identifier="mine", subscriberId="other"), workspace="T0VMBRE11A")
    found = wiring.check.run(mine)
    assert found
    assert (found.state, found.reason) == ("ended", "deleted_at_novu")
    theirs = wiring.ledger.connections.find("mine")
    assert theirs
    checked = wiring.check.run(theirs)
    assert checked
    assert (checked.state, checked.subscriber_id) == ("working", "other")


@pytest.mark.parametrize("mode", ["shared", "subscriber"])
def test_a_link_from_what_little_is_known_is_for_the_same_owner(
    person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu, ledger_db: Database, mode: str
) -> None:
    """Its attempt was forgotten by a release that noted neither what the link said nor whether it was shared."""
    person.install(mint(context={"tenant": "org-1"}, connectionMode=mode))
    ledger_db.execute("DELETE FROM attempt")
    ledger_db.execute("UPDATE connection SET is_shared = false, link_id = NULL, link = NULL")
    connection = current(wiring, novu)
    assert wiring.minting.reconnect(connection).owner.identifier == connection.owner


def test_a_link_says_what_the_first_one_said_although_its_attempt_is_forgotten(
    person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    context = {"tenant": {"id": "org-1", "data": {"plan": "pro"}}, "team": {"id": "a", "data": {"x": "a\0b"}}}
    person.install(mint(context={**context, "team": "a"}, returnUrl="https://app.example/slack", destination="none"))
    before = current(wiring, novu)
    # From when a link could hold a NUL.
    [row] = ledger_db.execute("SELECT link FROM attempt").fetchall()
    ledger_db.execute("UPDATE connection SET link = %s", [json.dumps({**json.loads(row["link"]), "context": context})])
    ledger_db.execute("DELETE FROM attempt")
    link = wiring.minting.reconnect(current(wiring, novu))
    assert (link.owner.identifier, link.account, link.return_url) == (
        before.owner,
        "Acme Inc.",
        "https://app.example/slack",
    )
    assert (link.destination, link.workspace_id) == ("none", "T9TK3CUKW")
    assert {each.type: each.data for each in link.contexts} == {"tenant": {"plan": "pro"}, "team": None}
