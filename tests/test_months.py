"""History by month: a month is there before it begins, and leaves as a whole once nobody needs any of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from flask import Flask
from psycopg.rows import dict_row

from onboarding.clock import utc_now
from onboarding.ledger import audit, events, migrations
from onboarding.ledger.audit import Action, Entry
from onboarding.ledger.lists import Standing, Wanted
from onboarding.model import Secret
from onboarding.wiring import Wiring
from tests.aging import Database, pass_months, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person
from tests.test_delivery import attempt_id_of
from tests.witness import Witness

NUMBERS = """
SELECT day, name, sum(number)::int AS number FROM {} GROUP BY day, name HAVING sum(number) <> 0 ORDER BY day, name
"""
HISTORIES = ("attempt", "attempt_context", "audit", "event")


def months(ledger_db: Database, history: str) -> int:
    return ledger_db.execute("SELECT FROM months(%s)", [history]).rowcount


def number(ledger_db: Database, table: str) -> int:
    return ledger_db.execute(f"SELECT FROM {table}").rowcount


def forget(wiring: Wiring) -> int:
    """What a worker does once a minute, until nothing is left to do. Gives how often there was something."""
    times = 0
    while wiring.ledger.months.forget():
        times += 1
    return times


# A month begins.


def test_this_month_and_the_next_are_there_from_the_start(ledger_db: Database, wiring: Wiring) -> None:
    wiring.ledger.months.make()
    assert {history: months(ledger_db, history) for history in HISTORIES} == dict.fromkeys(HISTORIES, 2)
    [bounds] = ledger_db.execute(
        """
        SELECT max(ends) AT TIME ZONE 'UTC'
                = date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months' AS is_next,
            min(ends) > now() AS is_present FROM months('event')
        """
    ).fetchall()
    assert bounds == {"is_next": True, "is_present": True}


def test_a_service_that_was_away_for_months_makes_them_before_anybody_needs_them(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, ledger_db: Database, mint: MintLink
) -> None:
    pass_months(ledger_db, 3)
    for history in HISTORIES:
        for part in ledger_db.execute("SELECT part FROM months(%s) WHERE ends > now()", [history]).fetchall():
            ledger_db.execute(f"DROP TABLE {part['part']}")
    somebody = Person(make_app(), slack, witness)
    assert somebody.install(mint()).heading == "Acme HQ is connected"


def test_ten_processes_make_each_month_once(ledger_db: Database, wiring: Wiring) -> None:
    for history in HISTORIES:
        for part in ledger_db.execute("SELECT part FROM months(%s) OFFSET 1", [history]).fetchall():
            ledger_db.execute(f"DROP TABLE {part['part']}")
    threads = [threading.Thread(target=wiring.ledger.months.make) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [months(ledger_db, history) for history in HISTORIES] == [2, 2, 2, 2]


def test_an_attempt_goes_on_in_the_month_after(
    person: Person, link: str, novu: LocalNovu, wiring: Wiring, ledger_db: Database
) -> None:
    novu.suffer("down")
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    pass_months(ledger_db, 1)
    novu.suffer("none")
    wiring.delivery.retry(attempt_id)
    attempt = wiring.ledger.attempts.get(attempt_id)
    assert attempt is not None
    assert attempt.status == "connected"


def test_lists_lead_through_every_month(person: Person, mint: MintLink, wiring: Wiring, ledger_db: Database) -> None:
    context = {"tenant": "org-1"}
    for _ in range(2):
        person.install(mint(context=context))
        pass_months(ledger_db, 1)
        ledger_db.execute("UPDATE attempt SET forget_at = now() + interval '1 day'")
    person.install(mint(context=context))
    for wanted in (
        Wanted(limit=1),
        Wanted(limit=1, context="tenant:org-1"),
        Wanted(limit=1, standing=Standing.CONNECTED),
    ):
        found = list(wiring.ledger.lists.each(wanted))
        assert len(found) == 3
        assert sorted(found, key=lambda each: each.started_at, reverse=True) == found


# A month leaves.


def test_a_month_leaves_with_everything_in_it(
    person: Person, mint: MintLink, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(mint(context={"tenant": "org-1"}))
    person.install(mint(), decision="cancel")
    assert forget(wiring) == 0
    pass_months(ledger_db, 2)
    assert forget(wiring) > 0
    assert months(ledger_db, "attempt") == months(ledger_db, "attempt_context") == 2
    assert [number(ledger_db, table) for table in ("attempt", "attempt_context", "event", "term")] == [0, 0, 0, 0]


def test_the_words_of_later_months_stay(person: Person, mint: MintLink, wiring: Wiring, ledger_db: Database) -> None:
    person.install(mint(account="Old and new"))
    pass_months(ledger_db, 2)
    person.install(mint(account="Old and new"))
    forget(wiring)
    assert [match.value for match in wiring.ledger.lists.search("old")] == ["subscriber-123"]


def test_what_the_link_said_stays_with_the_connection(
    person: Person, link: str, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(link)
    pass_months(ledger_db, 2)
    forget(wiring)
    [row] = ledger_db.execute("SELECT link::jsonb ->> 'account' AS account FROM connection").fetchall()
    assert row["account"] == "Acme Inc."
    assert number(ledger_db, "attempt") == 0


@pytest.mark.parametrize("outcome", ["down", "unauthorized"])
def test_a_grant_that_waits_for_novu_keeps_its_month(
    person: Person, link: str, novu: LocalNovu, wiring: Wiring, ledger_db: Database, outcome: str
) -> None:
    novu.suffer(outcome)
    person.open(person.come_back(link))
    pass_months(ledger_db, 3)
    forget(wiring)
    assert number(ledger_db, "attempt") == 1


def test_an_approval_that_may_still_come_keeps_its_month(
    person: Person, mint: MintLink, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(mint(), outcome="not_permitted")
    pass_months(ledger_db, 3)
    forget(wiring)
    assert number(ledger_db, "attempt") == 1
    wiring.ledger.attempts.expire()
    forget(wiring)
    assert number(ledger_db, "attempt") == 0


def test_an_attempt_that_may_still_be_read_keeps_its_month(
    person: Person, link: str, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(link)
    pass_months(ledger_db, 3)
    ledger_db.execute("UPDATE attempt SET forget_at = now() + interval '1 minute'")
    forget(wiring)
    assert number(ledger_db, "attempt") == 1


def test_whoever_reads_a_month_for_long_holds_up_nobody_else(
    person: Person, mint: MintLink, wiring: Wiring, ledger_db: Database, database_url: str
) -> None:
    person.install(mint())
    pass_months(ledger_db, 2)
    with psycopg.connect(database_url) as reader:
        reader.execute("SELECT count(*) FROM attempt")
        began = time.monotonic()
        assert wiring.ledger.months.drop("attempt") is None
        assert time.monotonic() - began < 2
        assert person.install(mint()).heading == "Acme HQ is connected"
    assert wiring.ledger.months.drop("attempt")


def test_numbers_stay_true_when_a_month_leaves(
    person: Person, mint: MintLink, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(mint(), decision="cancel")
    pass_months(ledger_db, 2)
    person.install(mint())
    forget(wiring)
    wiring.ledger.lists.fold_tally()
    counts = wiring.ledger.lists.counts(list(Standing))
    assert {standing: each for standing, each in counts.items() if each} == {Standing.CONNECTED: 1}


# Whose tables they are.


def test_whoever_runs_the_service_need_not_own_the_tables(
    make_app: Callable[..., Flask], blank_database_url: str, slack: LocalSlack, witness: Witness, link: str
) -> None:
    """Nor be granted anything anew by a migration."""
    ours = migrations.known()
    migrations.apply(Secret(blank_database_url), ours=[each for each in ours if each.name < "0011"])
    with psycopg.connect(blank_database_url, autocommit=True) as owner:
        owner.execute("CREATE ROLE runs_it LOGIN")
        try:
            owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO runs_it")
            owner.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO runs_it")
            migrations.apply(Secret(blank_database_url))
            made = make_app(DATABASE_URL=blank_database_url.replace("onboarding@", "runs_it@"))
            wiring: Wiring = made.extensions["onboarding"]
            somebody = Person(made, slack, witness)
            assert somebody.install(link).heading == "Acme HQ is connected"
            wiring.ledger.audit.add(Entry(utc_now(), "", Action.EXPORTED, "", "", ""))
            with psycopg.connect(blank_database_url, autocommit=True, row_factory=dict_row) as database:
                pass_months(database, 2)
                assert forget(wiring) > 0
                assert number(database, "attempt") == 0
            assert somebody.install(link).heading == "Acme HQ is connected"
            wiring.close()
        finally:
            owner.execute("DROP OWNED BY runs_it; DROP ROLE runs_it")


def test_nobody_else_can_drop_what_is_kept_or_become_the_owner(blank_database_url: str, wiring: Wiring) -> None:
    migrations.apply(Secret(blank_database_url))
    with psycopg.connect(blank_database_url, autocommit=True) as owner:
        owner.execute("CREATE ROLE lowly LOGIN")
        try:
            url = blank_database_url.replace("onboarding@", "lowly@")
            with psycopg.connect(url, autocommit=True, row_factory=dict_row) as lowly:
                lowly.execute(
                    """
                    CREATE TEMP TABLE history (name text, moment text, unique_by text, options text, kept interval);
                    INSERT INTO history VALUES
                        ('mine', 'at', 'at', 'fillfactor = 90); ALTER ROLE lowly SUPERUSER; --', '0'),
                        ('audit', 'at', 'at', 'fillfactor = 90', '-20 years');
                    CREATE TEMP TABLE mine (at timestamptz) PARTITION BY RANGE (at)
                    """
                )
                lowly.execute("SELECT make_months()")
                for history in ("attempt", "event", "audit", "mine", "pg_class"):
                    assert lowly.execute("SELECT drop_month(%s) AS dropped", [history]).fetchall() == [
                        {"dropped": None}
                    ]
            assert owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'lowly'").fetchone() == (False,)
        finally:
            owner.execute("DROP OWNED BY lowly; DROP ROLE lowly")


def test_the_database_keeps_what_readers_show(ledger_db: Database) -> None:
    kept = {row["name"]: row["kept"] for row in ledger_db.execute("SELECT name, kept FROM history")}
    assert (kept["event"], kept["audit"]) == (events.KEPT, audit.KEPT)


# A database that is set up otherwise.


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
def test_months_begin_at_midnight_utc_wherever_the_server_is(blank_database_url: str, zone: str) -> None:
    with psycopg.connect(blank_database_url, autocommit=True) as setting:
        setting.execute(f"ALTER DATABASE {setting.info.dbname} SET timezone = '{zone}'".encode())
    migrations.apply(Secret(blank_database_url))
    with psycopg.connect(blank_database_url, autocommit=True, row_factory=dict_row) as database:
        ends = database.execute("SELECT ends AT TIME ZONE 'UTC' AS ends FROM months('event')").fetchall()
    assert [row["ends"].strftime("%d %H:%M") for row in ends] == ["01 00:00"] * 2


def test_an_entry_from_a_clock_that_was_ahead_keeps_nobody_from_migrating(blank_database_url: str) -> None:
    ours = migrations.known()
    migrations.apply(Secret(blank_database_url), ours=[each for each in ours if each.name < "0011"])
    with psycopg.connect(blank_database_url, autocommit=True, row_factory=dict_row) as database:
        database.execute(
            "INSERT INTO audit (at, actor, action, target, outcome, address)"
            " VALUES (now() + interval '70 days', '', '', '', '', '')"
        )
        migrations.apply(Secret(blank_database_url))
        assert number(database, "audit") == 1
        database.execute(A_CLICK, {"id": "a", "at": utc_now()})


def test_what_waits_for_its_month_is_out_of_sight(
    person: Person, mint: MintLink, wiring: Wiring, ledger_db: Database
) -> None:
    person.install(mint())
    pass_time(ledger_db, timedelta(days=31))
    person.install(mint())
    assert number(ledger_db, "attempt") == 2
    assert len(wiring.ledger.lists.find(Wanted()).attempts) == 1


# What was there before there were months.

A_CLICK = """
INSERT INTO attempt (id, status, browser, link_id, link, is_short, link_expires_at, owner, integration, subscriber_id,
    context_keys, started_at, timeline, forget_at)
