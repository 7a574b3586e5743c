"""The types of channel endpoints, and the keys that the `endpoint` object of each has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Shape:
    """Every value is text; a key that is not named here is refused."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


SHAPES: Final = {
    "slack_channel": Shape(("channelId",)),
    "slack_user": Shape(("userId",)),
    "webhook": Shape(("url",), ("channel",)),
    "phone": Shape(("phoneNumber",)),
    "ms_teams_channel": Shape(("teamId", "channelId")),
    "ms_teams_user": Shape(("userId",)),
    "telegram_chat": Shape(("chatId",)),
    "webex_room": Shape(("roomId",), ("parentId",)),
    "webex_person": Shape((), ("personId", "personEmail")),
    "line_user": Shape(("userId",)),
    "grafana_oncall_integration": Shape(("url",), ("authToken",)),
}
REFUSED: Final = ("pagerduty_service", "opsgenie_integration", "tool_webhook")
"""Novu knows these too. Here nothing matches their format, because nothing here could do anything with them."""
TYPES: Final = (*SHAPES, *REFUSED)


def mismatch(type_: str) -> str:
    return f'Endpoint must match the required format for type "{type_}"'


def matches(type_: str, endpoint: Any) -> bool:
    shape = SHAPES.get(type_)
    if shape is None or not isinstance(endpoint, dict):
        return False
    named = {*shape.required} <= {*endpoint} <= {*shape.required, *shape.optional}
    return named and all(isinstance(value, str) for value in endpoint.values())


def complaints(type_: str, endpoint: Any) -> Iterator[str]:
    if matches(type_, endpoint):
        return
    shape = SHAPES.get(type_, Shape(()))
    if isinstance(endpoint, dict):
        asked = (*shape.required, *(name for name in shape.optional if name in endpoint))
        yield from (f"endpoint.{name} must be a string" for name in asked if not isinstance(endpoint.get(name), str))
    yield mismatch(type_)
