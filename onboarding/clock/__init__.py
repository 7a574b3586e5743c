"""Time: what it is now, how long something may take, and the end of what takes too long. Standard library only."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)
