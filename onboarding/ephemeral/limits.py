"""How often somebody may do something, counted in Redis for all processes together."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from onboarding.ephemeral.store import NAME, Redis
from onboarding.model.errors import StoreUnavailable, TooOften

SIGN_INS: Final = RateLimitItemPerMinute(5, namespace="sign-in")
SINGLE_SIGN_ONS: Final = RateLimitItemPerMinute(5, namespace="single-sign-on")
API_CALLS: Final = RateLimitItemPerMinute(600, namespace="api")


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that somebody may do only so often."""

    item: RateLimitItem
    who: str


class Limits:
    def __init__(self, client: Redis) -> None:
        storage = RedisStorage("redis://", client.connection_pool, key_prefix="onboarding:limit", wrap_exceptions=True)
        self._limiter = MovingWindowRateLimiter(storage)

    def spend(self, limit: Limit) -> None:
        """Count one. Raises `TooOften` when it is one too many."""
        try:
            if self._limiter.hit(limit.item, limit.who):
                return
            reset_at = self._limiter.get_window_stats(limit.item, limit.who).reset_time
        except StorageError as error:
            raise StoreUnavailable(NAME, type(error.storage_error).__name__) from error
        raise TooOften(max(1, math.ceil(reset_at - time.time())))

    def forgive(self, limit: Limit) -> None:
        """Forget what was counted."""
        try:
            self._limiter.clear(limit.item, limit.who)
        except StorageError as error:
            raise StoreUnavailable(NAME, type(error.storage_error).__name__) from error
