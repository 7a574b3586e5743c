"""Changes how connections and endpoints look in an answer that is otherwise finished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from onboarding.sandbox.novu.answer import Answer

Row = dict[str, Any]
UNKNOWN_PROVIDER: Final = "carrier-pigeon"


def redact(answer: Answer) -> Answer:
    """No token, and two fields more, as in https://github.com/novuhq/novu/pull/11621."""
    return _each(answer, _redacted)


def with_unknown_provider(answer: Answer) -> Answer:
    return _each(answer, lambda row: {**row, "providerId": UNKNOWN_PROVIDER})


def with_extra_fields(answer: Answer) -> Answer:
    return _each(answer, _extended)


def _each(answer: Answer, change: Callable[[Row], Row]) -> Answer:
    """One row or a list of them is always under `data`; an empty body has none."""
    if answer.body is None:
        return answer
    held = answer.body["data"]
    changed = [change(row) for row in held] if isinstance(held, list) else change(held)
    return replace(answer, body={**answer.body, "data": changed})


def _redacted(row: Row) -> Row:
    """An endpoint holds no token, so it stays as it is."""
    if "auth" not in row:
        return row
    mode = "shared" if row["subscriberId"] is None else "subscriber"
    connected = bool(row["auth"]["accessToken"])
    return {**row, "auth": {"accessToken": ""}, "connected": connected, "connectionMode": mode}


def _extended(row: Row) -> Row:
    more: Row = {"futureField": {"nested": [1, None]}}
    inside = {name: row[name] for name in ("workspace", "auth", "endpoint") if isinstance(row.get(name), dict)}
    return {**row, **more, **{name: {**held, **more} for name, held in inside.items()}}
