"""The steps an attempt can take, each with all that belongs to it. `move.lua` carries them out, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from onboarding.ledger import record, terms
from onboarding.model import GRANT_KEPT, Event, Grant, LastConnection, Reason, Status, Workspace

DELIVERY_KEPT: Final = GRANT_KEPT + timedelta(days=1)
"""How long a grant on its way to Novu stays: longer than anybody tries to deliver it."""
SWEEP_AFTER: Final = timedelta(seconds=30)
"""How late a delivery may be before the sweep takes it that its job was lost."""

_CANCELLED: Final = {Reason.DENIED_BY_PERSON, Reason.NOT_PERMITTED, Reason.SLACK_REFUSED}


@dataclass(frozen=True, slots=True)
class Step:
    """One move. Without `due_in` nothing is left to deliver; without `grant_life` no grant is left to keep."""

    allowed_from: Sequence[Status]
    event: Event
    life: timedelta
    fields: dict[str, str]
    counts: Sequence[str] = ()
    sealed: str | None = None
    grant_life: timedelta = timedelta(0)
    needs_grant: bool = False
    due_in: timedelta | None = None
    connection: LastConnection | None = None
    workspace: Workspace | None = None

    def to_json(self, lease: str | None, period: int) -> str:
        """As `move.lua` reads it. `period` is that of the terms."""
        step: dict[str, Any] = {
            "from": [status.value for status in self.allowed_from],
            "event": record.dump_event(self.event),
            "life": seconds(self.life),
            "fields": self.fields,
            "counts": list(self.counts),
            "grant_life": seconds(self.grant_life),
            "needs_grant": self.needs_grant,
            "lists": [f"workspace:{self.workspace.id}"] if self.workspace else [],
            "terms": terms.of_workspace(self.workspace) if self.workspace else [],
            "period": period,
        }
        if self.sealed:
            step["sealed"] = self.sealed
        if lease:
            step["lease"] = lease
        if self.due_in is not None:
            step |= {"wait": self.due_in.total_seconds() * 1000, "due_in": seconds(self.due_in + SWEEP_AFTER)}
        if self.connection:
            step["connection"] = record.dump_connection(self.connection)
            step["superseded"] = record.dump_event(Event(self.event.at, Status.FAILED.value, Reason.SUPERSEDED.value))
            step["connection_life"] = seconds(max(self.life, DELIVERY_KEPT))
        return json.dumps(step)


def seconds(span: timedelta) -> int:
    return int(span.total_seconds())


def granted(grant: Grant, sealed: str, retention: timedelta) -> Step:
    """Slack said yes: keep what it gave, sealed, until Novu has it."""
    return Step(
        allowed_from=[Status.STARTED, Status.GRANTED],
        event=Event(grant.granted_at, "granted", grant.workspace.name),
        life=max(retention, DELIVERY_KEPT),
        fields={
            "status": Status.GRANTED.value,
            "trying_since": record.dump_moment(grant.granted_at),
            **record.dump_workspace(grant.workspace, grant.app_id),
        },
        sealed=sealed,
        workspace=grant.workspace,
        grant_life=DELIVERY_KEPT,
        due_in=timedelta(0),
    )


def connected(connection: LastConnection, identifier: str, retention: timedelta) -> Step:
    """Novu has it, under this identifier: the grant is erased."""
    return Step(
        allowed_from=[Status.STARTED, Status.GRANTED],
        event=Event(connection.connected_at, "connected", connection.workspace.name),
        life=retention,
        fields={
            "status": Status.CONNECTED.value,
            "detail": "",
            "connection": identifier,
            **record.dump_workspace(connection.workspace, connection.app_id),
        },
        connection=connection,
        workspace=connection.workspace,
    )


def postponed(detail: str, wait: timedelta, now: datetime, retention: timedelta) -> Step:
    """Novu did not take it this time."""
    return Step(
        allowed_from=[Status.GRANTED],
        event=Event(now, "delivery_postponed", detail),
        life=max(retention, DELIVERY_KEPT),
        fields={"detail": detail},
        counts=["tries"],
        grant_life=DELIVERY_KEPT,
        due_in=wait,
    )


def ended(reason: Reason, detail: str, now: datetime, retention: timedelta) -> Step:
    """No grant was given, or none that can be used."""
    status = Status.CANCELLED if reason in _CANCELLED else Status.FAILED
    return Step(
        allowed_from=[Status.STARTED, Status.GRANTED],
        event=Event(now, status.value, detail or reason.value),
        life=retention,
        fields={"status": status.value, "reason": reason.value, "detail": detail},
    )


def rejected(reason: Reason, detail: str, now: datetime, retention: timedelta) -> Step:
    """Novu refused for good, or for too long; the grant is kept for a person to try again."""
    return Step(
        allowed_from=[Status.GRANTED],
        event=Event(now, Status.FAILED.value, detail),
        life=max(retention, GRANT_KEPT),
        fields={"status": Status.FAILED.value, "reason": reason.value, "detail": detail},
        grant_life=GRANT_KEPT,
    )


def hurried(now: datetime, retention: timedelta) -> Step:
    """A person does not want to wait for the next try."""
    return Step(
        allowed_from=[Status.GRANTED],
        event=Event(now, "retried_by_person"),
        life=max(retention, DELIVERY_KEPT),
        fields={},
        needs_grant=True,
        grant_life=DELIVERY_KEPT,
        due_in=timedelta(0),
    )


def reopened(now: datetime, retention: timedelta) -> Step:
    """A person tries again, under a new idempotency key."""
    return Step(
        allowed_from=[Status.FAILED],
        event=Event(now, "retried_by_person"),
        life=max(retention, DELIVERY_KEPT),
        fields={
            "status": Status.GRANTED.value,
            "reason": "",
            "detail": "",
            "trying_since": record.dump_moment(now),
            "tries": "0",
        },
        counts=["round"],
        needs_grant=True,
        grant_life=DELIVERY_KEPT,
        due_in=timedelta(0),
    )
