"""Links, attempts and connections as hosts get to see them. Nothing here holds a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response

from onboarding.flows.channels import Listed
from onboarding.ledger.connection_lists import Sharer
from onboarding.model import Attempt, Event, InstallLink
from onboarding.model.destinations import Destination, MadeConnection
from onboarding.web import standing
from onboarding.web.api import asking
from onboarding.web.api.destinations import CHANNEL_FIELD, PERSON_FIELD


def link(made: InstallLink, url: str) -> dict[str, Any]:
    return {"id": made.id, "url": url, "expiresAt": moment(made.expires_at)}


def page(found: Sequence[Attempt], open_to: Mapping[str, MadeConnection], next_page: str | None) -> dict[str, Any]:
    """`open_to` are the connections whose destination belongs to an attempt, by the attempt's id."""
    return {"data": [attempt(each, open_to.get(each.id)) for each in found], "next": next_page}


def attempt(found: Attempt, open_to: MadeConnection | None) -> dict[str, Any]:
    return {
        "id": found.id,
        "linkId": None if found.link.is_direct else found.link.id,
        "subscriberId": found.link.subscriber_id,
        "startedAt": moment(found.started_at),
        "status": standing.status(found),
        "workspace": standing.workspace(found.workspace),
        "reason": found.reason.value if found.reason else None,
        "destination": standing.destination(open_to),
        "connection": _connection(found, found.connection) if found.connection else None,
        "timeline": [_event(event) for event in found.timeline],
    }


def connection(found: MadeConnection) -> dict[str, Any]:
    ours = found.destination
    return {
        "identifier": found.identifier,
        "integrationIdentifier": found.integration,
        "subscriberId": None if found.is_shared else found.subscriber_id,
        "contextKeys": list(found.context_keys),
        "workspace": standing.workspace(found.workspace),
        "state": found.state,
        "reason": found.reason,
        "since": moment(found.since),
        "checkedAt": maybe(found.checked_at),
        "connectedAt": moment(found.connected_at),
        "attemptId": found.attempt_id,
        "endpoints": [{"identifier": found.endpoint_identifier, "type": ours.type.value}] if ours else [],
    }


def connections(found: Sequence[MadeConnection], next_page: str | None) -> dict[str, Any]:
    return {"data": [connection(each) for each in found], "next": next_page}


def sharer(found: Sharer) -> dict[str, Any]:
    return {"subscriberId": found.subscriber_id, "contextKeys": list(found.context_keys)}


def channels(listed: Listed) -> dict[str, Any]:
    found = [{"id": channel.id, "name": channel.name} for channel in listed.channels]
    return {"data": found, "next": asking.cursor(listed.next)}


def destination(made: MadeConnection, chosen: Destination) -> dict[str, Any]:
    target = PERSON_FIELD if chosen.is_person else CHANNEL_FIELD
    return {"identifier": made.endpoint_identifier, "type": chosen.type.value, "endpoint": {target: chosen.id}}


def nothing(status: int) -> Response:
    """An answer without a body."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maybe(at: datetime | None) -> str | None:
    return moment(at) if at else None


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