VALUES (%(id)s, 'started', 'b', 'l', '{}', false, now() + interval '1 day', %(id)s, 'slack-prod', 's', '{a:1}', %(at)s,
    '[]', now() + interval '1 day')
"""
A_CONNECTION = """
UPDATE attempt SET status = 'connected', connection = 'c', forget_at = now() + interval '30 days' WHERE id = %s
"""


def test_what_was_there_before_becomes_the_first_month(blank_database_url: str) -> None:
    """And a release from then goes on as before."""
    ours = migrations.known()
    migrations.apply(Secret(blank_database_url), ours=[each for each in ours if each.name < "0011"])
    with psycopg.connect(blank_database_url, autocommit=True, row_factory=dict_row) as database:
        for name, ago in (("a", 400), ("b", 40), ("c", 0)):
            database.execute(A_CLICK, {"id": name, "at": utc_now() - timedelta(days=ago)})
        database.execute(A_CONNECTION, ["b"])
        for _ in range(3):
            database.execute("INSERT INTO audit (actor, action, target, outcome, address) VALUES ('', '', '', '', '')")
        before = database.execute(NUMBERS.format("tally")).fetchall()
        migrations.apply(Secret(blank_database_url))
        assert database.execute(NUMBERS.format("tally_mark")).fetchall() == before
        database.execute(A_CLICK, {"id": "d", "at": utc_now()})
        database.execute(A_CONNECTION, ["d"])
        database.execute("INSERT INTO audit (actor, action, target, outcome, address) VALUES ('', '', '', '', '')")
        attempts = database.execute("SELECT id, status FROM attempt ORDER BY id").fetchall()
        assert [(row["id"], row["status"]) for row in attempts] == [
            ("a", "started"),
            ("b", "connected"),
            ("c", "started"),
            ("d", "connected"),
        ]
        assert [row["id"] for row in database.execute("SELECT id FROM audit ORDER BY id")] == [1, 2, 3, 4]
        now = {row["name"]: row["number"] for row in database.execute(NUMBERS.format("tally_mark")) if not row["day"]}
        assert now == {"connected": 2, "pending": 2, "started": 2}
