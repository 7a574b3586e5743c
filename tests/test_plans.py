"""How PostgreSQL carries out what every install asks for: planned once, when tables may be small, and kept for long."""

from __future__ import annotations

import re
import time

from onboarding.ledger.work import Kind
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.conftest import MintLink
from tests.fakes import LocalNovu
from tests.person import Person
from tests.test_delivery import attempt_id_of

PREPARED = """
SELECT statement, parameter_types::text[] FROM pg_prepared_statements
"""


def test_no_statement_that_is_planned_once_reads_a_whole_table(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    """Otherwise each month begins fast, with an empty table, and installs become slower with every row."""
    novu.suffer("down")
    attempt_id = attempt_id_of(person.open(person.come_back(mint())).location)
    novu.suffer("unauthorized")
    wiring.delivery.retry(attempt_id)
    novu.suffer("none")
    for destination in ("installer", "none"):
        person.install(mint(destination=destination))
    person.install(mint(context={"tenant": "org-1"}))
    ledger = wiring.ledger
    ledger.owners.find("chconn_x")
    ledger.work.take({Kind.DELIVER: 1}, 1)
    # Whichever connection of the pool answers.
    prepared = {statement: types for _ in range(8) for statement, types in ledger.postgres.rows(PREPARED)}
    assert len(prepared) > 8
    ledger_db.execute("SET plan_cache_mode = force_generic_plan")
    for number, (statement, types) in enumerate(prepared.items()):
        ledger_db.execute(f"PREPARE s{number} ({', '.join(types)}) AS {statement}".replace(" ()", "").encode())
        values = f"({', '.join(['NULL'] * len(types))})" if types else ""
        plan = [row["QUERY PLAN"] for row in ledger_db.execute(f"EXPLAIN EXECUTE s{number}{values}")]
        assert not [line for line in plan if re.search(r"Seq Scan|Hash", line)], (statement, plan)


BACKLOG = """
INSERT INTO event (id, owner, sequence, type, data)
SELECT 'evt_' || lpad(n::text, 32, '0'), 'owner-' || n, 1, 'connection.connected', '{}' FROM generate_series(1, 3000) n
"""


def test_a_backlog_that_the_server_knows_nothing_of_is_not_read_for_each_event(
    wiring: Wiring, ledger_db: Database
) -> None:
    def reads() -> int:
        # Statistics go out with a statement, once a second.
        time.sleep(1.1)
        wiring.ledger.events.to_send("evt_none")
        statement = "SELECT sum(idx_tup_read)::int AS number FROM pg_stat_user_indexes WHERE relname LIKE 'event_2%'"
        [row] = ledger_db.execute(statement).fetchall()
        return int(row["number"])

    ledger_db.execute("ANALYZE event")
    ledger_db.execute(BACKLOG)
    before = reads()
    for number in range(1, 21):
        assert wiring.ledger.events.to_send(f"evt_{number:032}")
    assert 0 < reads() - before < 300
