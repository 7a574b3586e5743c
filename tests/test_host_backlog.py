"""Many events at once: every owner's in order, nobody waits for somebody else's, and what was kept goes out whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from onboarding.flows.notify import WAITS
from onboarding.ledger import pauses, work
from onboarding.ledger.events import PING, Sending
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.hosting import NEW, Host, hosting
from tests.person import Person
from tests.test_apps import FIRST, SECOND, Site, novu_of_two, site
from tests.test_delivery import until, worker
from tests.test_host_events import deliver

__all__ = ["novu_of_two", "site"]
SINCE_STARTED = 10.0
"""Seconds within which a worker has started and done a lot, on a busy machine."""


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


@pytest.fixture
def ours(env: dict[str, str], host: Host) -> dict[str, str]:
    return {**env, "WEBHOOK_URL": host.url, "WEBHOOK_SECRETS": NEW}


@pytest.fixture
def told(make_app: Callable[..., Flask], host: Host) -> Wiring:
    wiring: Wiring = make_app(WEBHOOK_URL=host.url, WEBHOOK_SECRETS=NEW).extensions["onboarding"]
    wiring.ledger.postgres.ping()
    return wiring


def tell(ledger_db: Database, owner: str, number: int = 1, integration: str = "slack-prod") -> None:
    """So many events of an owner."""
    ledger_db.execute(
        "SELECT tell(%s, 'connection.recovered', 'c', jsonb_build_object('integrationIdentifier', %s::text))"
        " FROM generate_series(1, %s)",
        [owner, integration, number],
    )


def keep(ledger_db: Database, number: int, owners: int) -> None:
    """So many kept events of so many owners, of an endpoint that is gone."""
    ledger_db.execute(
        "INSERT INTO event (id, owner, sequence, type, data, status)"
        " SELECT 'evt_' || md5(n::text), 'o' || n %% %s, n, 'connection.connected', '{}', 'paused'"
        " FROM generate_series(1, %s) n",
        [owners, number],
    )
    ledger_db.execute("INSERT INTO webhook_pause DEFAULT VALUES")


def status(ledger_db: Database) -> list[str]:
    return [row["status"] for row in ledger_db.execute("SELECT status FROM event ORDER BY at, sequence")]


def due(ledger_db: Database) -> int:
    return ledger_db.execute("SELECT FROM work WHERE kind = 'webhook'").rowcount


def name(wiring: Wiring) -> str:
    [hearer] = wiring.notify.hearers
    return hearer.endpoint.name


def sequences(host: Host, owner: str, ledger_db: Database) -> list[int]:
    """Of an owner's events, in the order in which they came."""
    owners = {row["id"]: row["owner"] for row in ledger_db.execute("SELECT id, owner FROM event")}
    return [
        json.loads(body)["data"]["sequence"] for headers, body in host.came if owners[headers["webhook-id"]] == owner
    ]


def test_two_hundred_owners_are_told_within_seconds(
    told: Wiring, host: Host, ours: dict[str, str], tmp_path: Path, ledger_db: Database
) -> None:
    for number in range(200):
        tell(ledger_db, f"o{number}")
    with worker(ours, tmp_path / "log"):
        until(lambda: len(host.came) == 200, SINCE_STARTED)


def test_sixty_events_of_one_owner_go_out_in_order_and_hold_up_nobody(
    told: Wiring, host: Host, ours: dict[str, str], tmp_path: Path, ledger_db: Database
) -> None:
    tell(ledger_db, "chatty", 60)
    tell(ledger_db, "quiet")
    with worker(ours, tmp_path / "log"):
        until(lambda: len(host.came) == 61, SINCE_STARTED)
    assert sequences(host, "chatty", ledger_db) == list(range(1, 61))
    assert host.events.index(next(each for each in host.events if each["data"]["sequence"] == 1)) < 10


def test_what_was_kept_goes_out_in_order_and_fresh_events_of_others_at_once(
    told: Wiring, host: Host, ours: dict[str, str], tmp_path: Path, ledger_db: Database
) -> None:
    host.waits = 0.02
    keep(ledger_db, 300, owners=1)
    assert told.notify.resume() == 300
    with worker(ours, tmp_path / "log"):
        until(lambda: len(host.came) > 3, SINCE_STARTED)
        tell(ledger_db, "other")
        until(lambda: "connection.recovered" in host.types, 2)
        assert len(host.came) < 300
        until(lambda: len(host.came) == 301, 30)
    assert sequences(host, "o0", ledger_db) == list(range(1, 301))


