"""Waiting for PostgreSQL to come back, if something that has happened elsewhere has to be recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from onboarding.clock.deadline import Deadline
from onboarding.model.errors import StoreUnavailable

PATIENCE: Final = 5.0
"""Seconds."""
T = TypeVar("T")


def patiently(ask: Callable[[], T], deadline: Deadline) -> T | None:
    """What PostgreSQL says in the end; None if it says nothing."""
    ends = time.monotonic() + min(PATIENCE, deadline.remaining)
    while True:
        try:
            return ask()
        except StoreUnavailable:
            if time.monotonic() > ends:
                return None
            time.sleep(0.2)
