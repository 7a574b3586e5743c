"""Reads connections as lists: pages of them, and who shares a token with one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from onboarding.ledger import cursor
from onboarding.ledger.connections import COLUMNS, SOURCE, Row
from onboarding.ledger.postgres import Postgres, is_storable
from onboarding.model.destinations import MadeConnection

MOST_SHARING: Final = 100
OWNER: Final = r"chconn_[0-9a-f]{32}"
_CONDITIONS: Final = {
    "subscriber_id": "c.subscriber_id = %(subscriber_id)s AND NOT c.is_shared",
    "context_keys": "c.context_keys @> %(context_keys)s::text[]",
    "integration": "c.integration = %(integration)s",
    "workspace_id": "c.workspace_id = %(workspace_id)s",
    "state": "c.state = %(state)s",
    "reason": "c.reason = %(reason)s",
    "after": "(c.connected_at, c.owner) < (%(after_at)s, %(after_owner)s)",
}


@dataclass(frozen=True, slots=True)
class WantedConnections:
    """Those to which everything given applies, with all of the contexts. `after` is the cursor of an earlier page.

    A shared connection belongs to no subscriber, whatever its link says.
    """

    subscriber_id: str | None = None
    context_keys: tuple[str, ...] = ()
    integration: str | None = None
    workspace_id: str | None = None
    state: str | None = None
    reason: str | None = None
    limit: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Sharer:
    """Another owner of a token."""

    subscriber_id: str | None
    context_keys: tuple[str, ...]


class ConnectionLists:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def find(self, wanted: WantedConnections) -> tuple[list[MadeConnection], str | None]:
        """A page, newest first, and where the next one goes on."""
        after_at, after_owner = cursor.read(wanted.after, OWNER)
        given = {name: value for name in _CONDITIONS if (value := getattr(wanted, name))}
        if not all(map(is_storable, _texts(given))):
            return [], None
        where = " AND ".join(_CONDITIONS[name] for name in given) or "true"
        rows = self._postgres.all(
            Row,
            f"""
            SELECT {COLUMNS} FROM {SOURCE} WHERE {where}
            ORDER BY c.connected_at DESC, c.owner DESC LIMIT %(most)s
            """,
            {
                **given,
                "context_keys": list(wanted.context_keys),
                "after_at": after_at,
                "after_owner": after_owner,
                "most": wanted.limit + 1,
            },
        )
        found = [row.connection() for row in rows[: wanted.limit]]
        return found, cursor.write(found[-1].connected_at, found[-1].owner) if len(rows) > wanted.limit else None

    def sharing(self, workspace_id: str, owner: str, app_id: str | None) -> list[Sharer]:
        """Who else uses an owner's token, newest first: Slack has one for each app in a workspace."""
        if not is_storable(workspace_id):
            return []
        rows = self._postgres.rows(
            """
            SELECT CASE WHEN NOT is_shared THEN subscriber_id END, context_keys FROM connection
            WHERE workspace_id = %(workspace_id)s AND state <> 'ended' AND owner <> %(owner)s
                AND (app_id IS NULL OR %(app_id)s::text IS NULL OR app_id = %(app_id)s)
            ORDER BY connected_at DESC, owner DESC LIMIT %(most)s
            """,
            {"workspace_id": workspace_id, "owner": owner, "app_id": app_id, "most": MOST_SHARING},
        )
        return [Sharer(subscriber_id, tuple(sorted(keys))) for subscriber_id, keys in rows]


def _texts(given: dict[str, Any]) -> Iterator[str]:
    for value in given.values():
        yield from (value if isinstance(value, tuple) else (value,))
