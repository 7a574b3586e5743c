"""Asks the service how things are, for a page that must be true although an event may be late."""

from __future__ import annotations

from typing import Any, Final

from onboarding.sandbox.host.model import Owner, Standing, Status
from onboarding.sandbox.host.onboarding import Onboarding
from onboarding.sandbox.host.state import Host

LOOKED_AT: Final = 20
LIVING: Final = {"working": Status.WORKING, "unknown": Status.WORKING, "broken": Status.BROKEN}
OPEN: Final = {"pending": Status.PENDING, "awaiting_approval": Status.AWAITING}


def refresh(host: Host, api: Onboarding, subscriber_id: str) -> None:
    """`Unreachable` if the service does not answer: then what was known stays."""
    before = host.of(subscriber_id)
    attempts = [each for each in api.attempts(subscriber_id, LOOKED_AT) if not _contexts(each)]
    made: dict[str, Any] = next((each["connection"] for each in attempts if each.get("connection")), {})
    identifier = made.get("identifier") or before.standing.connection
    connection = api.connection(identifier) if identifier else None
    if connection or attempts:
        standing = _standing(connection, attempts[0] if attempts else {}, before.standing)
        owner = Owner(subscriber_id, (), (connection or made).get("integrationIdentifier"))
        host.learn(owner, standing, before.sequence)


def _standing(connection: dict[str, Any] | None, newest: dict[str, Any], before: Standing) -> Standing:
    """A living connection outweighs what was tried since; without one the newest attempt tells."""
    status = LIVING.get(str((connection or {}).get("state")))
    if connection and status:
        endpoints = connection.get("endpoints") or [{}]
        is_broken = status is Status.BROKEN
        return Standing(
            status=status,
            workspace=_workspace(connection),
            destination=endpoints[0].get("type"),
            reason=connection.get("reason") if is_broken else None,
            reconnect_url=before.reconnect_url if is_broken else None,
            connection=connection["identifier"],
            attempt=connection.get("attemptId"),
        )
    reason, attempt = newest.get("reason"), newest.get("id")
    if not connection and newest.get("status") == "connected" and not reason:
        made = newest.get("connection") or {}
        return Standing(Status.WORKING, _workspace(newest), connection=made.get("identifier"), attempt=attempt)
    if connection and (attempt is None or attempt == connection.get("attemptId")):
        reason = connection.get("reason")
    return Standing(
        OPEN.get(str(newest.get("status")), Status.NONE),
        reason=reason,
        connection=connection["identifier"] if connection else None,
        attempt=attempt,
    )


def _contexts(attempt: dict[str, Any]) -> list[str]:
    return (attempt.get("connection") or {}).get("contextKeys") or []


def _workspace(found: dict[str, Any]) -> str | None:
    workspace = found.get("workspace") or {}
    return workspace.get("name") or workspace.get("id")
