"""Reads attempts as lists: pages, exports, what a search leads to, how many stand where, each day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final

from onboarding.ledger import cursor, terms
from onboarding.ledger.attempts import COLUMNS, KEPT, Row
from onboarding.ledger.postgres import Postgres, is_storable
from onboarding.ledger.statement import STANDING
from onboarding.ledger.terms import Match
from onboarding.model import Attempt, Reason

ID: Final = "[A-Za-z0-9_-]{22}"
MOST_COUNTED: Final = 1000
MOST_MATCHES: Final = 20
LAST_CHARACTER: Final = "\U0010ffff"
DAYS_KEPT: Final = 40
MOST_FOLDED: Final = 100_000
STILL: Final = "day IS NULL AND (until IS NULL OR until >= (now() AT TIME ZONE 'UTC')::date)"
"""The marks of attempts that are there, and of connections."""


class Standing(StrEnum):
    """Where attempts can stand. `pending` is started or granted, `waiting` failed with a grant that can be retried."""

    STARTED = "started"
    GRANTED = "granted"
    CONNECTED = "connected"
    AWAITING_APPROVAL = "awaiting_approval"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"
    UNCLAIMED = "unclaimed"
    PENDING = "pending"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which attempts to list: those to which everything given applies. `after` is the cursor of an earlier page."""

    standing: Standing | None = None
    reason: Reason | None = None
    owner: str | None = None
    subscriber_id: str | None = None
    link_id: str | None = None
    context: str | None = None
    workspace_id: str | None = None
    integration: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a list. `next` leads to the page after it."""

    attempts: tuple[Attempt, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Day:
    """What became of the attempts that were started on one day, in UTC."""

    date: date
    started: int
    returned: int
    granted: int
    connected: int
    lost: Mapping[Reason, int]


_IN_SIGHT: Final = "{key}started_at >= (SELECT now() - max(forget_at - started_at) FROM attempt)"
"""Where a list ends, before it reads what waits for its month to be dropped."""
_LEADS: Final = f"""
    CASE t.kind
        WHEN 'attempt' THEN EXISTS (SELECT FROM attempt a WHERE a.id = t.value AND {KEPT})
        WHEN 'subscriber' THEN EXISTS (SELECT FROM attempt a WHERE a.subscriber_id = t.value AND {KEPT})
        WHEN 'workspace' THEN EXISTS (SELECT FROM attempt a WHERE a.workspace_id = t.value AND {KEPT})
        ELSE EXISTS (SELECT FROM attempt_context c JOIN attempt a ON (a.id, a.started_at) = (c.attempt_id, c.started_at)
                     WHERE c.context = t.value AND {KEPT}) END
