"""Lets time pass for what the ledger holds: the database's clock decides, so a test moves the moments instead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from psycopg import Connection

Database = Connection[dict[str, Any]]

MOMENTS = {
    "attempt": (
        "started_at",
        "returned_at",
        "link_expires_at",
        "sealed_until",
        "trying_since",
        "forget_at",
    ),
    "attempt_context": ("started_at",),
    "owner": ("leased_until",),
    "connection": ("connected_at", "since", "checked_at", "removed_at"),
    "event": ("at",),
    "slack_event": ("at",),
    "ending": ("asked_at",),
    "link": ("made_at", "expires_at"),
    "revocation": ("until",),
    "audit": ("at",),
    "problem": ("at",),
    "work": ("due_at", "since"),
    "worker": ("seen_at",),
}
"""What keeps a moment, by table."""


def pass_time(ledger_db: Database, span: timedelta) -> None:
    """Make everything that much older."""
    for table, moments in MOMENTS.items():
        older = ", ".join(f"{moment} = {moment} - %(span)s" for moment in moments)
        ledger_db.execute(f"UPDATE {table} SET {older}", {"span": span})


def pass_months(ledger_db: Database, number: int) -> None:
    """Make everything that many months older, as if there had been tables for every month."""
    make_past_months(ledger_db)
    [row] = ledger_db.execute("SELECT now() - (now() - %s::interval) AS span", [f"{number} months"]).fetchall()
    pass_time(ledger_db, row["span"])
    ledger_db.execute(f"UPDATE term SET month = month - interval '{number} months'")


def make_past_months(ledger_db: Connection[Any]) -> None:
    """The first month holds everything before it; let half a year of months be there instead."""
    for history in ("attempt", "attempt_context", "event", "audit"):
        ledger_db.execute(
            f"""
            DO $$
            DECLARE
                begins timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
                present text := '{history}' || to_char(begins, '_YYYY_MM');
            BEGIN
                IF (SELECT count(*) FROM months('{history}')) > 2 THEN
                    RETURN;
                END IF;
                EXECUTE format('ALTER TABLE {history} DETACH PARTITION %I', present);
                EXECUTE format('ALTER TABLE {history} ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', present,
                               begins AT TIME ZONE 'UTC', (begins + interval '1 month') AT TIME ZONE 'UTC');
                FOR back IN 1..6 LOOP
                    EXECUTE format('CREATE TABLE %I PARTITION OF {history} FOR VALUES FROM (%s) TO (%L)',
                        '{history}' || to_char(begins - back * interval '1 month', '_YYYY_MM'),
                        CASE back WHEN 6 THEN 'MINVALUE'
                            ELSE quote_literal((begins - back * interval '1 month') AT TIME ZONE 'UTC') END,
                        (begins - (back - 1) * interval '1 month') AT TIME ZONE 'UTC');
                END LOOP;
            END $$
            """
        )


def make_due(ledger_db: Database) -> None:
    """Let the wait of every delivery be over."""
    ledger_db.execute("UPDATE work SET due_at = now() WHERE kind = 'deliver'")
