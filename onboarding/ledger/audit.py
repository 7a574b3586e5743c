"""Who did what, and when: only ever added to, kept for 90 days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from onboarding.ledger.postgres import Postgres, is_storable
from onboarding.model.errors import CursorMalformed

KEPT: Final = timedelta(days=90)
MOST: Final = 1_000_000
"""More than people can do in that time; failed sign-ins from everywhere could."""
LONGEST: Final = 300
MOST_AT_ONCE: Final = 500


class Action(StrEnum):
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    MINTED = "link_minted"
    REVOKED = "link_revoked"
    RETRIED = "attempt_retried"
    CLAIMED = "attempt_claimed"
    RENAMED = "connection_renamed"
    VERIFIED = "connection_verified"
    CHECKED = "connection_checked"
    RECONNECT_MINTED = "reconnect_link_minted"
    DISCONNECTED = "connection_disconnected"
    DESTINATION_SET = "destination_set"
    DESTINATION_REMOVED = "destination_removed"
    TEST_SENT = "test_sent"
    REDELIVERED = "event_redelivered"
    RESUMED = "events_resumed"
    PINGED = "ping_sent"
    EXPORTED = "exported"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing somebody did. `target` is what it was done to, `outcome` what came of it."""

    at: datetime
    actor: str
    action: Action
    target: str
    outcome: str
    address: str


@dataclass(frozen=True, slots=True)
class Entries:
    """A page of the audit, newest first."""

    entries: tuple[Entry, ...]
    next: str | None


class Audit:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def add(self, entry: Entry) -> None:
        """Write it down, at the moment that the database's clock shows."""
        texts = [entry.actor, entry.action.value, entry.target, entry.outcome, entry.address]
        self._postgres.run(
            "INSERT INTO audit (actor, action, target, outcome, address) VALUES (%(0)s, %(1)s, %(2)s, %(3)s, %(4)s)",
            {str(number): _fit(text) for number, text in enumerate(texts)},
        )

    def read(self, limit: int, after: str | None = None, action: Action | None = None) -> Entries:
        if after is not None and not re.fullmatch(r"[1-9][0-9]{0,17}", after):
            raise CursorMalformed(after)
        rows = self._postgres.rows(
            """
            SELECT id, at, actor, action, target, outcome, address FROM audit
            WHERE at > now() - %(kept)s AND (%(after)s::bigint IS NULL OR id < %(after)s::bigint)
                AND (%(action)s::text IS NULL OR action = %(action)s::text) ORDER BY id DESC LIMIT %(most)s
            """,
            {"kept": KEPT, "after": after, "action": action.value if action else None, "most": limit + 1},
        )
        entries = tuple(
            Entry(at.astimezone(UTC), actor, Action(action), *rest) for _, at, actor, action, *rest in rows[:limit]
        )
        return Entries(entries, str(rows[limit - 1][0]) if len(rows) > limit else None)

    def forget(self) -> int:
        """Delete what is too much, a bounded number at once. What is too old leaves with its month."""
        return self._postgres.run(
            """
            DELETE FROM audit WHERE id IN (
                SELECT id FROM audit WHERE id <= (SELECT max(id) FROM audit) - %(most)s ORDER BY id LIMIT %(at_once)s)
            """,
            {"most": MOST, "at_once": MOST_AT_ONCE},
        )


def _fit(text: str) -> str:
    """At most so long, and nothing that cannot be stored."""
    return "".join(character if is_storable(character) else "\ufffd" for character in text[:LONGEST])
