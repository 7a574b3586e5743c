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


def pass_time(ledger_db: Database, span: timedelta) -> None:
    """Make everything that much older."""
    for table, moments in MOMENTS.items():
        older = ", ".join(f"{moment} = {moment} - %(span)s" for moment in moments)
        ledger_db.execute(f"UPDATE {table} SET {older}", {"span": span})


def make_due(ledger_db: Database) -> None:
    """Let the wait of every delivery be over."""
    ledger_db.execute("UPDATE work SET due_at = now() WHERE kind = 'deliver'")
