"""Sealed grants that came without an install link: kept, claimed once, or let go.

Each statement moves an attempt from one status to the next, or not at all. Who may claim is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from onboarding.ledger import connected, terms
from onboarding.ledger.attempts import COLUMNS, Row, link_columns
from onboarding.ledger.grants import DELIVERY_KEPT
from onboarding.ledger.postgres import Postgres
from onboarding.ledger.statement import frequent
from onboarding.ledger.work import DUE_SOONER
from onboarding.model import GRANT_KEPT, Attempt, Grant, InstallLink

MOST_LOOKED_AT: Final = 5
_SAME_APP: Final = "({0}.app_id IS NULL OR a.app_id IS NULL OR {0}.app_id = a.app_id)"
_IS_IN_USE: Final = f"""
    EXISTS (SELECT FROM connection c
            WHERE c.workspace_id = a.workspace_id AND c.state <> 'ended' AND {_SAME_APP.format("c")})
    OR EXISTS (SELECT FROM attempt o
               WHERE o.workspace_id = a.workspace_id AND o.id <> a.id AND o.sealed IS NOT NULL
                   AND o.status IN ('granted', 'failed', 'unclaimed') AND {_SAME_APP.format("o")})
"""
"""Slack gives one workspace the same token again: it may be a connection's, or that of a grant that still waits."""

_OFFERED: Final = frequent(f"""
    SELECT {COLUMNS} FROM attempt a
    WHERE a.id = ANY (%(ids)s) AND a.status = 'unclaimed' AND a.sealed_until > now()
        AND a.integration = %(integration)s
        AND (%(workspace_id)s::text IS NULL OR a.workspace_id = %(workspace_id)s)
        AND NOT EXISTS (SELECT FROM owner o WHERE o.id = %(owner)s AND o.settled > a.grant_order)
    ORDER BY a.grant_order DESC LIMIT {MOST_LOOKED_AT}
""")


@dataclass(frozen=True, slots=True)
class LetGo:
    """A grant that nobody claimed in time, for how long that has been so, and whether something may use its token."""

    attempt: Attempt
    sealed: str
    over_for: timedelta
    is_in_use: bool


