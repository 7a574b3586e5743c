"""Events that are kept until somebody resumes: those of an endpoint that is gone, and those that nobody was there for.

What concerns many events goes in bounded statements, and others get on in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from onboarding.ledger.events import IS_KEPT, NEXT_DUE, PING, Sending
from onboarding.ledger.postgres import Postgres
from onboarding.ledger.statement import STANDING

MOST_AT_ONCE: Final = 2000
_ITS: Final = """
    coalesce(data ->> 'to' = %(endpoint)s,
        %(integrations)s::text[] IS NULL OR data ->> 'integrationIdentifier' = ANY (%(integrations)s))
"""
"""Events for the endpoint: of its integrations (NULL: of all), and its pings."""
_MOVE: Final = f"""
    WITH picked AS (
        SELECT id FROM event WHERE {STANDING} = %(old)s AND {IS_KEPT} AND {_ITS} LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM work WHERE kind = 'webhook' AND subject = ANY (ARRAY(SELECT id FROM picked))
    )
    UPDATE event SET status = %(new)s::text, tries = CASE %(new)s::text WHEN 'pending' THEN 0 ELSE tries END
    WHERE id = ANY (ARRAY(SELECT id FROM picked))
"""
_START: Final = f"""
    WITH untried AS (
        SELECT DISTINCT ON (owner) owner, id FROM event
        WHERE status = 'pending' AND tries = 0 AND owner > %(after)s AND {_ITS} ORDER BY owner, sequence LIMIT %(most)s
    ), due AS (
        INSERT INTO work (kind, subject)
        SELECT 'webhook', id FROM untried UNION ALL
        SELECT 'webhook', id FROM event WHERE status = 'pending' AND tries = 0 AND owner IS NULL AND {_ITS}
        ON CONFLICT DO NOTHING
    )
    SELECT max(owner) FROM untried HAVING count(*) = %(most)s
"""
"""What is sent next of each owner, and pings."""


class Pauses:
    """An endpoint is given by its name and by the integrations that it hears of (None: all)."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def since(self, endpoint: str) -> datetime | None:
        """Since when the endpoint is gone."""
        return self._moment(
            "SELECT min(since) FROM webhook_pause WHERE endpoint IN ('', %(endpoint)s)", {"endpoint": endpoint}
        )

    def kept_since(self, endpoint: str, integrations: Sequence[str] | None) -> datetime | None:
        """When the oldest event happened that is kept for it."""
        return self._moment(
            f"SELECT at FROM event WHERE {STANDING} = 'paused' AND {IS_KEPT} AND {_ITS} ORDER BY at LIMIT 1",
            _values(endpoint, integrations),
        )

    def hold(self, event_id: str, endpoint: str) -> bool:
        """Keep it if its endpoint is gone. Nobody ends the pause meanwhile, so whoever does will release it."""
        return bool(
            self._postgres.run(
                f"""
                WITH pause AS (SELECT FROM webhook_pause WHERE endpoint IN ('', %(endpoint)s) FOR SHARE),
                was AS (
                    SELECT id, owner, sequence, tries FROM event
                    WHERE id = %(id)s AND status = 'pending' AND EXISTS (SELECT FROM pause)
                ), {NEXT_DUE}
                UPDATE event SET status = 'paused' FROM was WHERE event.id = was.id
                """,
                {"id": event_id, "endpoint": endpoint},
            )
        )

    def keep(self, event_id: str) -> None:
        """There is nobody to send it to. What was delivered, and should have gone again, stays delivered.

        A ping is over: its endpoint will not be back.
        """
        self._postgres.run(
            f"""
            WITH was AS (
                SELECT id, owner, sequence, tries FROM event WHERE id = %(id)s AND status = 'pending'
            ), {NEXT_DUE}
            UPDATE event SET tries = jsonb_array_length(deliveries),
                status = CASE WHEN (deliveries #>> '{{-1,1}}')::int BETWEEN 200 AND 299 THEN 'delivered'
                              WHEN type = %(ping)s THEN 'failed' ELSE 'paused' END
            FROM was WHERE event.id = was.id
            """,
            {"id": event_id, "ping": PING},
        )

    def begin(self, endpoint: str, integrations: Sequence[str] | None) -> None:
        """The endpoint says that it is gone: keep everything for it."""
        self._postgres.run(
            "INSERT INTO webhook_pause (endpoint) VALUES (%(endpoint)s) ON CONFLICT DO NOTHING", {"endpoint": endpoint}
        )
        self._move(Sending.PENDING, Sending.PAUSED, endpoint, integrations)

    def end(self, endpoint: str, integrations: Sequence[str] | None) -> int:
        """Everything that was kept for it goes out. Gives how many events."""
        # While nothing is sent: nothing newer goes before them.
        number = self._move(Sending.PAUSED, Sending.PENDING, endpoint, integrations)
        self._postgres.run("DELETE FROM webhook_pause WHERE endpoint IN ('', %(endpoint)s)", {"endpoint": endpoint})
        number += self._move(Sending.PAUSED, Sending.PENDING, endpoint, integrations)
        self._start(endpoint, integrations)
        return number

    def _move(self, old: Sending, new: Sending, endpoint: str, integrations: Sequence[str] | None) -> int:
        values = {**_values(endpoint, integrations), "old": old.value, "new": new.value, "most": MOST_AT_ONCE}
        number, part = 0, MOST_AT_ONCE
        while part == MOST_AT_ONCE:
            part = self._postgres.run(_MOVE, values)
            number += part
        return number

    def _start(self, endpoint: str, integrations: Sequence[str] | None) -> None:
        values = {**_values(endpoint, integrations), "most": MOST_AT_ONCE}
        row: tuple[Any, ...] | None = ("",)
        while row:
            row = self._postgres.row(_START, {**values, "after": row[0]})

    def _moment(self, statement: str, values: dict[str, Any]) -> datetime | None:
        row = self._postgres.row(statement, values)
        return row[0].astimezone(UTC) if row and row[0] else None


def _values(endpoint: str, integrations: Sequence[str] | None) -> dict[str, Any]:
    return {"endpoint": endpoint, "integrations": None if integrations is None else list(integrations)}
