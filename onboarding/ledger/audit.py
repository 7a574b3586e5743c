"""Who did what, and when: a stream that is only ever added to, kept for 90 days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, cast

from onboarding.ephemeral.store import Redis, answering
from onboarding.model.errors import CursorMalformed

STREAM: Final = "onboarding:audit"
KEPT: Final = timedelta(days=90)
MOST: Final = 1_000_000
"""More than people can do in that time; failed sign-ins from everywhere could."""
LONGEST: Final = 300

_ADD: Final = """
-- Adds an entry and drops those that are too old. KEYS: audit. ARGV: seconds to keep, most, field, value, …
redis.call('XADD', KEYS[1], '*', unpack(ARGV, 3))
redis.call('XTRIM', KEYS[1], 'MINID', (redis.call('TIME')[1] - ARGV[1]) * 1000)
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[2])
"""


class Action(StrEnum):
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    MINTED = "link_minted"
    REVOKED = "link_revoked"
    RETRIED = "attempt_retried"
    RENAMED = "connection_renamed"
    VERIFIED = "connection_verified"
    DISCONNECTED = "connection_disconnected"
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
    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._add = client.register_script(_ADD)

    def add(self, entry: Entry) -> None:
        """Write it down, at the moment that Redis's clock shows."""
        fields = {
            "actor": entry.actor,
            "action": entry.action.value,
            "target": entry.target,
            "outcome": entry.outcome,
            "address": entry.address,
        }
        pairs = [part for name, text in fields.items() for part in (name, text[:LONGEST])]
        with answering():
            self._add([STREAM], [int(KEPT.total_seconds()), MOST, *pairs])

    def read(self, limit: int, after: str | None = None) -> Entries:
        if after is not None and not re.fullmatch(r"[1-9][0-9]{0,14}-[0-9]{1,6}", after):
            raise CursorMalformed(after)
        with answering():
            answer = self._redis.xrevrange(STREAM, max=f"({after}" if after else "+", min="-", count=limit)
        rows = cast("list[tuple[str, dict[str, str]]]", answer)
        return Entries(tuple(_read(*row) for row in rows), rows[-1][0] if len(rows) == limit else None)


def _read(entry_id: str, fields: dict[str, str]) -> Entry:
    at = datetime.fromtimestamp(int(entry_id.partition("-")[0]) / 1000, UTC)
    return Entry(at, fields["actor"], Action(fields["action"]), fields["target"], fields["outcome"], fields["address"])
