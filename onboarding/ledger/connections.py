"""What came of attempts: the connection each owner has, as far as this service knows. Novu holds the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from onboarding.ledger.grants import BUSY_WAIT, LEASE
from onboarding.ledger.postgres import Postgres, is_storable
from onboarding.model import InstallLink, Owner, Workspace
from onboarding.model.destinations import Destination, EndpointType, MadeConnection
from onboarding.model.errors import LinkRevoked

DISCONNECTED: Final = "disconnected"
MOST_NEIGHBOURS: Final = 20
SAFETY_NET: Final = timedelta(seconds=20)
"""When a worker looks after an end that a request is about to bring about."""
COLUMNS: Final = """
    c.owner, c.identifier, c.integration, c.subscriber_id, c.context_keys, c.workspace_id, c.workspace_name, c.app_id,
    c.installer_id, c.attempt_id, c.connected_at, c.state, c.reason, c.since, c.checked_at, c.link_id, c.is_shared,
    c.reconnect_link, c.missing_scopes, d.placed, d.placed IS NULL AND d.choice IS NOT NULL AS is_being_placed,
    EXISTS (SELECT FROM ending e WHERE e.owner = c.owner) AS is_ending
"""
SOURCE: Final = "connection c LEFT JOIN destination d ON d.owner = c.owner"


@dataclass(frozen=True, slots=True)
class Row:
    owner: str
    identifier: str
    integration: str
    subscriber_id: str | None
    context_keys: list[str]
    workspace_id: str
    workspace_name: str
    app_id: str | None
    installer_id: str | None
    attempt_id: str
    connected_at: datetime
    state: str
    reason: str | None
    since: datetime
    checked_at: datetime | None
    link_id: str | None
    is_shared: bool
    reconnect_link: str | None
    missing_scopes: list[str]
    placed: Mapping[str, Any] | None
    is_being_placed: bool | None
    is_ending: bool

    def connection(self) -> MadeConnection:
        return MadeConnection(
            owner=self.owner,
            identifier=self.identifier,
            integration=self.integration,
            subscriber_id=self.subscriber_id,
            context_keys=tuple(sorted(self.context_keys)),
            workspace=Workspace(self.workspace_id, self.workspace_name),
            app_id=self.app_id,
            installer_id=self.installer_id,
            attempt_id=self.attempt_id,
            connected_at=self.connected_at.astimezone(UTC),
            state=self.state,
            reason=self.reason,
            since=self.since.astimezone(UTC),
            checked_at=self.checked_at.astimezone(UTC) if self.checked_at else None,
            link_id=self.link_id,
            is_shared=self.is_shared,
            reconnect_link=self.reconnect_link,
            missing_scopes=tuple(self.missing_scopes),
            destination=destination(self.placed),
            is_being_placed=bool(self.is_being_placed),
            is_ending=self.is_ending,
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """An end that was asked for, and whether the owner's lease is ours to bring it about."""

    connection: str
    revokes: bool
    asked_for: timedelta
    is_ours: bool


