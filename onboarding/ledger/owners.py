"""What is known of one owner: the connection, the newest attempt, and what is under way. One statement, by index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from onboarding.ledger.attempts import KEPT
from onboarding.ledger.postgres import Postgres
from onboarding.ledger.statement import frequent

FIND: Final = frequent(f"""
    SELECT c.state, c.reason, c.since, c.workspace_name, coalesce(a.id, c.attempt_id) AS attempt_id,
        a.status AS attempt_status, a.reason AS attempt_reason, a.started_at,
        CASE a.status WHEN 'started' THEN a.started_at <= now() - interval '10 minutes'
                      WHEN 'awaiting_approval' THEN a.link_expires_at <= now()
                      ELSE false END AS is_over,
        EXISTS (SELECT FROM attempt g WHERE g.owner = o.id AND g.status = 'granted') AS is_granted,
        EXISTS (SELECT FROM attempt w WHERE w.owner = o.id AND w.status = 'awaiting_approval'
                AND w.link_expires_at > now() AND (c.state IS DISTINCT FROM 'ended' OR w.started_at > c.since)
                ) AS is_awaiting_approval
    FROM (SELECT %(owner)s::text AS id) o
    LEFT JOIN connection c ON c.owner = o.id
    LEFT JOIN LATERAL (
        SELECT id, status, reason, link_expires_at,
            CASE WHEN timeline @> '[["unclaimed"]]' THEN greatest(started_at, trying_since) ELSE started_at
                END AS started_at
        FROM (
            SELECT * FROM attempt WHERE owner <= o.id ORDER BY owner DESC, started_at DESC, id DESC LIMIT 10) a
        WHERE owner = o.id AND {KEPT} ORDER BY 5 DESC, id DESC LIMIT 1) a ON true
""")
"""One that was claimed counts from then on, although it may have begun a week before.

Only one index has the order of `owner <=`. With `owner =` PostgreSQL may read attempts of others, the newest first,
until it meets one of this owner's.
"""


@dataclass(frozen=True, slots=True)
class Known:
    """`state`, `reason`, `since` and `workspace_name` are the connection's, if there ever was one; the rest is the
    newest attempt's, if there was one. `is_over`: nothing can come of it any more, whatever its status says.
    """

    state: str | None
    reason: str | None
    since: datetime | None
    workspace_name: str | None
    attempt_id: str | None
    attempt_status: str | None
    attempt_reason: str | None
    started_at: datetime | None
    is_over: bool
    is_granted: bool
    is_awaiting_approval: bool


class Owners:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def find(self, owner: str) -> Known:
        """`owner` is the owner's identifier. Of one that nobody has heard of, nothing is known."""
        [known] = self._postgres.all(Known, FIND, {"owner": owner})
        return known
