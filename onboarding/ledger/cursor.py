"""Where a page of a list ended: the moment and the id of its last row. Callers treat it as one opaque word."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from onboarding.model.errors import CursorMalformed

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read(cursor: str | None, id_pattern: str) -> tuple[datetime | None, str]:
    """Raises `CursorMalformed`."""
    if cursor is None:
        return None, ""
    match = re.fullmatch(rf"([0-9]{{1,17}})\.({id_pattern})", cursor)
    if match is None:
        raise CursorMalformed(cursor)
    return _EPOCH + timedelta(microseconds=int(match[1])), match[2]


def write(at: datetime, row_id: str) -> str:
    return f"{(at - _EPOCH) // timedelta(microseconds=1)}.{row_id}"
