"""What the host product is told, and what came of it. Triggers write the events: migrations/0003_events.sql."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from onboarding.ledger import cursor
from onboarding.ledger.postgres import Postgres, is_storable
from onboarding.ledger.work import DUE_ANEW

KEPT: Final = timedelta(days=30)
IS_KEPT: Final = "at > now() - interval '30 days'"
"""What is older is there until its month is dropped."""
PING: Final = "ping"
ENDPOINT: Final = "to"
"""In the data of a ping: the name of the only endpoint it is for."""
NEXT_DUE: Final = f"""
    next AS (
        INSERT INTO work (kind, subject)
        SELECT 'webhook', later.id FROM was JOIN LATERAL (
            SELECT id FROM event WHERE event.owner = was.owner AND event.sequence > was.sequence
                AND event.status = 'pending' AND event.tries = 0
            ORDER BY event.sequence LIMIT 1) later ON was.tries = 0
        {DUE_ANEW})
"""
"""After an event's first try, the next one of its owner is due. `was` is the event before."""
ID: Final = r"evt_[0-9a-f]{32}"
_COLUMNS: Final = """
    e.id, e.sequence, e.type, e.at, e.data, e.status, e.tries, e.deliveries,
    (SELECT due_at FROM work WHERE kind = 'webhook' AND subject = e.id) AS next_try_at
"""


class Sending(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try, and the status of the answer; None if none came."""

    at: datetime
    status: int | None


@dataclass(frozen=True, slots=True)
class HostEvent:
    """Something that the host is told. `data` lacks what does not apply."""

    id: str
    sequence: int | None
    type: str
    at: datetime
    data: Mapping[str, Any]
    sending: Sending
    tries: int
    deliveries: tuple[Delivery, ...]
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True)
class WantedEvents:
    """Those to which everything given applies. `after` is the cursor of an earlier page."""

    type: str | None = None
    connection: str | None = None
    integration: str | None = None
    owner: str | None = None
    limit: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    sequence: int | None
    type: str
    at: datetime
    data: Mapping[str, Any]
    status: str
    tries: int
    deliveries: list[tuple[float, int | None]]
    next_try_at: datetime | None

    def event(self) -> HostEvent:
        is_pending = self.status == Sending.PENDING
        return HostEvent(
            id=self.id,
            sequence=self.sequence,
            type=self.type,
            at=self.at.astimezone(UTC),
            data=self.data,
            sending=Sending(self.status),
            tries=self.tries,
            deliveries=tuple(Delivery(datetime.fromtimestamp(at, UTC), status) for at, status in self.deliveries),
            next_try_at=self.next_try_at.astimezone(UTC) if is_pending and self.next_try_at else None,
        )


class Events:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def get(self, event_id: str) -> HostEvent | None:
        if not is_storable(event_id):
            return None
        row = self._postgres.one(
            _Row, f"SELECT {_COLUMNS} FROM event e WHERE id = %(id)s AND {IS_KEPT}", {"id": event_id}
        )
        return row.event() if row else None

    def find(self, wanted: WantedEvents) -> tuple[list[HostEvent], str | None]:
        """A page, newest first, and where the next one goes on."""
        after_at, after_id = cursor.read(wanted.after, ID)
        if not all(map(is_storable, (wanted.type, wanted.connection, wanted.integration))):
            return [], None
        rows = self._postgres.all(
            _Row,
            f"""
            SELECT {_COLUMNS} FROM event e
            WHERE {IS_KEPT} AND (%(type)s::text IS NULL OR type = %(type)s)
                AND (%(connection)s::text IS NULL OR connection = %(connection)s)
                AND (%(integration)s::text IS NULL OR data ->> 'integrationIdentifier' = %(integration)s)
                AND (%(owner)s::text IS NULL OR owner = %(owner)s)
                AND (%(after_at)s::timestamptz IS NULL OR (at, id) < (%(after_at)s, %(after_id)s))
            ORDER BY at DESC, id DESC LIMIT %(most)s
            """,
            {
                "type": wanted.type,
                "connection": wanted.connection,
                "integration": wanted.integration,
                "owner": wanted.owner,
                "after_at": after_at,
                "after_id": after_id,
                "most": wanted.limit + 1,
            },
        )
        found = [row.event() for row in rows[: wanted.limit]]
        return found, cursor.write(found[-1].at, found[-1].id) if len(rows) > wanted.limit else None

    def to_send(self, event_id: str) -> HostEvent | None:
        """If it is pending, and earlier ones of its owner were sent once. The first try of those makes it due again."""
        row = self._postgres.one(
            _Row,
            f"""
            SELECT {_COLUMNS} FROM event e WHERE id = %(id)s AND status = 'pending'
                AND (SELECT true FROM event earlier WHERE earlier.owner = e.owner AND earlier.sequence < e.sequence
                     AND earlier.status = 'pending' AND earlier.tries = 0 LIMIT 1) IS NULL
            """,
            {"id": event_id},
        )
        return row.event() if row else None

    def sent(self, event_id: str, status: int | None, *, is_over: bool, is_good: bool) -> None:
        """What came of a try."""
        self._postgres.run(
            f"""
            WITH was AS (SELECT owner, sequence, tries FROM event WHERE id = %(id)s), {NEXT_DUE}
            UPDATE event SET tries = tries + 1,
                status = CASE WHEN %(is_good)s THEN 'delivered' WHEN %(is_over)s THEN 'failed' ELSE status END,
                deliveries = deliveries
                    || jsonb_build_array(jsonb_build_array(extract(epoch FROM now()), %(status)s::int))
            WHERE id = %(id)s
            """,
            {"id": event_id, "status": status, "is_good": is_good, "is_over": is_over},
        )

    def redeliver(self, event_id: str) -> bool:
        """Once more, under its own id. Tells whether there is such an event."""
        return bool(
            self._postgres.run(
                f"""
                WITH released AS (
                    UPDATE event SET status = 'pending', tries = 0 WHERE id = %(id)s AND {IS_KEPT} RETURNING id
                ), due AS (
                    INSERT INTO work (kind, subject) SELECT 'webhook', id FROM released
                    {DUE_ANEW}
                )
                SELECT FROM released
                """,
                {"id": event_id},
            )
        )

    def ping(self, event_id: str, endpoint: str) -> None:
        """An event that tells of nothing."""
        self._postgres.run(
            """
            WITH made AS (
                INSERT INTO event (id, type, data)
                VALUES (%(id)s, %(type)s, jsonb_build_object(%(key)s::text, %(endpoint)s::text)) RETURNING id
            )
            INSERT INTO work (kind, subject, due_at) SELECT 'webhook', id, now() + interval '20 s' FROM made
            """,
            {"id": event_id, "type": PING, "key": ENDPOINT, "endpoint": endpoint},
        )
