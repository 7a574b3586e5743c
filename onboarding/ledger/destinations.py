"""Where notifications go: what somebody chose last, and what Novu is known to have.

A choice is recorded first, with the work of carrying it out. So one whose process dies is finished by a worker, and
of many choices at once the last one stands: choices are numbered, and whoever holds the owner's lease carries out the
newest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from onboarding.ledger import connections
from onboarding.ledger.leases import LEASE, RELEASE
from onboarding.ledger.postgres import Postgres
from onboarding.ledger.work import DUE_ANEW
from onboarding.model.destinations import Destination, MadeConnection

SAFETY_NET: Final = timedelta(seconds=20)
"""When a worker looks after a choice that a request is about to carry out."""
LONGEST_TIMELINE: Final = 100
"""Somebody may choose as often as they like; not every choice is told."""
REPAIR: Final = timedelta(seconds=2)
"""When a worker makes sure that Novu holds what the ledger says."""

_DUE: Final = f"""
    due AS (
        INSERT INTO work (kind, subject, due_at) SELECT 'destination', owner, now() + %(wait)s FROM moved
        {DUE_ANEW})
"""
_RELEASE: Final = f"released AS ({RELEASE})"


class Take(StrEnum):
    TAKEN = "taken"
    SETTLED = "settled"
    BUSY = "busy"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to `take`. A choice that is taken comes with its connection; without one it is to be forgotten."""

    take: Take
    number: int = 0
    choice: Destination | None = None
    is_placed: bool = False
    """Whether the choice is what Novu was last known to have."""
    connection: MadeConnection | None = None


class Destinations:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def propose(self, connection: MadeConnection, choice: Destination | None) -> int | None:
        """Record a choice, or that there is to be none. Gives its number; None if the connection is another by now."""
        row = self._postgres.row(
            f"""
            WITH moved AS (
                INSERT INTO destination AS d (owner, connection, workspace_id, number, choice)
                SELECT c.owner, c.identifier, c.workspace_id, nextval('choice_order'), %(choice)s::jsonb
                FROM connection c WHERE c.owner = %(owner)s AND c.attempt_id = %(attempt_id)s AND c.state <> 'ended'
                    AND c.subscriber_id IS NOT NULL AND NOT EXISTS (SELECT FROM ending e WHERE e.owner = c.owner)
                ON CONFLICT (owner) DO UPDATE SET connection = excluded.connection,
                    workspace_id = excluded.workspace_id, number = nextval('choice_order'), choice = excluded.choice
                RETURNING owner, number
            ), {_DUE} SELECT number FROM moved
            """,
            {
                "owner": connection.owner,
                "attempt_id": connection.attempt_id,
                "choice": choice.to_json() if choice else None,
                "wait": SAFETY_NET,
            },
        )
        return int(row[0]) if row else None

    def take(self, owner: str, lease: str) -> Taken:
        """Ask to carry out the newest choice now. At most one process gets it at a time."""
        row = self._postgres.row(
            """
            WITH held AS (
                UPDATE owner SET lease = %(lease)s, leased_until = now() + %(span)s
                WHERE id = %(owner)s AND (leased_until IS NULL OR leased_until <= now())
                    AND EXISTS (SELECT FROM destination d WHERE d.owner = id AND d.number <> d.settled)
                RETURNING id
            )
            SELECT number, settled, choice, choice IS NOT DISTINCT FROM placed, EXISTS (SELECT FROM held)
            FROM destination WHERE owner = %(owner)s
            """,
            {"owner": owner, "lease": lease, "span": LEASE},
        )
        if row is None:
            return Taken(Take.GONE)
        if row[0] == row[1]:
            return Taken(Take.SETTLED)
        number, _, choice, is_placed, is_ours = row
        if not is_ours:
            return Taken(Take.BUSY, number)
        found = connections.by_owner(self._postgres, owner)
        living = None if found is None or found.is_ended else found
        return Taken(Take.TAKEN, number, connections.destination(choice), is_placed, living)

    def settled(self, owner: str) -> int:
        """The number of the newest choice that was carried out or withdrawn, 0 if there is none."""
        row = self._postgres.row("SELECT settled FROM destination WHERE owner = %(owner)s", {"owner": owner})
        return int(row[0]) if row else 0

    def settle(self, connection: MadeConnection, lease: str, number: int, placed: Destination | None) -> bool:
        """Novu has it, or has nothing of ours. Not if somebody else has gone on since."""
        touched = self._postgres.run(
            f"""
            WITH moved AS (
                UPDATE destination SET settled = %(number)s, placed = %(placed)s::jsonb
                WHERE owner = %(owner)s AND settled < %(number)s RETURNING owner, number
            ), told AS (
                UPDATE attempt SET timeline = timeline || event(%(event)s, %(detail)s)
                FROM moved WHERE attempt.id = %(attempt_id)s AND jsonb_array_length(timeline) < %(longest)s
            ), {_RELEASE}, done AS (
                DELETE FROM work USING moved
                WHERE work.kind = 'destination' AND work.subject = moved.owner AND moved.number = %(number)s
            ) SELECT FROM moved
            """,
            {
                "owner": connection.owner,
                "lease": lease,
                "number": number,
                "placed": placed.to_json() if placed else None,
                "attempt_id": connection.attempt_id,
                "longest": LONGEST_TIMELINE,
                "event": "destination_set" if placed else "destination_removed",
                "detail": placed.told if placed else None,
            },
        )
        return bool(touched)

    def repair(self, owner: str, lease: str) -> None:
        """Let a worker make sure that Novu holds the newest choice, and nothing if there is none. Returns the lease."""
        self._postgres.run(
            f"""
            WITH moved AS (
                INSERT INTO destination AS d (owner, connection, workspace_id, number)
                SELECT owner, identifier, workspace_id, nextval('choice_order') FROM connection
                WHERE owner = %(owner)s
                ON CONFLICT (owner) DO UPDATE SET number = nextval('choice_order') RETURNING owner
            ), {_RELEASE}, {_DUE} SELECT FROM moved
            """,
            {"owner": owner, "lease": lease, "wait": REPAIR},
        )

    def withdraw(self, owner: str, lease: str, number: int, why: str = "") -> bool:
        """It could not be carried out: what was there before is the newest choice again, and Novu is made to hold it.

        Not if somebody has chosen anew meanwhile, or if it was carried out after all. `why` goes into the timeline.
        """
        return bool(
            self._postgres.run(
                f"""
                WITH moved AS (
                    UPDATE destination SET choice = placed, number = nextval('choice_order')
                    WHERE owner = %(owner)s AND number = %(number)s AND settled < %(number)s RETURNING owner
                ), told AS (
                    UPDATE attempt SET timeline = timeline || event('destination_refused', %(why)s)
                    FROM moved JOIN connection c ON c.owner = moved.owner
                    WHERE attempt.id = c.attempt_id AND %(why)s <> '' AND jsonb_array_length(timeline) < %(longest)s
                ), {_RELEASE}, {_DUE} SELECT FROM moved
                """,
                {
                    "owner": owner,
                    "lease": lease,
                    "number": number,
                    "why": why,
                    "longest": LONGEST_TIMELINE,
                    "wait": REPAIR,
                },
            )
        )

    def forget(self, owner: str, lease: str) -> None:
        """The connection has ended, and its endpoints with it."""
        self._postgres.run(
            f"WITH gone AS (DELETE FROM destination WHERE owner = %(owner)s), {_RELEASE} SELECT",
            {"owner": owner, "lease": lease},
        )
