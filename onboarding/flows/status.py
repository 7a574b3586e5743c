"""An owner's status in one word: what a product shows beside its Add to Slack button."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from onboarding.ledger.owners import Known
from onboarding.model import Reason, Status
from onboarding.model.destinations import ConnectionState


class State(StrEnum):
    NONE = "none"
    PENDING = "pending"
    AWAITING_APPROVAL = "awaiting_approval"
    WORKING = "working"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class OwnerStatus:
    """`workspace` is the name of what the owner is connected to, `reason` why that is broken, or why it is nothing."""

    state: State
    workspace: str | None
    reason: str | None
    attempt_id: str | None


def status_of(known: Known) -> OwnerStatus:
    state = _state(known)
    workspace = known.workspace_name if known.state != ConnectionState.ENDED else None
    return OwnerStatus(state, workspace, _reason(known, state), known.attempt_id)


def _state(known: Known) -> State:
    """Whoever is connected stays so, whatever is tried besides. What heals a broken connection is under way or not."""
    if known.state not in {None, ConnectionState.ENDED, ConnectionState.BROKEN}:
        return State.WORKING
    if known.is_granted or (known.attempt_status == Status.STARTED and not known.is_over):
        return State.PENDING
    if known.is_awaiting_approval:
        return State.AWAITING_APPROVAL
    return State.BROKEN if known.state == ConnectionState.BROKEN else State.NONE


def _reason(known: Known, state: State) -> str | None:
    match state:
        case State.AWAITING_APPROVAL:
            return Reason.NOT_PERMITTED
        case State.BROKEN:
            return known.reason
        case State.NONE:
            return known.reason if _has_ended_since(known) else _came_to_nothing(known)
        case _:
            return None


def _has_ended_since(known: Known) -> bool:
    """Whether the end of a connection is the last that is known."""
    return known.since is not None and (known.started_at is None or known.started_at <= known.since)


def _came_to_nothing(known: Known) -> str | None:
    if not known.is_over:
        return known.attempt_reason
    return Reason.TIMED_OUT if known.attempt_status == Status.STARTED else Reason.APPROVAL_NOT_GIVEN
