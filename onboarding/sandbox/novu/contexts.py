"""Novu's rules for a context: which payloads it takes, and the keys it makes of them."""

from __future__ import annotations

import json
import re
from typing import Any, Final

MOST: Final = 5
LARGEST_DATA: Final = 64 * 1024
_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,100}")
STRUCTURE: Final = (
    "Invalid context payload structure. Expected object with context types as keys"
    " and string IDs or {id, data} objects as values"
)


def complaint(payload: Any) -> str | None:
    if not isinstance(payload, dict) or not payload or not all(map(_is_entry, payload.values())):
        return STRUCTURE
    if len(payload) > MOST:
        return f"Too many contexts: {len(payload)} provided, maximum allowed is {MOST}"
    for type_, entry in payload.items():
        size = _data_size(entry)
        if size > LARGEST_DATA:
            return f"Context '{type_}' Data is too large: {-(-size // 1024)}KB exceeds 64KB limit"
    return None


def keyed(payload: dict[str, Any] | None) -> dict[str, Any]:
    """Data by `type:id` key, in the order given."""
    entries = ((type_, each if isinstance(each, dict) else {"id": each}) for type_, each in (payload or {}).items())
    return {f"{type_}:{entry['id']}": entry.get("data", {}) for type_, entry in entries}


def _is_entry(entry: Any) -> bool:
    if isinstance(entry, dict):
        return _is_id(entry.get("id")) and isinstance(entry.get("data", {}), dict)
    return _is_id(entry)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _data_size(entry: Any) -> int:
    data = entry.get("data", {}) if isinstance(entry, dict) else {}
    return len(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode())
