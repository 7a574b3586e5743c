"""Links and attempts as hosts get to see them. Nothing here holds a token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from onboarding.model import Attempt, Event, InstallLink, Workspace


def link(made: InstallLink, url: str) -> dict[str, Any]:
    return {"id": made.id, "url": url, "expiresAt": moment(made.expires_at)}


def page(found: Sequence[Attempt], next_page: str | None) -> dict[str, Any]:
    return {"data": [attempt(each) for each in found], "next": next_page}


def attempt(found: Attempt) -> dict[str, Any]:
    return {
        "id": found.id,
        "linkId": found.link.id,
        "subscriberId": found.link.subscriber_id,
        "startedAt": moment(found.started_at),
        "status": "pending" if found.status.is_pending else found.status.value,
        "workspace": _workspace(found.workspace) if found.workspace else None,
        "reason": found.reason.value if found.reason else None,
        "connection": _connection(found, found.connection) if found.connection else None,
        "timeline": [_event(event) for event in found.timeline],
    }


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _workspace(workspace: Workspace) -> dict[str, str]:
    return {"id": workspace.id, "name": workspace.name}


def _connection(found: Attempt, identifier: str) -> dict[str, Any]:
    owner = found.link.owner
    return {
        "identifier": identifier,
        "integrationIdentifier": owner.integration,
        "subscriberId": owner.subscriber_id,
        "contextKeys": list(owner.context_keys),
    }


def _event(event: Event) -> dict[str, str | None]:
    return {"at": moment(event.at), "event": event.name, "detail": event.detail}
