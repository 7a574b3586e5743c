"""The channel endpoints on a connection, for `onboarding connections show`: where Novu delivers."""

from __future__ import annotations

from typing import Any

from onboarding.clock.deadline import Deadline
from onboarding.model.errors import NovuError
from onboarding.model.names import one_line
from onboarding.remote.novu import Novu


def read(novu: Novu, connection: str, deadline: Deadline) -> list[dict[str, Any]]:
    """As programs read them. A Novu from before there were endpoints has none. Raises `NovuError`."""
    try:
        listed = novu.endpoints.list(connection, deadline)
    except NovuError as error:
        if error.status != 404:
            raise
        return []
    return [
        {
            "identifier": each.identifier,
            "type": each.type,
            "subscriberId": each.subscriber_id,
            "target": each.target,
        }
        for each in listed
        if each.connection == connection
    ]


def lines(endpoints: list[dict[str, Any]]) -> list[str]:
    """One for each, as people read them."""
    return [
        one_line(f"{each['type']} {each['target'] or '-'} for {each['subscriberId'] or '-'} ({each['identifier']})")
        for each in endpoints
    ]