class Unclaimed:
    def __init__(self, postgres: Postgres, retention: timedelta) -> None:
        self._postgres = postgres
        self._retention = retention

    def keep(self, attempt_id: str, grant: Grant, sealed: str, back_for: timedelta) -> bool:
        """Keep what Slack gave until somebody claims it. Tells whether it is kept, this time or before.

        One that another return has ended without a grant is taken up again: Slack did say yes.
        """
        kept = self._postgres.run(
            f"""
            WITH made AS (
                UPDATE attempt SET
                    status = 'unclaimed', reason = NULL, detail = '', returned_at = now() - %(back_for)s,
                    workspace_id = %(workspace_id)s, workspace_name = %(workspace_name)s, app_id = %(app_id)s,
                    installer_id = %(installer_id)s, grant_order = nextval('grant_order'), sealed = %(sealed)s,
                    sealed_until = now() + %(kept)s, forget_at = now() + %(kept)s + %(retention)s,
                    timeline = timeline || event('returned', NULL, now() - %(back_for)s)
                        || event('unclaimed', %(workspace_name)s)
                WHERE id = %(id)s AND grant_order IS NULL
                    AND status IN ('started', 'expired', 'cancelled', 'awaiting_approval', 'failed') RETURNING id
            ), words AS ({terms.LEARN})
            SELECT FROM made
            """,
            {
                **terms.parameters(terms.of_workspace(grant.workspace)),
                **connected.workspace_columns(grant.workspace, grant.app_id, grant.installer_id),
                "id": attempt_id,
                "back_for": back_for,
                "sealed": sealed,
                "kept": GRANT_KEPT,
                "retention": self._retention,
            },
        )
        return bool(kept) or self._is_kept(attempt_id)

    def _is_kept(self, attempt_id: str) -> bool:
        """Nothing moved, usually because the same statement had been committed and nobody could tell us."""
        statement = "SELECT FROM attempt WHERE id = %(id)s AND status = 'unclaimed'"
        return bool(self._postgres.rows(statement, {"id": attempt_id}))

    def offered(self, attempt_ids: Sequence[str], link: InstallLink) -> list[Attempt]:
        """Those among a few attempts that this link can claim and connect, newest first."""
        rows = self._postgres.all(
            Row,
            _OFFERED,
            {
                "ids": list(attempt_ids),
                "integration": link.integration,
                "workspace_id": link.workspace_id,
                "owner": link.owner.identifier,
            },
        )
        return [row.attempt() for row in rows]

    def claim(self, attempt_id: str, link: InstallLink, event: str, wait: timedelta) -> bool:
        """Turn it into an ordinary grant of this link, due for delivery after `wait`. At most once.

        It keeps its place among grants: an owner who was connected since Slack's yes stays as they are.
        """
        return bool(
            self._postgres.run(
                f"""
                WITH made AS (
                    UPDATE attempt SET
                        status = 'granted', link_id = %(link_id)s, link = %(link)s, is_short = %(is_short)s,
                        link_expires_at = %(link_expires_at)s, owner = %(owner)s, subscriber_id = %(subscriber_id)s,
                        context_keys = %(context_keys)s, sealed_until = NULL, trying_since = now(), tries = 0,
                        forget_at = now() + %(life)s, timeline = timeline || event(%(event)s, NULL)
                    WHERE id = %(id)s AND status = 'unclaimed' AND sealed_until > now()
                        AND integration = %(integration)s
                        AND NOT EXISTS (SELECT FROM revocation WHERE revocation.link_id = %(link_id)s)
                    RETURNING id, started_at
                ), known AS (
                    INSERT INTO owner (id) SELECT %(owner)s FROM made ON CONFLICT DO NOTHING
                ), contexts AS (
                    INSERT INTO attempt_context SELECT unnest(%(context_keys)s::text[]), started_at, id FROM made
                ), words AS ({terms.LEARN}), due AS (
                    INSERT INTO work (kind, subject, due_at) SELECT 'deliver', id, now() + %(wait)s FROM made
                    ON CONFLICT DO NOTHING
                )
                SELECT FROM made
                """,
                {
                    **link_columns(link),
                    **terms.parameters(terms.of_link(link)),
                    "owner": link.owner.identifier,
                    "id": attempt_id,
                    "event": event,
                    "life": max(self._retention, DELIVERY_KEPT),
                    "wait": wait,
                },
            )
        )

    def to_let_go(self, attempt_id: str) -> LetGo | None:
        """None if there is nothing to let go any more."""
        row = self._postgres.one(
            _Row,
            f"""
            SELECT {COLUMNS}, a.sealed, now() - a.sealed_until AS over_for, {_IS_IN_USE} AS is_in_use
            FROM attempt a WHERE a.id = %(id)s AND a.status = 'expired' AND a.sealed IS NOT NULL
            """,
            {"id": attempt_id},
        )
        return LetGo(row.attempt(), row.sealed, row.over_for, row.is_in_use) if row else None

    def among(self, attempt_ids: Sequence[str]) -> set[str]:
        """Those that wait for somebody who claims them."""
        statement = "SELECT id FROM attempt WHERE id = ANY (%(ids)s) AND status = 'unclaimed' AND sealed_until > now()"
        return {str(attempt_id) for (attempt_id,) in self._postgres.rows(statement, {"ids": list(attempt_ids)})}

    def let_go(self, attempt_id: str, event: str, detail: str | None) -> None:
        """Erase the grant. Whoever connected the workspace at this very moment, or is about to, is checked at once."""
        self._postgres.run(
            f"""
            WITH gone AS (
                UPDATE attempt SET sealed = NULL, forget_at = now() + %(retention)s,
                    timeline = timeline || event(%(event)s, %(detail)s)
                WHERE id = %(id)s AND status = 'expired' AND sealed IS NOT NULL RETURNING workspace_id, app_id
            ), looked AS (
                INSERT INTO work AS w (kind, subject)
                SELECT 'check', owner FROM (
                    SELECT c.owner FROM gone a JOIN connection c
                        ON c.workspace_id = a.workspace_id AND c.state <> 'ended' AND {_SAME_APP.format("c")}
                    UNION SELECT o.owner FROM gone a JOIN attempt o
                        ON o.workspace_id = a.workspace_id AND o.status = 'granted' AND {_SAME_APP.format("o")}
                ) sharing ORDER BY owner
                {DUE_SOONER}
            )
            SELECT FROM gone
            """,
            {"id": attempt_id, "event": event, "detail": detail, "retention": self._retention},
        )


@dataclass(frozen=True, slots=True)
class _Row(Row):
    sealed: str
    over_for: timedelta
    is_in_use: bool
