"""The numbers that operators watch, in one statement that costs the same however much the ledger holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from onboarding.ledger.lists import STILL, Standing
from onboarding.ledger.postgres import Postgres
from onboarding.ledger.statement import STANDING
from onboarding.ledger.work import SILENCE, Kind

STATUSES: Final = tuple(each.value for each in Standing if each not in {Standing.PENDING, Standing.WAITING})
STATES: Final = ("working", "broken", "unknown", "ended")
MOST_COUNTED: Final = 10_000
"""More due work of one kind, or more pending events, read as this many."""
MOST_LOOKED: Final = 1_000
_READ: Final = f"""
    SELECT 'tally', name, sum(number)::float FROM tally_mark WHERE {STILL} GROUP BY name
    UNION ALL
    SELECT 'due', kind, (
        SELECT count(*) FROM (
            SELECT FROM work WHERE work.kind = wanted.kind AND due_at <= now() LIMIT %(counted)s) due)
    FROM unnest(%(kinds)s::text[]) wanted (kind)
    UNION ALL
    SELECT 'oldest', '', extract(epoch FROM now() - min(since)) FROM (
        SELECT coalesce(trying_since, returned_at, started_at) AS since FROM attempt
        WHERE {STANDING} = 'granted' ORDER BY started_at LIMIT %(looked)s) waiting
    UNION ALL
    SELECT 'pending', '', count(*) FROM (SELECT FROM event WHERE {STANDING} = 'pending' LIMIT %(counted)s) pending
    UNION ALL
    SELECT 'workers', '', count(*) FROM worker WHERE seen_at > now() - %(silence)s
"""


@dataclass(frozen=True, slots=True)
class Standings:
    """`oldest_undelivered` is for how many seconds the grant waits that has waited longest for Novu."""

    attempts: Mapping[str, float]
    connections: Mapping[str, float]
    work_due: Mapping[str, float]
    oldest_undelivered: float
    events_pending: float
    workers: float


class Numbers:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def read(self) -> Standings:
        rows = self._postgres.rows(
            _READ,
            {
                "kinds": [kind.value for kind in Kind],
                "silence": SILENCE,
                "counted": MOST_COUNTED,
                "looked": MOST_LOOKED,
            },
        )
        known = {(what, name): float(number or 0) for what, name, number in rows}
        return Standings(
            attempts={status: known.get(("tally", status), 0.0) for status in STATUSES},
            connections={state: known.get(("tally", f"connection:{state}"), 0.0) for state in STATES},
            work_due={kind.value: known["due", kind.value] for kind in Kind},
            oldest_undelivered=max(known["oldest", ""], 0.0),
            events_pending=known["pending", ""],
            workers=known["workers", ""],
        )
