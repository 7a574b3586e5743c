"""Reads attempts as lists: pages, exports, what a search leads to, how many stand where, each day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final

from onboarding.ledger import cursor, terms
from onboarding.ledger.attempts import COLUMNS, Row
from onboarding.ledger.postgres import Postgres, is_storable
from onboarding.ledger.terms import Match
from onboarding.model import Attempt, Reason

ID: Final = "[A-Za-z0-9_-]{22}"
MOST_COUNTED: Final = 1000
MOST_MATCHES: Final = 20
LAST_CHARACTER: Final = "\U0010ffff"
DAYS_KEPT: Final = 40
MOST_FOLDED: Final = 100_000


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


_STANDINGS: Final = {
    Standing.PENDING: "a.status IN ('started', 'granted')",
    Standing.WAITING: "a.status = 'failed' AND a.sealed IS NOT NULL",
}
_CONDITIONS: Final = {
    "standing": "a.status = %(standing)s",
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
        if not parameters:
            return sum(self.counts([each for each in Standing if each not in _STANDINGS]).values())
        row = self._postgres.row(
            f"SELECT count(*) FROM (SELECT FROM {source} LIMIT %(most)s) counted",
            {**parameters, "most": MOST_COUNTED + 1},
        )
        return row[0] if row and row[0] <= MOST_COUNTED else None

    def each(self, wanted: Wanted) -> Iterator[Attempt]:
        """Every attempt of a list, page by page as they are asked for."""
        while True:
            page = self.find(wanted)
            yield from page.attempts
            if page.next is None:
                return
            wanted = replace(wanted, after=page.next)

    def counts(self, standings: Sequence[Standing]) -> dict[Standing, int]:
        rows = self._postgres.rows("SELECT name, sum(number)::bigint FROM tally WHERE day IS NULL GROUP BY name")
        known = dict(rows)
        return {standing: known.get(standing.value, 0) for standing in standings}

    def days(self, number: int) -> list[Day]:
        """The last days, oldest first, today included."""
        rows = self._postgres.rows(
            """
            SELECT d.day::date, coalesce(jsonb_object_agg(t.name, t.number) FILTER (WHERE t.name IS NOT NULL), '{}')
            FROM generate_series((now() AT TIME ZONE 'UTC')::date - %(back)s, (now() AT TIME ZONE 'UTC')::date,
                                 interval '1 day') d (day)
            LEFT JOIN (SELECT day, name, sum(number) AS number FROM tally WHERE day IS NOT NULL GROUP BY day, name) t
                ON t.day = d.day
            GROUP BY d.day ORDER BY d.day
            """,
            {"back": number - 1},
        )
        return [_day(*row) for row in rows]

    def fold_tally(self) -> None:
        """Add up changes to the numbers, not all at once if many piled up, and forget days that nobody looks at."""
        self._postgres.run(
            """
            WITH gone AS (DELETE FROM tally WHERE ctid IN (SELECT ctid FROM tally LIMIT %(most)s)
                RETURNING day, name, number)
            INSERT INTO tally SELECT day, name, sum(number) FROM gone
            WHERE day IS NULL OR day > (now() AT TIME ZONE 'UTC')::date - %(days)s
            GROUP BY day, name HAVING sum(number) <> 0
            """,
            {"days": DAYS_KEPT, "most": MOST_FOLDED},
        )

    def oldest_undelivered(self) -> datetime | None:
        """When the attempt was started that waits longest for Novu."""
        row = self._postgres.row("SELECT min(started_at) FROM attempt WHERE status = 'granted'")
        return row[0].astimezone(UTC) if row and row[0] else None

    def some(self, ids: Sequence[str]) -> dict[str, Attempt]:
        """Those of a few attempts that are still kept, by their ids."""
        rows = self._postgres.all(Row, f"SELECT {COLUMNS} FROM attempt a WHERE a.id = ANY (%(ids)s)", {"ids": [*ids]})
        return {row.id: row.attempt() for row in rows}

    def search(self, text: str) -> list[Match]:
        """What the text names, exactly or by the beginning of a word. An attempt's id comes as kind `attempt`."""
        if not is_storable(text):
            return []
        return self._exact(text) or self._beginning(text)

    def _exact(self, text: str) -> list[Match]:
        return self._postgres.all(
            Match,
            """
            SELECT kind, value, value AS name FROM (
                SELECT 'attempt' AS kind, %(text)s::text AS value
                WHERE EXISTS (SELECT FROM attempt WHERE id = %(text)s)
                UNION ALL SELECT 'subscriber', %(text)s
                WHERE EXISTS (SELECT FROM attempt WHERE subscriber_id = %(text)s)
                UNION ALL SELECT 'context', %(text)s
                WHERE EXISTS (SELECT FROM attempt_context WHERE context = %(text)s)
                UNION ALL SELECT 'workspace', upper(%(text)s)
                WHERE EXISTS (SELECT FROM attempt WHERE workspace_id = upper(%(text)s))
            ) exact
            """,
            {"text": text},
        )

    def _beginning(self, text: str) -> list[Match]:
        begin = terms.fold(text)
        found = self._postgres.all(
            Match,
            """
            SELECT kind, value, name FROM term WHERE folded >= %(begin)s AND folded < %(end)s AND kind <> 'link'
            ORDER BY folded LIMIT %(most)s
            """,
            {"begin": begin, "end": begin + LAST_CHARACTER, "most": 5 * MOST_MATCHES},
        )
        named = {(match.kind, match.value): match for match in reversed(found)}
        return list(reversed(named.values()))[:MOST_MATCHES]


def _query(wanted: Wanted) -> tuple[str, str, dict[str, Any]]:
    """Tables and conditions, the order, and the values of the conditions."""
    source, key, key_id = "attempt a", "a.", "a.id"
    if wanted.context is not None:
        source, key, key_id = "attempt_context c JOIN attempt a ON a.id = c.attempt_id", "c.", "c.attempt_id"
    given = {name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None}
    conditions = [_CONDITIONS[name].format(key=key, id=key_id) for name in given]
    if wanted.standing in _STANDINGS:
        conditions[list(given).index("standing")] = _STANDINGS[wanted.standing]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return source + where, f"{key}started_at DESC, {key_id} DESC", given


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
