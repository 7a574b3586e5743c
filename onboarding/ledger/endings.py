"""Ends of connections: asked for, taken under the owner's lease by whoever brings one about, and recorded.

An end is recorded before Slack or Novu hear of it, so one whose process dies is brought about by a worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from onboarding.ledger.leases import BUSY_WAIT, LEASE, RELEASE
from onboarding.ledger.postgres import Postgres
from onboarding.ledger.work import DUE_ANEW
from onboarding.model.destinations import MadeConnection

DISCONNECTED: Final = "disconnected"
SAFETY_NET: Final = timedelta(seconds=20)
"""When a worker looks after an end that a request is about to bring about."""


@dataclass(frozen=True, slots=True)
class Ending:
    """An end that was asked for, and whether the owner's lease is ours to bring it about."""

    connection: str
    revokes: bool
    asked_for: timedelta
    is_ours: bool


class Endings:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def ask(self, owner: str, identifier: str, lease: str, *, revokes: bool) -> bool:
        """Record that a connection is to end: a worker sees to it if we do not. Tells whether the lease is ours.

        What was granted before does not bring the connection back, what is granted later does.
        """
        row = self._postgres.row(
            f"""
            WITH asked AS (
                INSERT INTO ending AS e (owner, connection, revokes) VALUES (%(owner)s, %(identifier)s, %(revokes)s)
                ON CONFLICT (owner) DO UPDATE SET
                    connection = excluded.connection, revokes = e.revokes OR excluded.revokes
            ), held AS (
                INSERT INTO owner AS o (id, settled, lease, leased_until)
                VALUES (%(owner)s, nextval('grant_order'), %(lease)s, now() + %(span)s)
                ON CONFLICT (id) DO UPDATE SET settled = nextval('grant_order'),
                    lease = CASE WHEN o.leased_until > now() THEN o.lease ELSE excluded.lease END,
                    leased_until = CASE WHEN o.leased_until > now() THEN o.leased_until ELSE excluded.leased_until END
                RETURNING lease = %(lease)s AS is_ours
            ), due AS (
                INSERT INTO work (kind, subject, due_at)
                SELECT 'disconnect', %(owner)s, now() + CASE WHEN is_ours THEN %(safety_net)s::interval
                                                             ELSE %(busy_wait)s::interval END FROM held
                {DUE_ANEW}
            )
            SELECT is_ours FROM held
            """,
            {
                "owner": owner,
                "identifier": identifier,
                "revokes": revokes,
                "lease": lease,
                "span": LEASE,
                "safety_net": SAFETY_NET,
                "busy_wait": BUSY_WAIT,
            },
        )
        return bool(row and row[0])

    def take(self, owner: str, lease: str) -> Ending | None:
        """Ask to bring about an end now; None if nobody wants it any more."""
        return self._postgres.one(
            Ending,
            """
            WITH held AS (
                UPDATE owner SET lease = %(lease)s, leased_until = now() + %(span)s
                WHERE id = %(owner)s AND (leased_until IS NULL OR leased_until <= now())
                    AND EXISTS (SELECT FROM ending e WHERE e.owner = owner.id)
                    -- What was granted since is delivered first: it cancels this, or fails.
                    AND NOT EXISTS (SELECT FROM attempt a WHERE a.owner = owner.id AND a.status = 'granted'
                                    AND a.grant_order > owner.settled)
                RETURNING id
            )
            SELECT connection, revokes, now() - asked_at AS asked_for, EXISTS (SELECT FROM held) AS is_ours
            FROM ending WHERE owner = %(owner)s
            """,
            {"owner": owner, "lease": lease, "span": LEASE},
        )

    def withdraw(self, owner: str, lease: str, why: str) -> None:
        """It is not to end after all. Its endpoint may be gone already: a worker sees to that. Returns the lease."""
        self._postgres.run(
            f"""
            WITH gone AS (DELETE FROM ending WHERE owner = %(owner)s),
            done AS (DELETE FROM work WHERE kind = 'disconnect' AND subject = %(owner)s),
            moved AS (
                UPDATE destination SET number = nextval('choice_order') WHERE owner = %(owner)s RETURNING owner
            ), due AS (
                INSERT INTO work (kind, subject) SELECT 'destination', owner FROM moved ON CONFLICT DO NOTHING
            ), told AS (
                UPDATE attempt SET timeline = timeline || event('not_disconnected', %(why)s)
                FROM connection c WHERE c.owner = %(owner)s AND attempt.id = c.attempt_id
            ) {RELEASE}
            """,
            {"owner": owner, "lease": lease, "why": why},
        )

    def hold(self, connection: MadeConnection, lease: str) -> bool:
        """Keep everything else away from the owner. Not if it was connected anew, or is about to be, or to end."""
        return bool(
            self._postgres.run(
                """
                UPDATE owner SET lease = %(lease)s, leased_until = now() + %(span)s
                WHERE id = %(owner)s AND (leased_until IS NULL OR leased_until <= now())
                    AND EXISTS (SELECT FROM connection c WHERE c.owner = id AND c.attempt_id = %(attempt_id)s
                                AND c.connected_at = %(connected_at)s)
                    AND NOT EXISTS (SELECT FROM attempt a WHERE a.owner = owner.id AND a.status = 'granted')
                    AND NOT EXISTS (SELECT FROM ending e WHERE e.owner = owner.id)
                """,
                {
                    "owner": connection.owner,
                    "lease": lease,
                    "span": LEASE,
                    "attempt_id": connection.attempt_id,
                    "connected_at": connection.connected_at,
                },
            )
        )

    def end(self, owner: str, lease: str, reason: str = DISCONNECTED) -> None:
        """The owner is connected to nothing any more, because somebody asked for that or for this reason.

        Returns the lease.
        """
        self._postgres.run(
            """
            WITH asked AS (DELETE FROM ending WHERE owner = %(owner)s RETURNING owner),
            gone AS (DELETE FROM destination WHERE owner = %(owner)s),
            held AS (
                UPDATE owner SET lease = nullif(lease, %(lease)s),
                    leased_until = CASE WHEN lease = %(lease)s THEN NULL ELSE leased_until END
                WHERE id = %(owner)s RETURNING id, settled
            ), ended AS (
                UPDATE connection SET state = 'ended', since = now(),
                    reason = CASE WHEN EXISTS (SELECT FROM asked) THEN 'disconnected' ELSE %(reason)s END
                FROM held WHERE owner = held.id AND state <> 'ended' RETURNING owner
            ), done AS (
                -- The connection first, as whoever has it checked: otherwise they would wait for each other.
                DELETE FROM work WHERE kind IN ('disconnect', 'destination', 'check') AND subject = %(owner)s
                    AND (SELECT count(*) FROM ended) >= 0
            )
            UPDATE attempt SET
                reason = CASE status WHEN 'failed' THEN 'superseded' ELSE 'disconnected' END,
                detail = CASE status WHEN 'failed' THEN 'disconnected' ELSE '' END, sealed = NULL,
                timeline = timeline || event('disconnected', NULL)
            FROM held WHERE owner = held.id AND coalesce(grant_order, 0) <= held.settled
                AND (status = 'failed' AND sealed IS NOT NULL OR status = 'connected' AND reason IS NULL)
            """,
            {"owner": owner, "lease": lease, "reason": reason},
        )
