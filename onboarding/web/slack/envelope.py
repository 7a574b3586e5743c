"""Reads the envelopes of Slack's events: which workspaces and organisations they are about. Trusts no field."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from onboarding.ledger.findings import Hint

ID: Final = re.compile(r"[TE][A-Z0-9]{1,63}")
HINTS: Final = {"app_uninstalled", "tokens_revoked", "team_access_revoked", "team_access_granted", "app_rate_limited"}
REMOVAL: Final = "app_uninstalled"
MOST_PLACES: Final = 200


def hint(told: Mapping[str, Any], raw: bytes) -> Hint | None:
    """None if it says nothing about a connection."""
    layers = list(_layers(told))
    kinds = {layer.get("type") for layer in layers if isinstance(layer.get("type"), str)} & HINTS
    places = list(dict.fromkeys(place for layer in layers for place in _places(layer)))[:MOST_PLACES]
    if not kinds or not places or _is_about_people(layers):
        return None
    return Hint(
        event_id=_text(told.get("event_id")) or hashlib.sha256(raw).hexdigest(),
        places=places,
        app_id=_text(told.get("api_app_id")),
        is_removal=REMOVAL in kinds,
    )


def _layers(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The envelope, the event in it and, in some, another event in that."""
    layer: object = told
    for _ in range(3):
        if not isinstance(layer, dict):
            return
        yield layer
        layer = layer.get("event")


def _places(layer: Mapping[str, Any]) -> Iterator[str]:
    listed = layer.get("team_ids")
    candidates: list[object] = [layer.get("team_id"), layer.get("enterprise_id")]
    candidates += listed if isinstance(listed, list) else []
    given = layer.get("authorizations")
    for each in given if isinstance(given, list) else []:
        if isinstance(each, dict):
            candidates += [each.get("team_id"), each.get("enterprise_id")]
    yield from (place for place in candidates if isinstance(place, str) and ID.fullmatch(place))


def _is_about_people(layers: list[Mapping[str, Any]]) -> bool:
    """Whether only tokens of people were revoked, and none of a bot: that does not affect ours."""
    tokens = next((layer["tokens"] for layer in layers if isinstance(layer.get("tokens"), dict)), None)
    return tokens is not None and not tokens.get("bot")


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 100 else ""
