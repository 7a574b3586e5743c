"""What was found out about connections, and what Slack hinted at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from onboarding.ledger.postgres import Postgres
from onboarding.ledger.work import DUE_SOONER
from onboarding.model.destinations import ConnectionState, MadeConnection

REPEATS_FOR: Final = timedelta(days=1)
BETWEEN_CHECKS: Final = timedelta(seconds=1 / 8)
"""Of one workspace, all at once: Slack answers hundreds of `auth.test` a minute there, and the last of 5,000 owners is
asked about after ten minutes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How a connection does, why not well, and the scopes that its token lacks by now."""

    state: ConnectionState
    reason: str | None = None
    missing_scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hint:
    """What Slack told: the workspaces and organisations it is about, the app, and whether it was removed there."""

    event_id: str
    places: Sequence[str]
    app_id: str
    is_removal: bool
    integration: str | None = None
    """The only one that the app is for; None if it serves all of them."""


class Findings:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def note(self, connection: MadeConnection, finding: Finding, link_id: str | None = None) -> bool | None:
        """Record a finding. False: the host is to hear that it broke, and a link that heals it has to be made first.

        None: nothing is recorded, because the connection was made anew since it was read, or is about to be, or to end.
        `link_id` is empty if no link can be made.
        """
        row = self._postgres.row(
            """
            WITH was AS (
                SELECT owner, is_told_broken,
                    %(state)s <> 'broken' OR is_told_broken OR %(link)s::text IS NOT NULL AS is_ready
                FROM connection c
                WHERE owner = %(owner)s AND attempt_id = %(attempt_id)s AND connected_at = %(connected_at)s
                    AND state <> 'ended'
                    AND NOT EXISTS (SELECT FROM ending e WHERE e.owner = c.owner)
                    AND NOT EXISTS (SELECT FROM attempt a WHERE a.owner = c.owner AND a.status = 'granted')
                FOR UPDATE OF c
            ), noted AS (
                UPDATE connection c SET state = %(state)s, checked_at = now(),
                    reason = CASE WHEN c.state = 'broken' AND %(state)s = 'broken' THEN c.reason
                        WHEN %(state)s = 'broken' AND c.removed_at > now() - interval '1 hour'
                            THEN 'app_uninstalled'
                        ELSE %(reason)s END,
                    since = CASE WHEN c.state <> %(state)s THEN now() ELSE c.since END,
                    missing_scopes = %(missing_scopes)s,
                    reconnect_link = CASE WHEN %(state)s = 'working' THEN NULL
                        WHEN c.is_told_broken THEN c.reconnect_link ELSE nullif(%(link)s, '') END,
                    -- Unless Slack told it after it was asked.
                    removed_at = CASE WHEN %(state)s <> 'working'
                        OR c.removed_at IS DISTINCT FROM %(removed_at)s::timestamptz THEN c.removed_at END
                FROM was WHERE c.owner = was.owner AND was.is_ready RETURNING c.owner, c.attempt_id, c.reason
            ), told AS (
                UPDATE attempt SET timeline = timeline || event(
                    CASE %(state)s WHEN 'broken' THEN 'broken' ELSE 'recovered' END, noted.reason)
                FROM noted JOIN was ON was.owner = noted.owner
                WHERE attempt.id = noted.attempt_id AND jsonb_array_length(timeline) < 100
                    AND (%(state)s = 'broken' AND NOT was.is_told_broken
                        OR %(state)s = 'working' AND was.is_told_broken)
            )
            SELECT is_ready FROM was
            """,
            {
                "owner": connection.owner,
                "attempt_id": connection.attempt_id,
                "connected_at": connection.connected_at,
                "state": finding.state.value,
                "reason": finding.reason,
                "missing_scopes": list(finding.missing_scopes),
                "link": link_id,
                "removed_at": connection.removed_at,
            },
        )
        return bool(row[0]) if row else None

    def broken_for(self, owner: str) -> timedelta:
        row = self._postgres.row(
            "SELECT now() - since FROM connection WHERE owner = %(owner)s AND state = 'broken'", {"owner": owner}
        )
        return row[0] if row else timedelta(0)

    def hear(self, hint: Hint) -> int | None:
        """Let every connection that a hint is about be checked now. Gives how many; None if it is known already."""
        row = self._postgres.row(
            f"""
            WITH fresh AS (
                INSERT INTO slack_event (id) VALUES (%(id)s) ON CONFLICT DO NOTHING RETURNING id
            ), hit AS (
                SELECT c.owner, c.checked_at FROM connection c, fresh
                WHERE c.workspace_id = ANY (%(places)s) AND c.state <> 'ended'
                    AND (%(integration)s::text IS NULL OR c.integration = %(integration)s)
                    AND (%(app_id)s = '' OR c.app_id IS NULL OR c.app_id = %(app_id)s)
            ), removed AS (
                UPDATE connection c SET removed_at = now() FROM (
                    SELECT owner FROM connection WHERE %(is_removal)s AND owner IN (SELECT owner FROM hit)
                    ORDER BY owner FOR UPDATE) locked
                WHERE c.owner = locked.owner RETURNING c.owner
            ), due AS (
                -- Connections first, as whoever ends one: otherwise they would wait for each other.
                INSERT INTO work AS w (kind, subject, due_at)
                SELECT 'check', owner,
                    now() + %(gap)s * (row_number() OVER (ORDER BY checked_at NULLS FIRST, owner) - 1)
                FROM hit WHERE (SELECT count(*) FROM removed) >= 0 ORDER BY owner
                {DUE_SOONER}
            )
            SELECT (SELECT count(*) FROM hit) FROM fresh
            """,
            {
                "id": hint.event_id,
                "places": list(hint.places),
                "app_id": hint.app_id,
                "is_removal": hint.is_removal,
                "gap": BETWEEN_CHECKS,
                "integration": hint.integration,
            },
        )
        return int(row[0]) if row else None

    def braked(self, connection: MadeConnection) -> timedelta | None:
        """For how long Slack is not asked about a connection."""
        row = self._postgres.row(
            "SELECT until - now() FROM slack_brake WHERE integration = %(place)s AND until > now()",
            {"place": _place(connection)},
        )
        return row[0] if row else None

    def brake(self, connection: MadeConnection, wait: timedelta) -> None:
        """Ask nothing about it, nor about others of its app in its workspace: that is how Slack counts."""
        self._postgres.run(
            """
            INSERT INTO slack_brake AS b (integration, until) VALUES (%(place)s, now() + %(wait)s)
            ON CONFLICT (integration) DO UPDATE SET until = greatest(b.until, excluded.until)
            """,
            {"place": _place(connection), "wait": wait},
        )

    def forget(self) -> int:
        """Delete Slack's events that can no longer be repeated, and brakes that hold nothing any more."""
        return self._postgres.run(
            """
            WITH released AS (DELETE FROM slack_brake WHERE until <= now())
            DELETE FROM slack_event WHERE id IN (
                SELECT id FROM slack_event WHERE at <= now() - %(span)s LIMIT 500 FOR UPDATE SKIP LOCKED)
            """,
            {"span": REPEATS_FOR},
        )


def _place(connection: MadeConnection) -> str:
    """An app in a workspace. Of a release before this one, the column held the integration alone."""
    return f"{connection.integration} {connection.workspace.id}"
