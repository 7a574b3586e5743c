"""What happens when every thread is busy: load balancers and Prometheus are answered, everybody else is turned away.

Turning away takes a thread for a moment, too, so a few are kept for it. A request that runs in one of them finds
`turned_away` set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from flask import request

from onboarding.model.errors import OnboardingError

RETRY_AFTER: Final = 2
ANSWERED: Final = {"/livez", "/readyz", "/metrics"}

_turned_away: ContextVar[bool] = ContextVar("turned_away", default=False)


class Overloaded(OnboardingError):
    """Every thread is busy, and has been for a while."""


@contextmanager
def turning_away() -> Iterator[None]:
    before = _turned_away.set(True)
    try:
        yield
    finally:
        _turned_away.reset(before)


def refuse_if_turned_away() -> None:
    """Raises `Overloaded`."""
    if _turned_away.get() and request.path not in ANSWERED:
        raise Overloaded
