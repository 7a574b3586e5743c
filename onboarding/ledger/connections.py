"""What came of attempts: the connection each owner has, as far as this service knows. Novu holds the truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from onboarding.ledger.grants import LEASE
from onboarding.ledger.postgres import Postgres, is_storable
from onboarding.model import InstallLink, LastConnection, Owner, Workspace
from onboarding.model.errors import LinkRevoked

MOST_NEIGHBOURS: Final = 20


@dataclass(frozen=True, slots=True)
class _Known:
    is_revoked: bool
    attempt_id: str | None
    workspace_id: str
    workspace_name: str
    app_id: str | None
    connected_at: datetime


class Connections:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def of(self, link: InstallLink) -> LastConnection | None:
        """What the link's owner is connected to. Raises `LinkRevoked`."""
        found = self._postgres.one(
            _Known,
            """
            SELECT EXISTS (SELECT FROM revocation WHERE link_id = %(link_id)s) AS is_revoked,
                attempt_id, workspace_id, workspace_name, app_id, connected_at
            FROM (SELECT) one LEFT JOIN connection ON owner = %(owner)s AND state <> 'ended'
            """,
            {"link_id": link.id, "owner": link.owner.identifier},
        )
        if found is None or found.is_revoked:
            raise LinkRevoked(link.id)
        if found.attempt_id is None:
            return None
        workspace = Workspace(found.workspace_id, found.workspace_name)
        return LastConnection(found.attempt_id, workspace, found.app_id, found.connected_at.astimezone(UTC))

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

    def owner_of(self, identifier: str) -> str:
        """Whose a connection identifier is: usually its own, unless the link chose another."""
        row = self._postgres.row(
            "SELECT owner FROM connection WHERE identifier = %(identifier)s ORDER BY connected_at DESC LIMIT 1",
            {"identifier": identifier},
        )
        return str(row[0]) if row else identifier

    def hold(self, owner: str, lease: str) -> bool:
        """Keep deliveries away from an owner for as long as a delivery may take."""
        return bool(
            self._postgres.run(
                """
                INSERT INTO owner AS o (id, lease, leased_until) VALUES (%(owner)s, %(lease)s, now() + %(span)s)
                ON CONFLICT (id) DO UPDATE SET lease = excluded.lease, leased_until = excluded.leased_until
                WHERE o.leased_until IS NULL OR o.leased_until <= now()
                """,
                {"owner": owner, "lease": lease, "span": LEASE},
            )
        )

    def release(self, owner: str, lease: str) -> None:
        self._postgres.run(
            "UPDATE owner SET lease = NULL, leased_until = NULL WHERE id = %(owner)s AND lease = %(lease)s",
            {"owner": owner, "lease": lease},
        )

    def end(self, owner: str, lease: str) -> None:
        """The owner is connected to nothing any more, whatever was granted before. Returns the lease."""
        self._postgres.run(
            """
            WITH held AS (
                INSERT INTO owner AS o (id, settled) VALUES (%(owner)s, nextval('grant_order'))
                ON CONFLICT (id) DO UPDATE SET settled = excluded.settled, lease = nullif(o.lease, %(lease)s),
                    leased_until = CASE WHEN o.lease = %(lease)s THEN NULL ELSE o.leased_until END
                RETURNING id
            ), ended AS (
                UPDATE connection SET state = 'ended', reason = 'disconnected', since = now()
                FROM held WHERE owner = held.id AND state <> 'ended'
            )
            UPDATE attempt SET
                reason = CASE status WHEN 'failed' THEN 'superseded' ELSE 'disconnected' END,
                detail = CASE status WHEN 'failed' THEN 'disconnected' ELSE '' END, sealed = NULL,
                timeline = timeline || event('disconnected', NULL)
            FROM held WHERE owner = held.id
                AND (status = 'failed' AND sealed IS NOT NULL OR status = 'connected' AND reason IS NULL)
            """,
            {"owner": owner, "lease": lease},
        )
