"""What a browser is told of one owner: in which words, and who may read it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
import redis
import requests
from flask import Flask
from psycopg.rows import DictRow

from onboarding.ephemeral.limits import STATUS_READS
from onboarding.ledger import owners
from onboarding.sandbox.novu.options import Options
from onboarding.wiring import Wiring
from tests.aging import pass_time
from tests.conftest import MintLink
from tests.embed.conftest import ORIGIN, OTHER, Embedding
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import HEADERS, Person
from tests.web.test_direct_install import add, claim
from tests.witness import Witness

NOBODY = ("none", None, None)
WORKING = ("working", "Acme HQ", None)
NEARLY = timedelta(minutes=9, seconds=50)


def identifier(novu: LocalNovu) -> str:
    [made] = novu.state.connections
    return made.identifier


def check(wiring: Wiring, novu: LocalNovu) -> None:
    found = wiring.ledger.connections.find(identifier(novu))
    assert found
    wiring.check.run(found)


def disconnect(wiring: Wiring, novu: LocalNovu) -> None:
    assert wiring.upkeep.disconnect(identifier(novu), revokes=False).is_done


def test_of_an_owner_whom_nobody_knows_there_is_nothing(embedding: Embedding) -> None:
    assert embedding.status() == {"state": "none", "workspace": None, "reason": None, "attemptId": None}


def test_from_the_click_on_add_to_slack_it_is_pending(embedding: Embedding, person: Person, link: str) -> None:
    person.open(link)
    assert embedding.stands() == NOBODY
    person.add_to_slack(link)
    assert embedding.stands() == ("pending", None, None)


def test_a_click_that_leads_nowhere_is_pending_for_ten_minutes(
    embedding: Embedding, person: Person, link: str, ledger_db: psycopg.Connection[DictRow], wiring: Wiring
) -> None:
    person.add_to_slack(link)
    pass_time(ledger_db, NEARLY)
    assert embedding.stands() == ("pending", None, None)
    pass_time(ledger_db, timedelta(seconds=11))
    assert embedding.stands() == ("none", None, "timed_out")
    wiring.ledger.attempts.expire()
    assert embedding.stands() == ("none", None, "timed_out")


def test_until_slacks_yes_is_delivered_it_is_pending(
    embedding: Embedding, person: Person, link: str, novu: LocalNovu, ledger_db: psycopg.Connection[DictRow]
) -> None:
    novu.suffer("down")
    person.install(link)
    pass_time(ledger_db, timedelta(minutes=11))
    assert embedding.stands() == ("pending", None, None)


def test_whoever_is_connected_is_working(embedding: Embedding, person: Person, link: str) -> None:
    page = person.install(link)
    told = embedding.status()
    assert embedding.stands() == WORKING
    assert told["attemptId"] in page.source
    assert told["workspace"] == {"name": "Acme HQ"}


@pytest.mark.parametrize("again", [None, {"decision": "cancel"}, {"outcome": "not_permitted"}, {"outcome": "approved"}])
def test_a_connected_owner_who_starts_again_stays_working(
    embedding: Embedding, person: Person, link: str, again: dict[str, str] | None
) -> None:
    person.install(link)
    before = embedding.status()["attemptId"]
    if again is None:
        person.add_to_slack(link)
    else:
        person.install(link, **again)
    assert embedding.stands() == WORKING
    assert embedding.status()["attemptId"] != before, "the newest"


def test_another_workspace_is_named(embedding: Embedding, person: Person, link: str) -> None:
    person.install(link)
    person.install(link, workspace="T1GLOBEX1")
    assert embedding.stands()[:2] != WORKING[:2]
    assert embedding.stands()[0] == "working"


def test_whoever_cannot_be_asked_about_reads_as_working(
    embedding: Embedding, person: Person, link: str, novu: LocalNovu, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.install(link)
    monkeypatch.setattr(novu.state, "options", Options(redact=True))
    check(wiring, novu)
    found = wiring.ledger.connections.find(identifier(novu))
    assert found
    assert found.state == "unknown"
    assert embedding.stands() == WORKING


def test_what_slack_refuses_is_broken_in_slacks_word(
    embedding: Embedding, person: Person, link: str, slack: LocalSlack, novu: LocalNovu, wiring: Wiring
) -> None:
    person.install(link)
    slack.state.faults.set("auth.test", "error", error="account_inactive")
    check(wiring, novu)
    assert embedding.stands() == ("broken", "Acme HQ", "account_inactive")
    slack.state.faults.clear()
    check(wiring, novu)
    assert embedding.stands() == WORKING


def test_healing_what_is_broken_is_pending_and_what_fails_leaves_it_broken(
    embedding: Embedding, person: Person, link: str, slack: LocalSlack, novu: LocalNovu, wiring: Wiring
) -> None:
    person.install(link)
    slack.state.faults.set("auth.test", "error", error="token_revoked")
    check(wiring, novu)
    back = person.come_back(link, decision="cancel")
    assert embedding.stands() == ("pending", "Acme HQ", None)
    person.open(back)
    assert embedding.stands() == ("broken", "Acme HQ", "token_revoked")
    slack.state.faults.clear()
    person.install(link)
    assert embedding.stands() == WORKING


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"decision": "cancel"}, "denied_by_person"),
        ({"outcome": "fewer_scopes"}, "scopes_missing"),
    ],
)
def test_an_attempt_that_came_to_nothing_says_why(
    embedding: Embedding, person: Person, link: str, answer: dict[str, str], reason: str
) -> None:
    page = person.install(link, **answer)
    assert embedding.stands() == ("none", None, reason)
    assert embedding.status()["attemptId"] in page.source


def test_what_novu_refuses_came_to_nothing(embedding: Embedding, person: Person, link: str, novu: LocalNovu) -> None:
    novu.suffer("unauthorized")
    person.install(link)
    assert embedding.stands() == ("none", None, "novu_unauthorized")


def test_whoever_may_not_install_awaits_approval_until_the_link_expires(
    embedding: Embedding, person: Person, mint: MintLink, ledger_db: psycopg.Connection[DictRow], wiring: Wiring
) -> None:
    person.install(mint(timedelta(hours=1)), outcome="not_permitted")
    assert embedding.stands() == ("awaiting_approval", None, "not_permitted")
    pass_time(ledger_db, timedelta(hours=1, seconds=1))
    assert embedding.stands() == ("none", None, "approval_not_given")
    wiring.ledger.attempts.expire()
    assert embedding.stands() == ("none", None, "approval_not_given")


def test_a_click_that_leads_nowhere_does_not_end_the_wait_for_approval(
    embedding: Embedding, person: Person, link: str, ledger_db: psycopg.Connection[DictRow]
) -> None:
    person.install(link, outcome="not_permitted")
    person.add_to_slack(link)
    assert embedding.stands() == ("pending", None, None)
    pass_time(ledger_db, timedelta(minutes=11))
    assert embedding.stands() == ("awaiting_approval", None, "not_permitted")


def test_a_colleague_with_another_link_of_the_owner_settles_it(
    embedding: Embedding, person: Person, mint: MintLink, app: Flask, slack: LocalSlack
) -> None:
    person.install(mint(), outcome="not_permitted")
    person.move_to(app)
    person.install(mint())
    assert embedding.stands() == WORKING


def test_what_was_ended_is_none_and_says_so(
    embedding: Embedding, person: Person, link: str, novu: LocalNovu, wiring: Wiring
) -> None:
    person.install(link)
    attempt = embedding.status()["attemptId"]
    disconnect(wiring, novu)
    assert embedding.stands() == ("none", None, "disconnected")
    assert embedding.status()["attemptId"] == attempt


def test_after_an_end_the_story_begins_anew(
    embedding: Embedding, person: Person, link: str, novu: LocalNovu, wiring: Wiring
) -> None:
    person.install(link)
    disconnect(wiring, novu)
    back = person.come_back(link, decision="cancel")
    assert embedding.stands() == ("pending", None, None)
    person.open(back)
    assert embedding.stands() == ("none", None, "denied_by_person")
    person.install(link, outcome="not_permitted")
    assert embedding.stands() == ("awaiting_approval", None, "not_permitted")
    person.install(link)
    assert embedding.stands() == WORKING


def test_an_end_is_the_last_word_on_a_wait_for_approval(
    embedding: Embedding, person: Person, link: str, novu: LocalNovu, wiring: Wiring
) -> None:
    person.install(link)
    person.install(link, outcome="not_permitted")
    disconnect(wiring, novu)
    assert embedding.stands() == ("none", None, "disconnected")


def test_what_was_deleted_at_novu_says_so(
    embedding: Embedding, person: Person, link: str, novu: LocalNovu, wiring: Wiring
) -> None:
    person.install(link)
    found = wiring.ledger.connections.find(identifier(novu))
    assert found
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    requests.delete(f"{novu.url}/v1/channel-connections/{found.identifier}", headers=headers, timeout=5)
    wiring.check.run(found)
    assert embedding.stands() == ("none", None, "deleted_at_novu")


def test_a_grant_that_is_claimed_is_the_newest_attempt_from_then_on(
    make_app: Callable[..., Flask],
    slack: LocalSlack,
    novu: LocalNovu,
    witness: Witness,
    mint: MintLink,
    ledger_db: psycopg.Connection[DictRow],
) -> None:
    app = make_app(EMBED_ORIGINS=ORIGIN, DIRECT_INSTALL="1")
    person = Person(app, slack, witness)
    wiring: Wiring = app.extensions["onboarding"]
    embedding = Embedding(app.test_client(), wiring)
    place = add(person, slack, witness)
    pass_time(ledger_db, timedelta(days=2))
    later = person.open(person.come_back(mint(), decision="cancel")).location
    assert embedding.status()["attemptId"] == later.rpartition("/")[2]
    pass_time(ledger_db, timedelta(days=1))
    novu.suffer("down")
    claim(person, mint(), place)
    told = embedding.status()
    assert (told["state"], told["attemptId"]) == ("pending", place.rpartition("/")[2])
    novu.suffer("none")
    wiring.delivery.retry(place.rpartition("/")[2])
    disconnect(wiring, novu)
    told = embedding.status()
    assert (told["state"], told["reason"], told["attemptId"]) == ("none", "disconnected", place.rpartition("/")[2])


def test_a_connection_outlives_the_attempt_that_made_it(
    embedding: Embedding, person: Person, link: str, ledger_db: psycopg.Connection[DictRow], wiring: Wiring
) -> None:
    person.install(link)
    attempt = embedding.status()["attemptId"]
    pass_time(ledger_db, timedelta(days=31))
    assert wiring.ledger.attempts.get(attempt) is None
    assert embedding.stands() == WORKING
    assert embedding.status()["attemptId"] == attempt


@pytest.mark.parametrize(
    "other",
    [
        {"subscriberId": "subscriber-124"},
        {"subscriberId": "subscriber-123", "context": {"tenant": "org-1"}},
        {"subscriberId": "subscriber-123", "integrationIdentifier": "slack-other"},
        {"context": {"tenant": "org-1"}},
        {"subscriberId": "subscriber-123", "context": {"tenant": "org-1"}, "connectionMode": "shared"},
    ],
)
def test_a_token_tells_of_its_owner_only(
    embedding: Embedding, person: Person, link: str, other: dict[str, object]
) -> None:
    person.install(link)
    assert embedding.stands(**other) == NOBODY


def test_shared_connections_are_found_by_their_context(embedding: Embedding, person: Person, mint: MintLink) -> None:
    person.install(mint(context={"tenant": "org-1"}, connectionMode="shared"))
    assert embedding.stands(context={"tenant": "org-1"}) == WORKING
    assert embedding.stands(subscriberId="anybody", context={"tenant": "org-1"}, connectionMode="shared") == WORKING


def test_a_long_history_costs_one_statement_that_reads_by_index(
    embedding: Embedding, person: Person, link: str, ledger_db: psycopg.Connection[DictRow]
) -> None:
    """Five thousand attempts of the owner, and as many newer ones of others."""
    person.install(link, decision="cancel")
    columns = [
        row["name"]
        for row in ledger_db.execute(
            "SELECT attname AS name FROM pg_attribute WHERE attrelid = "
            "'attempt'::regclass AND attnum > 0 AND NOT attisdropped"
        )
    ]
    changed = {
        "id": "n::text || '-' || id",
        "started_at": "started_at + (CASE WHEN n % 2 = 0 THEN -n ELSE n END) * interval '1 second'",
        "owner": "CASE WHEN n % 2 = 0 THEN owner ELSE 'another' END",
    }
    ledger_db.execute(
        f"INSERT INTO attempt SELECT {', '.join(changed.get(name, name) for name in columns)} "
        "FROM attempt, generate_series(1, 10000) n"
    )
    ledger_db.execute("ANALYZE attempt")
    assert embedding.stands() == ("none", None, "denied_by_person")
    assert pages_read(embedding.wiring) < 40


def pages_read(wiring: Wiring) -> int:
    """How many pages of tables and indexes PostgreSQL looks into to say how the owner stands."""
    owner = wiring.links.mint({"subscriberId": "subscriber-123"}, None, wiring.clock()).owner.identifier
    asked = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {owners.FIND}"
    [(plan,)] = wiring.ledger.postgres.rows(asked, {"owner": owner})
    return int(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])


# Who may read it.


def test_a_page_of_a_named_origin_may_read_it(embedding: Embedding) -> None:
    for origin in (ORIGIN, OTHER):
        answer = embedding.ask(origin=origin)
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"
        assert answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers


STRANGERS = [
    "null",
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "https://sub.app.example.com",
    "https://example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com/",
    "HTTPS://APP.EXAMPLE.COM",
    "http://localhost",
    "http://localhost:3001",
    "http://127.0.0.1:3000",
    "https://app.example.com, http://localhost:3000",
    "*",
    "",
]


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_page_of_another_origin_may_not(embedding: Embedding, origin: str) -> None:
    for answer in (
        embedding.ask(Origin=origin, origin=None),
        embedding.client.options("/embed/status", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
        assert answer.headers["Vary"] == "Origin"


def test_browsers_ask_before_they_send_a_token(embedding: Embedding) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = embedding.client.options("/embed/status", headers=asked)
    assert (answer.status_code, answer.text) == (204, "")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Methods"] == "GET"
    assert answer.headers["Access-Control-Allow-Headers"] == "Authorization"
    assert answer.headers["Access-Control-Max-Age"] == "7200"
    assert answer.headers["Vary"] == "Origin"


def test_programs_without_a_page_may_ask_too(embedding: Embedding) -> None:
    assert embedding.ask(origin=None).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer x", "Bearer gAAAAA==", "Basic {token}", "{token}", "Bearer {token}x", "Bearer ü"],
)
def test_without_a_good_token_nothing_is_told_and_the_page_sees_why(embedding: Embedding, authorization: str) -> None:
    sent = authorization.replace("{token}", embedding.token())
    answer = embedding.client.get("/embed/status", headers={"Origin": ORIGIN, "Authorization": sent})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.content_type == "application/problem+json"


def test_an_expired_token_is_none(embedding: Embedding) -> None:
    assert embedding.ask(embedding.token(timedelta(seconds=-1))).status_code == 401


def test_a_token_in_the_address_is_none(embedding: Embedding) -> None:
    token = embedding.token()
    for name in ("token", "status_token", "access_token", "Authorization"):
        answer = embedding.client.get("/embed/status", query_string={name: token}, headers={"Origin": ORIGIN})
        assert answer.status_code == 401
        assert token not in answer.text


def test_a_token_in_a_cookie_is_none(embedding: Embedding) -> None:
    embedding.client.set_cookie("token", embedding.token())
    assert embedding.client.get("/embed/status").status_code == 401


def test_a_link_and_an_api_key_are_no_tokens(make_app: Callable[..., Flask], embedding: Embedding, link: str) -> None:
    for other in (link.rpartition("/")[2], "k" * 32):
        assert embedding.ask(other).status_code == 401


def test_sixty_calls_a_minute_for_each_token(embedding: Embedding) -> None:
    token, other = embedding.token(), embedding.token()
    statuses = [embedding.ask(token).status_code for _ in range(STATUS_READS.a_minute + 1)]
    assert statuses == [200] * 60 + [429]
    answer = embedding.ask(token)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.content_type == "application/problem+json"
    assert "60 calls" in answer.get_json()["detail"]
    assert embedding.ask(other).status_code == 200


def test_what_is_no_token_is_not_counted(embedding: Embedding, store: redis.Redis) -> None:
    for _ in range(STATUS_READS.a_minute + 1):
        assert embedding.ask("x").status_code == 401
    assert list(store.scan_iter("onboarding:*")) == []


def test_without_redis_nothing_is_counted(make_app: Callable[..., Flask]) -> None:
    app = make_app(EMBED_ORIGINS=ORIGIN, REDIS_URL="unix:///nowhere/redis.sock")
    embedding = Embedding(app.test_client(), app.extensions["onboarding"])
    assert embedding.stands() == NOBODY


def test_without_postgresql_the_page_sees_that(make_app: Callable[..., Flask]) -> None:
    app = make_app(EMBED_ORIGINS=ORIGIN, DATABASE_URL="postgresql://nobody@/none?host=/nowhere")
    answer = Embedding(app.test_client(), app.extensions["onboarding"]).ask()
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_the_answer_is_kept_by_nobody_and_sets_nothing(embedding: Embedding) -> None:
    answer = embedding.ask()
    assert answer.content_type == "application/json"
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "Set-Cookie" not in answer.headers


def test_no_token_is_ever_logged(embedding: Embedding, caplog: pytest.LogCaptureFixture) -> None:
    token = embedding.token()
    embedding.ask(token)
    embedding.ask(token + "x")
    embedding.client.get(f"/embed/status?token={token}")
    assert caplog.records
    assert token not in caplog.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed_with_it(embedding: Embedding, method: str) -> None:
    headers = {"Origin": ORIGIN, "Authorization": f"Bearer {embedding.token()}"}
    assert embedding.client.open("/embed/status", method=method, headers=headers).status_code == 405


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_without_origins_there_is_nothing(make_app: Callable[..., Flask], method: str) -> None:
    answer = make_app().test_client().open("/embed/status", method=method, headers={"Origin": ORIGIN})
    assert answer.status_code == 404
    assert "Access-Control-Allow-Origin" not in answer.headers
