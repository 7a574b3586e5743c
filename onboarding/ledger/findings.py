"""What was found out about connections, and what Slack hinted at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from onboarding.ledger.postgres import Postgres
from onboarding.ledger.work import DUE_ANEW
from onboarding.model.destinations import MadeConnection

WORKING: Final = "working"
BROKEN: Final = "broken"
UNKNOWN: Final = "unknown"
REPEATS_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """How a connection does, why not well, and the scopes that its token lacks by now."""

    state: str
    reason: str | None = None
    missing_scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hint:
    """What Slack told: the workspaces and organisations it is about, the app, and whether it was removed there."""

    event_id: str
    places: Sequence[str]
    app_id: str
    is_removal: bool


class Findings:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def note(self, connection: MadeConnection, finding: Finding, reconnect_link: str | None) -> bool:
        """Record a finding. Not if the connection was made anew since it was read."""
        return bool(
            self._postgres.run(
                """
                WITH was AS (
                    SELECT owner, state, attempt_id FROM connection
                    WHERE owner = %(owner)s AND attempt_id = %(attempt_id)s AND connected_at = %(connected_at)s
                        AND state <> 'ended' FOR UPDATE
                ), noted AS (
                    UPDATE connection c SET state = %(state)s, checked_at = now(),
                        reason = CASE WHEN c.state = 'broken' AND %(state)s = 'broken' THEN c.reason
                            WHEN %(state)s = 'broken' AND c.removed_at > now() - interval '1 hour'
                                THEN 'app_uninstalled'
                            ELSE %(reason)s END,
                        since = CASE WHEN c.state <> %(state)s THEN now() ELSE c.since END,
                        missing_scopes = %(missing_scopes)s,
                        reconnect_link = CASE WHEN %(state)s = 'working' THEN NULL
                            ELSE coalesce(c.reconnect_link, %(link)s) END
                    FROM was WHERE c.owner = was.owner RETURNING c.owner, c.attempt_id, c.reason
                ), told AS (
                    UPDATE attempt SET timeline = timeline || event(
                        CASE %(state)s WHEN 'broken' THEN 'broken' ELSE 'recovered' END, noted.reason)
                    FROM noted JOIN was ON was.owner = noted.owner
                    WHERE attempt.id = noted.attempt_id AND jsonb_array_length(timeline) < 100
                        AND (%(state)s = 'broken' AND was.state <> 'broken'
                            OR %(state)s = 'working' AND was.state = 'broken')
                )
                SELECT FROM noted
                """,
                {
                    "owner": connection.owner,
                    "attempt_id": connection.attempt_id,
                    "connected_at": connection.connected_at,
                    "state": finding.state,
                    "reason": finding.reason,
                    "missing_scopes": list(finding.missing_scopes),
                    "link": reconnect_link,
                },
            )
        )

    def broken_for(self, owner: str) -> timedelta:
        row = self._postgres.row(
            "SELECT now() - since FROM connection WHERE owner = %(owner)s AND state = 'broken'", {"owner": owner}
        )
        return row[0] if row else timedelta(0)

    def hear(self, hint: Hint) -> int | None:
        """Let every connection that a hint is about be checked at once. Gives how many; None if it is known already."""
        row = self._postgres.row(
            f"""
            WITH fresh AS (
                INSERT INTO slack_event (id) VALUES (%(id)s) ON CONFLICT DO NOTHING RETURNING id
            ), hit AS (
                UPDATE connection c SET
                    removed_at = CASE WHEN %(is_removal)s THEN now() ELSE c.removed_at END
                FROM fresh WHERE c.workspace_id = ANY (%(places)s) AND c.state <> 'ended'
                    AND (%(app_id)s = '' OR c.app_id IS NULL OR c.app_id = %(app_id)s)
                RETURNING c.owner
            ), due AS (
                INSERT INTO work (kind, subject) SELECT 'check', owner FROM hit
                {DUE_ANEW}
            )
            SELECT (SELECT count(*) FROM hit) FROM fresh
            """,
            {
                "id": hint.event_id,
                "places": list(hint.places),
                "app_id": hint.app_id,
                "is_removal": hint.is_removal,
            },
        )
        return int(row[0]) if row else None

    def braked(self, integration: str) -> timedelta | None:
        """For how long Slack is not asked about an integration's connections."""
        row = self._postgres.row(
            "SELECT until - now() FROM slack_brake WHERE integration = %(integration)s AND until > now()",
            {"integration": integration},
        )
        return row[0] if row else None

    def brake(self, integration: str, wait: timedelta) -> None:
        self._postgres.run(
            """
            INSERT INTO slack_brake AS b (integration, until) VALUES (%(integration)s, now() + %(wait)s)
            ON CONFLICT (integration) DO UPDATE SET until = greatest(b.until, excluded.until)
            """,
            {"integration": integration, "wait": wait},
        )

    def forget(self) -> int:
        """Delete Slack's events that can no longer be repeated."""
        return self._postgres.run(
            """
            DELETE FROM slack_event WHERE id IN (
                SELECT id FROM slack_event WHERE at <= now() - %(span)s LIMIT 500 FOR UPDATE SKIP LOCKED)
            """,
            {"span": REPEATS_FOR},
        )
