"""What needs an operator: failed installs by cause, installs that nobody claimed, and what keeps failing just now.

Each statement looks at a bounded number of rows, however much history there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from onboarding.ledger.attempts import COLUMNS, Row
from onboarding.ledger.postgres import Postgres
from onboarding.ledger.statement import STANDING
from onboarding.model import GRANT_KEPT, Attempt, Reason

JUST_NOW: Final = timedelta(minutes=15)
MOST_COUNTED: Final = 1000
MOST_NAMED: Final = 3
MOST_CAUSES: Final = 20
SLOWEST: Final = timedelta(minutes=20)
"""A check without an answer is due again before that."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Installs that failed for one reason and can be retried until `kept_until`: how many, and the ids of the newest.

    `integration` is empty if apps are not told apart.
    """

    reason: Reason
    integration: str
    number: int
    kept_until: datetime
    newest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failing:
    """How much went wrong in the last quarter of an hour, at most a thousand of each."""

    deliveries: int = 0
    checks_at_slack: int = 0
    checks_at_novu: int = 0
    events: int = 0


class Needs:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def causes(self, *, by_app: bool) -> list[Cause]:
        """The newest thousand failed installs that can be retried, by reason, the most frequent first."""
        rows = self._postgres.rows(
            """
            SELECT reason, integration, count(*), min(sealed_until), (array_agg(id))[1:%(named)s] FROM (
                SELECT id, reason, sealed_until, CASE WHEN %(by_app)s THEN integration ELSE '' END AS integration
                FROM attempt
                WHERE status = 'failed' AND sealed IS NOT NULL ORDER BY started_at DESC, id DESC LIMIT %(most)s
            ) waiting GROUP BY reason, integration ORDER BY 3 DESC, 1, 2 LIMIT %(causes)s
            """,
            {"by_app": by_app, "most": MOST_COUNTED, "named": MOST_NAMED, "causes": MOST_CAUSES},
        )
        return [
            Cause(Reason(reason), integration, number, until.astimezone(UTC), tuple(ids))
            for reason, integration, number, until, ids in rows
        ]

    def unclaimed(self, most: int) -> list[Attempt]:
        """Installs without a link that nobody has claimed yet, those first whose time is over soonest."""
        rows = self._postgres.all(
            Row,
            f"SELECT {COLUMNS} FROM attempt a WHERE status = 'unclaimed' ORDER BY sealed_until LIMIT %(most)s",
            {"most": most},
        )
        return [row.attempt() for row in rows]

    def failing(self) -> Failing:
        row = self._postgres.row(
            f"""
            SELECT
                (SELECT count(*) FROM (
                    SELECT FROM attempt WHERE status = 'failed' AND sealed IS NOT NULL
                        AND sealed_until > now() + %(kept)s::interval - %(window)s LIMIT %(most)s) failed)
                + (SELECT count(*) FROM (
                    SELECT timeline -> -1 AS last FROM attempt WHERE {STANDING} = 'granted'
                    ORDER BY started_at DESC LIMIT %(most)s) a
                    WHERE last ->> 1 = 'delivery_postponed'
                        AND (last ->> 0)::float8 > extract(epoch FROM now() - %(window)s)),
                count(*) FILTER (WHERE starts_with(last_error, 'Slack:')),
                count(*) FILTER (WHERE starts_with(last_error, 'Novu:')),
                (SELECT count(*) FROM (
                    SELECT tries, deliveries -> -1 AS last FROM event WHERE {STANDING} = 'pending'
                    ORDER BY at DESC LIMIT %(most)s) e
                    WHERE tries > 0 AND (last ->> 0)::float8 > extract(epoch FROM now() - %(window)s))
            FROM (SELECT last_error FROM work WHERE last_error IS NOT NULL AND kind = 'check'
                  AND due_at <= now() + %(slowest)s LIMIT %(most)s) checks
            """,
            {"kept": GRANT_KEPT, "window": JUST_NOW, "slowest": SLOWEST, "most": MOST_COUNTED},
        )
        return Failing(*map(int, row)) if row else Failing()
