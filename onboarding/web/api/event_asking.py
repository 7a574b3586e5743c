"""Reads which events a host asks a list for. Empty values count as not given."""

from __future__ import annotations

import re
from typing import Final

from onboarding.ledger.events import PING, Sending, WantedEvents
from onboarding.web.api.asking import DEFAULT, Query, garbage, misnamed
from onboarding.web.api.problems import Invalid

TYPES: Final = (
    "connection.connected",
    "connection.updated",
    "connection.broken",
    "connection.recovered",
    "connection.disconnected",
    "destination.set",
    "attempt.awaiting_approval",
    "attempt.cancelled",
    "attempt.failed",
    "attempt.expired",
    PING,
)
PARAMETERS: Final = ("type", "connectionIdentifier", "limit", "after")
STATUSES: Final = tuple(sending.value for sending in Sending)
ID: Final = re.compile(r"evt_[0-9a-f]{32}")


def wanted(query: Query) -> WantedEvents:
    """Raises `Invalid`."""
    if problems := [*misnamed(query, PARAMETERS), *garbage(query, {"type": TYPES})]:
        raise Invalid(problems)
    type_, connection, limit, after = (query.get(name, "") for name in PARAMETERS)
    return WantedEvents(
        type=type_ or None,
        connection=connection.strip() or None,
        limit=int(limit or DEFAULT),
        after=after or None,
    )