"""
"""The word `t` leads to an attempt that somebody may see."""
_STANDINGS: Final = {
    Standing.PENDING: f"{STANDING} IN ('started', 'granted')",
    Standing.WAITING: "a.status = 'failed' AND a.sealed IS NOT NULL",
}
_CONDITIONS: Final = {
    "standing": f"{STANDING} = %(standing)s",
    "reason": "a.reason = %(reason)s",
    "owner": "a.owner = %(owner)s",
    "subscriber_id": "a.subscriber_id = %(subscriber_id)s",
    "link_id": "a.link_id = %(link_id)s",
    "context": "c.context = %(context)s",
    "workspace_id": "a.workspace_id = %(workspace_id)s",
    "integration": "a.integration = %(integration)s",
    "since": "{key}started_at >= %(since)s",
    "until": "{key}started_at <= %(until)s",
    "after": "({key}started_at, {id}) < (%(after_at)s, %(after_id)s)",
}


class Lists:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def find(self, wanted: Wanted) -> Found:
        """A page, newest first."""
        after_at, after_id = cursor.read(wanted.after, ID)
        source, order, parameters = _query(wanted)
        if not all(is_storable(value) for value in parameters.values()):
            return Found((), None)
        rows = self._postgres.all(
            Row,
            f"SELECT {COLUMNS} FROM {source} ORDER BY {order} LIMIT %(most)s",
            {**parameters, "after_at": after_at, "after_id": after_id, "most": wanted.limit + 1},
        )
        page = tuple(row.attempt() for row in rows[: wanted.limit])
        return Found(page, cursor.write(page[-1].started_at, page[-1].id) if len(rows) > wanted.limit else None)

    def total(self, wanted: Wanted) -> int | None:
        """How many there are in all; None if they are more than anybody counts."""
        source, _, parameters = _query(replace(wanted, after=None))
        if not all(is_storable(value) for value in parameters.values()):
            return 0
        row = self._postgres.row(
            f"SELECT count(*) FROM (SELECT FROM {source} LIMIT %(most)s) counted",
            {**parameters, "most": MOST_COUNTED + 1},
        )
        if row and row[0] <= MOST_COUNTED:
            return int(row[0])
        return None if parameters else sum(self.counts([each for each in Standing if each not in _STANDINGS]).values())

    def each(self, wanted: Wanted) -> Iterator[Attempt]:
        """Every attempt of a list, page by page as they are asked for."""
        while True:
            page = self.find(wanted)
            yield from page.attempts
            if page.next is None:
                return
            wanted = replace(wanted, after=page.next)

    def counts(self, standings: Sequence[Standing]) -> dict[Standing, int]:
        """What has been forgotten is counted until the end of that day."""
        rows = self._postgres.rows(f"SELECT name, sum(number)::bigint FROM tally_mark WHERE {STILL} GROUP BY name")
        known = dict(rows)
        return {standing: known.get(standing.value, 0) for standing in standings}

    def days(self, number: int) -> list[Day]:
        """The last days, oldest first, today included."""
        rows = self._postgres.rows(
            """
            SELECT d.day::date, coalesce(jsonb_object_agg(t.name, t.number) FILTER (WHERE t.name IS NOT NULL), '{}')
            FROM generate_series((now() AT TIME ZONE 'UTC')::date - %(back)s, (now() AT TIME ZONE 'UTC')::date,
                                 interval '1 day') d (day)
            LEFT JOIN (
                SELECT day, name, sum(number) AS number FROM tally_mark WHERE day IS NOT NULL GROUP BY day, name
            ) t ON t.day = d.day
            GROUP BY d.day ORDER BY d.day
            """,
            {"back": number - 1},
        )
        return [_day(*row) for row in rows]

    def fold_tally(self) -> None:
        """Add up changes to the numbers, not all at once if many piled up, and forget days that nobody looks at."""
        self._postgres.run(
            f"""
            WITH gone AS (DELETE FROM tally_mark WHERE ctid IN (SELECT ctid FROM tally_mark LIMIT %(most)s)
                RETURNING day, until, name, number)
            INSERT INTO tally_mark SELECT day, until, name, sum(number) FROM gone
            WHERE {STILL} OR day > (now() AT TIME ZONE 'UTC')::date - %(days)s
            GROUP BY day, until, name HAVING sum(number) <> 0
            """,
            {"days": DAYS_KEPT, "most": MOST_FOLDED},
        )

    def oldest_undelivered(self) -> datetime | None:
        """When the attempt was started that waits longest for Novu."""
        row = self._postgres.row(f"SELECT min(started_at) FROM attempt WHERE {STANDING} = 'granted'")
        return row[0].astimezone(UTC) if row and row[0] else None

    def some(self, ids: Sequence[str]) -> dict[str, Attempt]:
        """Those of a few attempts that are still kept, by their ids."""
        rows = self._postgres.all(
            Row, f"SELECT {COLUMNS} FROM attempt a WHERE a.id = ANY (%(ids)s) AND {KEPT}", {"ids": [*ids]}
        )
        return {row.id: row.attempt() for row in rows}

    def search(self, text: str) -> list[Match]:
        """What the text names, exactly or by the beginning of a word. An attempt's id comes as kind `attempt`."""
        if not is_storable(text):
            return []
        return self._exact(text) or self._beginning(text)

    def _exact(self, text: str) -> list[Match]:
        return self._postgres.all(
            Match,
            f"""
            SELECT kind, value, value AS name FROM (
                VALUES ('attempt', %(text)s::text), ('subscriber', %(text)s), ('context', %(text)s),
                    ('workspace', upper(%(text)s))) t (kind, value)
            WHERE {_LEADS}
            """,
            {"text": text},
        )

    def _beginning(self, text: str) -> list[Match]:
        begin = terms.fold(text)
        found = self._postgres.all(
            Match,
            f"""
            SELECT kind, value, name FROM (
                SELECT folded, kind, value, name FROM term
                WHERE folded >= %(begin)s AND folded < %(end)s AND kind <> 'link'
                GROUP BY folded, kind, value, name ORDER BY folded) t
            WHERE {_LEADS} ORDER BY folded LIMIT %(most)s
            """,
            {"begin": begin, "end": begin + LAST_CHARACTER, "most": 5 * MOST_MATCHES},
        )
        named = {(match.kind, match.value): match for match in reversed(found)}
        return list(reversed(named.values()))[:MOST_MATCHES]


def _query(wanted: Wanted) -> tuple[str, str, dict[str, Any]]:
    """Tables and conditions, the order, and the values of the conditions."""
    source, key, key_id = "attempt a", "a.", "a.id"
    if wanted.context is not None:
        source, key, key_id = (
            "attempt_context c JOIN attempt a ON (a.id, a.started_at) = (c.attempt_id, c.started_at)",
            "c.",
            "c.attempt_id",
        )
    given = {name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None}
    conditions = [KEPT, _IN_SIGHT.format(key=key)] + [_CONDITIONS[name].format(key=key, id=key_id) for name in given]
    if wanted.standing in _STANDINGS:
        conditions[2 + list(given).index("standing")] = _STANDINGS[wanted.standing]
    return f"{source} WHERE {' AND '.join(conditions)}", f"{key}started_at DESC, {key_id} DESC", given


def _day(day: date, row: Mapping[str, int]) -> Day:
    lost = {Reason(name[5:]): number for name, number in row.items() if name.startswith("lost:") and number}
    return Day(
        date=day,
        started=row.get("started", 0),
        returned=row.get("returned", 0),
        granted=row.get("granted", 0),
        connected=row.get("connected", 0),
        lost=lost,
    )
