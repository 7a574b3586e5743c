"""What became of an attempt, in the words that programs read: the API's, and those of the status that pages poll."""

from __future__ import annotations

from onboarding.model import Attempt, Workspace
from onboarding.model.destinations import MadeConnection


def status(attempt: Attempt) -> str:
    return "pending" if attempt.status.is_pending else attempt.status.value


def destination(open_to: MadeConnection | None) -> str | None:
    """None while there is nothing to choose. `open_to` is the connection whose destination belongs to the attempt."""
    if open_to is None:
        return None
    return "set" if open_to.destination else "unset"


def workspace(connected: Workspace | None) -> dict[str, str] | None:
    return {"id": connected.id, "name": connected.name} if connected else None
