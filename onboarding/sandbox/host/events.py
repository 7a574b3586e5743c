"""Reads events, and what each of them means for Sprocket."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from onboarding.sandbox.fake import parse_json
from onboarding.sandbox.host.model import Event, Owner, Standing, Status

PING: Final = "ping"
CONNECTED: Final = {"connection.connected", "connection.updated", "connection.recovered"}
ENDED_ATTEMPTS: Final = {"attempt.cancelled", "attempt.failed", "attempt.expired"}
KNOWN: Final = {
    *CONNECTED,
    *ENDED_ATTEMPTS,
    "connection.broken",
    "connection.disconnected",
    "destination.set",
    "attempt.awaiting_approval",
    PING,
}


def read(event_id: str, body: bytes) -> Event:
    """ValueError for what is no event."""
    said = parse_json(body)
    data = said.get("data") if isinstance(said, dict) else None
    if not isinstance(data, dict) or not isinstance(said.get("type"), str):
        raise ValueError("not an event")
    sequence = data.get("sequence")
    number = sequence if isinstance(sequence, int) and not isinstance(sequence, bool) else 0
    return Event(event_id, said["type"], str(said.get("timestamp") or ""), data, _owner(data), number)


def after(event: Event, before: Standing) -> Standing:
    """How things are after an event. One of an unknown type changes nothing: new types may come at any time."""
    data = event.data
    if event.type in CONNECTED:
        return _connected(event, before)
    if event.type == "connection.broken":
        return replace(
            before,
            status=Status.BROKEN,
            workspace=_name(data.get("workspace")) or before.workspace,
            reason=_text(data, "reason"),
            reconnect_url=_text(data, "reconnectUrl"),
            connection=_text(data, "connectionIdentifier") or before.connection,
        )
    if event.type == "connection.disconnected":
        return Standing(reason=_text(data, "reason"), connection=_text(data, "connectionIdentifier"))
    if event.type == "destination.set":
        return replace(before, destination=_endpoint(data))
    return _after_attempt(event, before)


def _connected(event: Event, before: Standing) -> Standing:
    """What was chosen stays, unless the workspace is another one."""
    is_moved = bool(event.data.get("previousWorkspace")) or event.type == "connection.connected"
    return Standing(
        status=Status.WORKING,
        workspace=_name(event.data.get("workspace")),
        destination=_endpoint(event.data) or (None if is_moved else before.destination),
        connection=_text(event.data, "connectionIdentifier"),
        attempt=_text(event.data, "attemptId"),
    )


def _after_attempt(event: Event, before: Standing) -> Standing:
    """An attempt that came to nothing leaves a connection as it was."""
    if before.status in {Status.WORKING, Status.BROKEN}:
        return before
    reason, attempt = _text(event.data, "reason"), _text(event.data, "attemptId")
    if event.type == "attempt.awaiting_approval":
        return Standing(Status.AWAITING, reason=reason, attempt=attempt)
    if event.type in ENDED_ATTEMPTS:
        return Standing(reason=reason, attempt=attempt)
    return before


def _owner(data: dict[str, Any]) -> Owner | None:
    subscriber, keys = _text(data, "subscriberId"), data.get("contextKeys") or []
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("contextKeys must be a list of texts")
    if subscriber is None and not keys:
        return None
    return Owner(subscriber, tuple(sorted(keys)), _text(data, "integrationIdentifier"))


def _endpoint(data: dict[str, Any]) -> str | None:
    endpoint = data.get("endpoint")
    return _text(endpoint, "type") if isinstance(endpoint, dict) else None


def _name(workspace: object) -> str | None:
    return (_text(workspace, "name") or _text(workspace, "id")) if isinstance(workspace, dict) else None


def _text(data: dict[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) and value else None