class Connections:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def of(self, link: InstallLink) -> MadeConnection | None:
        """What the link's owner is connected to. Raises `LinkRevoked`."""
        row = self._postgres.row(
            f"""
            SELECT EXISTS (SELECT FROM revocation WHERE link_id = %(link_id)s), {COLUMNS}
            FROM (SELECT) one LEFT JOIN ({SOURCE}) ON c.owner = %(owner)s AND c.state <> 'ended'
            """,
            {"link_id": link.id, "owner": link.owner.identifier},
        )
        is_revoked, *columns = row or (True,)
        if is_revoked:
            raise LinkRevoked(link.id)
        return Row(*columns).connection() if columns[0] else None

    def by_owner(self, owner: str) -> MadeConnection | None:
        return by_owner(self._postgres, owner)

    def by_owners(self, owners: Sequence[str]) -> dict[str, MadeConnection]:
        rows = self._postgres.all(
            Row, f"SELECT {COLUMNS} FROM {SOURCE} WHERE c.owner = ANY (%(owners)s)", {"owners": list(owners)}
        )
        return {row.owner: row.connection() for row in rows}

    def find(self, identifier: str) -> MadeConnection | None:
        """The newest that has this identifier at Novu."""
        if not is_storable(identifier):
            return None
        row = self._postgres.one(
            Row,
            f"""
            SELECT {COLUMNS} FROM {SOURCE} WHERE c.identifier = %(identifier)s
            ORDER BY c.state = 'ended', c.connected_at DESC LIMIT 1
            """,
            {"identifier": identifier},
        )
        return row.connection() if row else None

    def neighbours(self, workspace_id: str, owner: Owner) -> list[str]:
        """Who else is connected to the workspace, by subscriber and contexts."""
        if not is_storable(workspace_id):
            return []
        rows = self._postgres.rows(
            """
            SELECT subscriber_id, context_keys FROM connection
            WHERE workspace_id = %(workspace_id)s AND state <> 'ended' AND owner <> %(owner)s
            ORDER BY connected_at DESC LIMIT %(most)s
            """,
            {"workspace_id": workspace_id, "owner": owner.identifier, "most": MOST_NEIGHBOURS},
        )
        return sorted(", ".join(filter(None, (subscriber, *contexts))) for subscriber, contexts in rows)

    def broken(self) -> list[tuple[str, int]]:
        """Why connections are broken, and how many for each reason, the most frequent first."""
        rows = self._postgres.rows(
            "SELECT coalesce(reason, ''), count(*) FROM connection WHERE state = 'broken' GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return [(str(reason), int(number)) for reason, number in rows]

    def owner_of(self, identifier: str) -> str:
        """Whose a connection identifier is: usually its own, unless the link chose another."""
        row = self._postgres.row(
            "SELECT owner FROM connection WHERE identifier = %(identifier)s ORDER BY connected_at DESC LIMIT 1",
            {"identifier": identifier},
        )
        return str(row[0]) if row else identifier

    def ask_end(self, owner: str, identifier: str, lease: str, *, revokes: bool) -> bool:
        """Record that a connection is to end: a worker sees to it if we do not. Tells whether the lease is ours.

        What was granted before does not bring the connection back, what is granted later does.
        """
        row = self._postgres.row(
            """
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
                ON CONFLICT (kind, subject) DO UPDATE SET
                    due_at = excluded.due_at, since = now(), tries = 0, take = nextval('work_take'), last_error = NULL
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

    def take_end(self, owner: str, lease: str) -> Ending | None:
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

    def release(self, owner: str, lease: str) -> None:
        self._postgres.run(
            "UPDATE owner SET lease = NULL, leased_until = NULL WHERE id = %(owner)s AND lease = %(lease)s",
            {"owner": owner, "lease": lease},
        )

    def withdraw_end(self, owner: str, lease: str, why: str) -> None:
        """It is not to end after all. Its endpoint may be gone already: a worker sees to that. Returns the lease."""
        self._postgres.run(
            """
            WITH gone AS (DELETE FROM ending WHERE owner = %(owner)s),
            done AS (DELETE FROM work WHERE kind = 'disconnect' AND subject = %(owner)s),
            moved AS (
                UPDATE destination SET number = nextval('choice_order') WHERE owner = %(owner)s RETURNING owner
            ), due AS (
                INSERT INTO work (kind, subject) SELECT 'destination', owner FROM moved ON CONFLICT DO NOTHING
            ), told AS (
                UPDATE attempt SET timeline = timeline || event('not_disconnected', %(why)s)
                FROM connection c WHERE c.owner = %(owner)s AND attempt.id = c.attempt_id
            )
            UPDATE owner SET lease = NULL, leased_until = NULL WHERE id = %(owner)s AND lease = %(lease)s
            """,
            {"owner": owner, "lease": lease, "why": why},
        )

    def hold(self, connection: MadeConnection, lease: str) -> bool:
        """Keep everything else away from the owner. Not if the connection was made anew, or is about to be."""
        return bool(
            self._postgres.run(
                """
                UPDATE owner SET lease = %(lease)s, leased_until = now() + %(span)s
                WHERE id = %(owner)s AND (leased_until IS NULL OR leased_until <= now())
                    AND EXISTS (SELECT FROM connection c WHERE c.owner = id AND c.attempt_id = %(attempt_id)s
                                AND c.connected_at = %(connected_at)s)
                    AND NOT EXISTS (SELECT FROM attempt a WHERE a.owner = owner.id AND a.status = 'granted')
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
        """The owner is connected to nothing any more. Returns the lease."""
        self._postgres.run(
            """
            WITH asked AS (DELETE FROM ending WHERE owner = %(owner)s),
            done AS (DELETE FROM work WHERE kind IN ('disconnect', 'destination', 'check') AND subject = %(owner)s),
            gone AS (DELETE FROM destination WHERE owner = %(owner)s),
            held AS (
                UPDATE owner SET lease = nullif(lease, %(lease)s),
                    leased_until = CASE WHEN lease = %(lease)s THEN NULL ELSE leased_until END
                WHERE id = %(owner)s RETURNING id, settled
            ), ended AS (
                UPDATE connection SET state = 'ended', reason = %(reason)s, since = now()
                FROM held WHERE owner = held.id AND state <> 'ended'
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


def by_owner(postgres: Postgres, owner: str) -> MadeConnection | None:
    row = postgres.one(Row, f"SELECT {COLUMNS} FROM {SOURCE} WHERE c.owner = %(owner)s", {"owner": owner})
    return row.connection() if row else None


def destination(held: Mapping[str, Any] | None) -> Destination | None:
    """As it lies in the ledger."""
    return Destination(EndpointType(held["type"]), held["id"], held.get("name")) if held else None
