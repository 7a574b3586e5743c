"""What came of attempts: the connection each owner has, as far as this service knows. Novu holds the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from onboarding.ledger.attempts import load_link
from onboarding.ledger.leases import RELEASE
from onboarding.ledger.postgres import Postgres, is_storable
from onboarding.model import InstallLink, Workspace
from onboarding.model.destinations import ConnectionState, Destination, EndpointType, MadeConnection
from onboarding.model.errors import LinkRevoked

COLUMNS: Final = """
    c.owner, c.identifier, c.integration, c.subscriber_id, c.context_keys, c.workspace_id, c.workspace_name, c.app_id,
    c.installer_id, c.attempt_id, c.connected_at, c.state, c.reason, c.since, c.checked_at, c.link_id, c.is_shared,
    c.reconnect_link, c.removed_at, c.missing_scopes,
    d.placed, d.placed IS NULL AND d.choice IS NOT NULL AS is_being_placed,
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
    removed_at: datetime | None
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
            state=ConnectionState(self.state),
            reason=self.reason,
            since=self.since.astimezone(UTC),
            checked_at=self.checked_at.astimezone(UTC) if self.checked_at else None,
            link_id=self.link_id,
            is_shared=self.is_shared,
            reconnect_link=self.reconnect_link,
            removed_at=self.removed_at,
            missing_scopes=tuple(self.missing_scopes),
            destination=destination(self.placed),
            is_being_placed=bool(self.is_being_placed),
            is_ending=self.is_ending,
        )


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
            raise LinkRevoked(link)
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

    def link_of(self, connection: MadeConnection) -> InstallLink | None:
        """What the link said that made it, if its attempt is forgotten. One forgotten long ago has left nothing."""
        row = self._postgres.row("SELECT link FROM connection WHERE owner = %(owner)s", {"owner": connection.owner})
        return load_link(row[0], is_short=True) if row and row[0] else None

    def broken(self) -> list[tuple[str, int]]:
        """Why connections are broken, and how many for each reason, the most frequent first."""
        rows = self._postgres.rows(
            "SELECT coalesce(reason, ''), count(*) FROM connection WHERE state = 'broken' GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return [(str(reason), int(number)) for reason, number in rows]

    def is_awaited(self, owner: str) -> bool:
        """Whether a grant of the owner is on its way to Novu."""
        statement = "SELECT FROM attempt WHERE owner = %(owner)s AND status = 'granted' LIMIT 1"
        return bool(self._postgres.rows(statement, {"owner": owner}))

    def release(self, owner: str, lease: str) -> None:
        self._postgres.run(RELEASE, {"owner": owner, "lease": lease})


def by_owner(postgres: Postgres, owner: str) -> MadeConnection | None:
    row = postgres.one(Row, f"SELECT {COLUMNS} FROM {SOURCE} WHERE c.owner = %(owner)s", {"owner": owner})
    return row.connection() if row else None


def destination(held: Mapping[str, Any] | None) -> Destination | None:
    """As it lies in the ledger."""
    return Destination(EndpointType(held["type"]), held["id"], held.get("name")) if held else None
