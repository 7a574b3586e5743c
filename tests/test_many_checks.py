"""Many connections to check at once: soon, in turn, and never so many that Slack or Novu would mind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from onboarding.ledger.findings import BETWEEN_CHECKS, Hint
from onboarding.ledger.work import MOST_LOOKED
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.test_delivery import until, worker

PLACE = "T9TK3CUKW"
LOCKED = "SELECT FROM pg_locks WHERE NOT granted"


def connect(wiring: Wiring, ledger_db: Database, number: int) -> None:
    """So many customers of one workspace, none of whom Novu knows."""
    wiring.ledger.postgres.ping()
    ledger_db.execute(
        "INSERT INTO connection (owner, identifier, integration, context_keys, workspace_id, workspace_name,"
        " attempt_id, connected_at, state, since)"
        " SELECT 'o' || lpad(n::text, 5, '0'), 'c' || n, 'slack-prod', '{}', %s, 'Acme', 'a', now(), 'working', now()"
        " FROM generate_series(1, %s) n",
        [PLACE, number],
    )


def hint(event_id: str = "Ev1", *, is_removal: bool = True) -> Hint:
    return Hint(event_id, [PLACE], "", is_removal)


def due_in(ledger_db: Database) -> list[float]:
    """In how many seconds each check is due, in order."""
    rows = ledger_db.execute(
        "SELECT extract(epoch FROM due_at - now())::float AS seconds FROM work WHERE kind = 'check' ORDER BY due_at"
    )
    return [row["seconds"] for row in rows]


def test_a_removal_lets_all_of_a_workspace_be_checked_one_after_the_other(wiring: Wiring, ledger_db: Database) -> None:
    connect(wiring, ledger_db, 5000)
    assert wiring.ledger.findings.hear(hint()) == 5000
    waits = due_in(ledger_db)
    assert waits[0] <= 0
    assert waits[-1] - waits[0] == pytest.approx(4999 * BETWEEN_CHECKS.total_seconds())
    assert waits[-1] < 660
    assert ledger_db.execute("SELECT FROM connection WHERE removed_at IS NOT NULL").rowcount == 5000


def test_another_hint_postpones_nothing_and_those_not_checked_for_longest_come_first(
    wiring: Wiring, ledger_db: Database
) -> None:
    connect(wiring, ledger_db, 30)
    wiring.ledger.findings.hear(hint("Ev1"))
    ledger_db.execute("UPDATE work SET due_at = due_at - interval '1 hour' WHERE subject = 'o00030'")
    ledger_db.execute("UPDATE connection SET checked_at = now() WHERE owner < 'o00011'")
    before = due_in(ledger_db)
    assert wiring.ledger.findings.hear(hint("Ev2", is_removal=False)) == 30
    assert max(due_in(ledger_db)) <= max(before)
    first, *_ = (row["subject"] for row in ledger_db.execute("SELECT subject FROM work ORDER BY due_at"))
    assert first == "o00030"
    ledger_db.execute("DELETE FROM work")
    wiring.ledger.findings.hear(hint("Ev3"))
    order = [row["subject"] for row in ledger_db.execute("SELECT subject FROM work ORDER BY due_at")]
    assert set(order[-10:]) == {f"o{number:05}" for number in range(1, 11)}


def test_a_worker_checks_dozens_within_seconds_but_no_more_than_eight_a_second(
    wiring: Wiring, env: dict[str, str], tmp_path: Path, ledger_db: Database
) -> None:
    connect(wiring, ledger_db, 40)
    ledger_db.execute("INSERT INTO work (kind, subject) SELECT 'check', owner FROM connection")
    checked = "SELECT FROM work WHERE kind = 'check' AND take = 0"
    with worker(env, tmp_path / "log"):
        until(lambda: ledger_db.execute(checked).rowcount < 40, 10)
        took = until(lambda: not ledger_db.execute(checked).rowcount, 20)
    assert took >= 4


def test_whoever_hears_of_a_removal_takes_connections_before_their_work(wiring: Wiring, ledger_db: Database) -> None:
    """As whoever ends a connection does: in another order, they would wait for each other."""
    connect(wiring, ledger_db, 3)
    ledger_db.execute("INSERT INTO owner (id, settled) SELECT owner, 0 FROM connection")
    ledger_db.execute("INSERT INTO work (kind, subject, due_at) SELECT 'check', owner, now() FROM connection")
    free = "SELECT FROM work WHERE kind = 'check' FOR UPDATE SKIP LOCKED"
    steps = [lambda: wiring.ledger.findings.hear(hint()), lambda: wiring.ledger.endings.end("o00003", "lease")]
    for step in steps:
        with ThreadPoolExecutor(1) as pool:
            with psycopg.connect(wiring.settings.database_url.reveal()) as busy:
                busy.execute("SELECT FROM connection WHERE owner = 'o00003' FOR UPDATE")
                waiting = pool.submit(step)
                until(lambda: ledger_db.execute(LOCKED).rowcount, 5)
                assert ledger_db.execute(free).rowcount == 3
            waiting.result()


def test_hints_and_ends_at_once_do_not_wait_for_each_other(wiring: Wiring, ledger_db: Database) -> None:
    connect(wiring, ledger_db, 40)
    ledger_db.execute("INSERT INTO owner (id, settled) SELECT owner, 0 FROM connection")
    with ThreadPoolExecutor(8) as pool:
        ends = [pool.submit(wiring.ledger.endings.end, f"o{number:05}", "lease") for number in range(1, 41)]
        hints = [pool.submit(wiring.ledger.findings.hear, hint(f"Ev{number}")) for number in range(20)]
        assert all(each.exception() is None for each in ends + hints)


def test_connections_without_a_check_are_found_some_at_a_time(wiring: Wiring, ledger_db: Database) -> None:
    connect(wiring, ledger_db, MOST_LOOKED + 2)
    numbers = []
    for _ in range(3):
        wiring.ledger.work.rebuild(timedelta(days=1))
        numbers.append(len(due_in(ledger_db)))
        ledger_db.execute("DELETE FROM work WHERE subject = 'o00001'")
    assert numbers == [MOST_LOOKED, MOST_LOOKED + 1, MOST_LOOKED + 2]
