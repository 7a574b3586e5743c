"""The chat step, as Novu takes it: endpoints of the subscriber and the exact context, each by its connection's token.

A connection is found only in the same exact context. If there is none, the token is empty and Slack says `not_authed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from onboarding.sandbox.novu import labels
from onboarding.sandbox.novu.activity import Activity, Result
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.model import Endpoint
from onboarding.sandbox.novu.poster import Poster

SENT: Final = "MESSAGE_SENT"
NO_CHANNEL: Final = "SUBSCRIBER_NO_ACTIVE_CHANNEL"
ALL_FAILED: Final = "CHAT_ALL_CHANNELS_FAILED"
NO_SLACK: Final = "This local Novu knows no Slack. Start it with --slack-url."


@dataclass(frozen=True, slots=True)
class Notification:
    """One workflow for one subscriber, on its way."""

    environment: Environment
    transaction_id: str
    workflow: str
    subscriber_id: str
    context_keys: tuple[str, ...]
    text: str


def deliver(notification: Notification, poster: Poster | None) -> Activity:
    """Every endpoint gets the message; one that takes it is enough."""
    routes = _routes(notification)
    if not routes:
        return _over(notification, NO_CHANNEL, ())
    if poster is None:
        return _over(notification, NO_SLACK, ())
    results = tuple(_result(endpoint, poster.post(endpoint, token, notification.text)) for endpoint, token in routes)
    return _over(notification, SENT if any(not each.error for each in results) else ALL_FAILED, results)


def _routes(notification: Notification) -> list[tuple[Endpoint, str]]:
    """The endpoints, each with its token."""
    environment, keys = notification.environment, notification.context_keys
    with environment.lock:
        audience = labels.audience(notification.subscriber_id, keys)
        found = environment.channel_endpoints.index.rows(audience, ("channel", "chat"))
        return [(endpoint, _token(environment, endpoint)) for endpoint in found]


def _token(environment: Environment, endpoint: Endpoint) -> str:
    """An endpoint has exactly the context of the trigger, so its connection must have it too."""
    connection = environment.channel_connections.get(endpoint.connection_identifier or "")
    is_there = connection is not None and {*connection.context_keys} == {*endpoint.context_keys}
    return connection.token if connection is not None and is_there else ""


def _result(endpoint: Endpoint, error: str) -> Result:
    return Result(endpoint.identifier, endpoint.type, endpoint.target, endpoint.connection_identifier, error)


def _over(notification: Notification, detail: str, results: tuple[Result, ...]) -> Activity:
    return Activity(
        environment=notification.environment.id,
        transaction_id=notification.transaction_id,
        workflow=notification.workflow,
        subscriber_id=notification.subscriber_id,
        context_keys=notification.context_keys,
        is_completed=detail == SENT,
        detail=detail,
        results=results,
    )