def test_one_that_is_tried_again_does_not_hold_up_the_next(told: Wiring, host: Host, ledger_db: Database) -> None:
    tell(ledger_db, "o", 3)
    ledger_db.execute("DELETE FROM work")
    host.answers = [(500, {})]
    first, second, third = (row["id"] for row in ledger_db.execute("SELECT id FROM event ORDER BY sequence"))
    assert told.notify.deliver(third) is None
    assert told.notify.deliver(second) is None
    assert host.came == []
    assert told.notify.deliver(first)
    assert [row["subject"] for row in ledger_db.execute("SELECT subject FROM work")] == [second]
    told.notify.deliver(second)
    assert [headers["webhook-id"] for headers, _ in host.came] == [first, second]
    assert {row["subject"] for row in ledger_db.execute("SELECT subject FROM work")} == {second, third}


def test_a_slow_host_holds_up_no_check(
    told: Wiring, host: Host, ours: dict[str, str], person: Person, link: str, tmp_path: Path, ledger_db: Database
) -> None:
    person.install(link)
    host.waits = 8
    for number in range(12):
        tell(ledger_db, f"o{number}")
    with worker(ours, tmp_path / "log"):
        until(lambda: len(host.came) == 4, SINCE_STARTED)
        ledger_db.execute("UPDATE work SET due_at = now() WHERE kind = 'check'")
        until(lambda: ledger_db.execute("SELECT FROM connection WHERE checked_at IS NOT NULL").rowcount, 5)
        assert len(host.came) == 4
        host.waits = 0


def test_a_slow_host_holds_up_no_other_host(
    site: Site, env: dict[str, str], tmp_path: Path, ledger_db: Database
) -> None:
    site.wiring.ledger.postgres.ping()
    site.hosts[FIRST].waits = 8
    for number in range(12):
        tell(ledger_db, f"o{number}", integration=FIRST)
    with worker({**env, **site.env}, tmp_path / "log"):
        until(lambda: len(site.hosts[FIRST].came) == 2, SINCE_STARTED)
        for number in range(20):
            tell(ledger_db, f"p{number}", integration=SECOND)
        until(lambda: len(site.hosts[SECOND].came) == 20, 5)
        assert len(site.hosts[FIRST].came) == 2
        site.hosts[FIRST].waits = 0


def test_nothing_is_kept_once_the_pause_has_ended(told: Wiring, host: Host, ledger_db: Database) -> None:
    """A worker saw the pause, an operator resumed, and then the worker kept the event."""
    tell(ledger_db, "o")
    [row] = ledger_db.execute("SELECT id FROM event").fetchall()
    ledger_db.execute("INSERT INTO webhook_pause (endpoint) VALUES (%s)", [name(told)])
    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(told.settings.database_url.reveal()) as resuming:
            resuming.execute("DELETE FROM webhook_pause")
            held = pool.submit(told.ledger.pauses.hold, row["id"], name(told))
            until(lambda: ledger_db.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount, 5)
        assert held.result() is False
    assert deliver(told, ledger_db) == [None]
    assert len(host.came) == 1


def test_what_was_kept_because_there_was_no_endpoint_goes_out_when_somebody_resumes(
    told: Wiring, wiring: Wiring, host: Host, ledger_db: Database
) -> None:
    tell(ledger_db, "o", 2)
    assert deliver(wiring, ledger_db) == [None, None]
    assert status(ledger_db) == [Sending.PAUSED] * 2
    assert wiring.notify.kept_since() is None
    tell(ledger_db, "o")
    assert deliver(told, ledger_db) == [None]
    assert told.notify.paused_since() is None
    assert told.notify.kept_since()
    assert told.notify.resume() == 2
    assert told.notify.kept_since() is None
    deliver(told, ledger_db)
    assert [event["data"]["sequence"] for event in host.events] == [3, 1, 2]


