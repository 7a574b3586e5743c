"""How attempts are written into Redis and read back. Moments are milliseconds since 1970."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from onboarding.model import Attempt, Event, InstallLink, LastConnection, Reason, Status, Workspace
from onboarding.signing.links import from_payload, to_payload

Fields = Mapping[str, str]


def dump(attempt: Attempt) -> dict[str, str]:
    """A new attempt as the fields of a hash."""
    return {
        "status": attempt.status.value,
        "link": json.dumps(to_payload(attempt.link), separators=(",", ":")),
        "started_at": dump_moment(attempt.started_at),
        "browser": attempt.browser_hash,
        "lists": json.dumps(lists_of(attempt.link)),
        "timeline": "".join(map(dump_event, attempt.timeline)),
    }


def lists_of(link: InstallLink) -> list[str]:
    """The lists of the link's own values, by which its attempts are found."""
    names = [f"integration:{link.integration}", *(f"context:{context.key}" for context in link.contexts)]
    return [*names, f"subscriber:{link.subscriber_id}"] if link.subscriber_id else names


def load(attempt_id: str, fields: Fields, now: datetime) -> Attempt:
    """The attempt as it stands at `now`: one that can no longer reach an outcome reads as expired."""
    attempt = Attempt(
        id=attempt_id,
        link=from_payload(json.loads(fields["link"])),
        status=Status(fields["status"]),
        started_at=_load_moment(fields["started_at"]),
        browser_hash=fields["browser"],
        claimed_at=_load_moment(fields["claimed_at"]) if "claimed_at" in fields else None,
        reason=Reason(fields["reason"]) if fields.get("reason") else None,
        detail=fields.get("detail") or None,
        workspace=load_workspace(fields),
        app_id=fields.get("app_id") or None,
        connection=fields.get("connection") or None,
        trying_since=_load_moment(fields["trying_since"]) if "trying_since" in fields else None,
        tries=int(fields.get("tries", 0)),
        round=int(fields.get("round", 0)),
        timeline=tuple(map(_load_event, fields["timeline"].splitlines())),
    )
    if attempt.status is Status.STARTED and attempt.is_over(now):
        return replace(attempt, status=Status.EXPIRED, reason=Reason.TIMED_OUT)
    return attempt


def dump_workspace(workspace: Workspace, app_id: str | None) -> dict[str, str]:
    return {"workspace_id": workspace.id, "workspace_name": workspace.name, "app_id": app_id or ""}


def load_workspace(fields: Fields) -> Workspace | None:
    workspace_id = fields.get("workspace_id")
    return Workspace(workspace_id, fields["workspace_name"]) if workspace_id else None


def dump_connection(connection: LastConnection) -> list[str]:
    """Fields and values in turn, as `HSET` takes them."""
    fields = dump_workspace(connection.workspace, connection.app_id)
    fields |= {"attempt": connection.attempt_id, "at": dump_moment(connection.connected_at)}
    return [part for pair in fields.items() for part in pair]


def load_connection(fields: Fields) -> LastConnection:
    return LastConnection(
        attempt_id=fields["attempt"],
        workspace=Workspace(fields["workspace_id"], fields["workspace_name"]),
        app_id=fields["app_id"] or None,
        connected_at=_load_moment(fields["at"]),
    )


def pairs(flat: list[str]) -> dict[str, str]:
    """A hash as scripts give it, fields and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def dump_event(event: Event) -> str:
    """One line of the timeline."""
    return json.dumps([dump_moment(event.at), event.name, event.detail]) + "\n"


def dump_moment(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def _load_event(line: str) -> Event:
    at, name, detail = json.loads(line)
    return Event(_load_moment(at), name, detail)


def _load_moment(text: str) -> datetime:
    return datetime.fromtimestamp(int(text) / 1000, UTC)