def test_however_many_are_kept_they_are_kept_and_released_in_bounded_statements(
    told: Wiring, ledger_db: Database
) -> None:
    keep(ledger_db, 5000, owners=100)
    assert told.notify.resume() == 5000
    largest = "SELECT max(number) AS largest FROM (SELECT count(*) AS number FROM event GROUP BY xmin::text) parts"
    [row] = ledger_db.execute(largest).fetchall()
    assert row["largest"] <= pauses.MOST_AT_ONCE
    assert due(ledger_db) == 100
    assert set(status(ledger_db)) == {Sending.PENDING}
    told.ledger.pauses.begin(name(told), None)
    [row] = ledger_db.execute(largest).fetchall()
    assert row["largest"] <= pauses.MOST_AT_ONCE
    assert due(ledger_db) == 0
    assert set(status(ledger_db)) == {Sending.PAUSED}


def test_gone_at_the_last_try_pauses_and_the_event_is_kept(told: Wiring, host: Host, ledger_db: Database) -> None:
    tell(ledger_db, "o")
    ledger_db.execute("UPDATE event SET tries = %s", [len(WAITS)])
    host.answers = [(410, {})]
    assert deliver(told, ledger_db) == [None]
    assert status(ledger_db) == [Sending.PAUSED]
    assert told.notify.paused_since()


def test_a_ping_that_hears_that_the_endpoint_is_gone_pauses(told: Wiring, host: Host, ledger_db: Database) -> None:
    host.answers = [(410, {})]
    [hearer] = told.notify.hearers
    assert told.notify.ping(hearer).status == 410
    assert told.notify.paused_since()
    assert status(ledger_db) == [Sending.PAUSED]
    assert told.notify.resume() == 1
    deliver(told, ledger_db)
    assert host.types == [PING, PING]


def test_a_ping_for_an_endpoint_that_is_no_longer_there_is_not_kept_for_another(
    told: Wiring, make_app: Callable[..., Flask], host: Host, ledger_db: Database
) -> None:
    host.answers = [(410, {})]
    [hearer] = told.notify.hearers
    told.notify.ping(hearer)
    moved: Wiring = make_app(WEBHOOK_URL=f"{host.url}&moved", WEBHOOK_SECRETS=NEW).extensions["onboarding"]
    assert moved.notify.kept_since() is None
    assert moved.notify.resume() == 0
    told.notify.resume()
    deliver(moved, ledger_db)
    assert status(ledger_db) == [Sending.FAILED]
    assert len(host.came) == 1


@pytest.mark.parametrize(("header", "least"), [("600", 600), ("date", 3500), ("soon", 0), ("-5", 0)])
def test_a_host_may_say_when_it_wants_to_be_asked_again(
    told: Wiring, host: Host, ledger_db: Database, header: str, least: int
) -> None:
    if header == "date":
        header = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    tell(ledger_db, "o")
    host.answers = [(503, {"Retry-After": header})]
    [wait] = deliver(told, ledger_db)
    assert wait
    assert least <= wait.total_seconds() <= least + 110


def test_what_was_delivered_stays_delivered_if_there_is_nobody_to_send_it_to_again(
    told: Wiring, wiring: Wiring, ledger_db: Database
) -> None:
    tell(ledger_db, "o", 2)
    deliver(told, ledger_db)
    [first, _] = ledger_db.execute("SELECT id FROM event ORDER BY sequence").fetchall()
    assert wiring.notify.redeliver(first["id"])
    wiring.notify.deliver(first["id"])
    assert status(ledger_db) == [Sending.DELIVERED] * 2
    event = wiring.ledger.events.get(first["id"])
    assert event
    assert event.tries == 1


def test_lost_work_is_made_anew_for_what_is_sent_next_some_at_a_time(told: Wiring, ledger_db: Database) -> None:
    keep(ledger_db, work.MOST_LOOKED + 1, owners=2)
    ledger_db.execute("UPDATE event SET status = 'pending', at = at + sequence * interval '1 ms'")
    ledger_db.execute("UPDATE event SET owner = 'late' WHERE sequence = %s", [work.MOST_LOOKED + 1])
    ledger_db.execute("UPDATE event SET tries = 1 WHERE sequence = 1")
    assert [told.ledger.work.rebuild(timedelta(0)) for _ in range(3)] == [3, 1, 0]
    made = ledger_db.execute("SELECT sequence FROM event JOIN work ON subject = event.id ORDER BY sequence").fetchall()
    assert [row["sequence"] for row in made] == [1, 2, 3, work.MOST_LOOKED + 1]
