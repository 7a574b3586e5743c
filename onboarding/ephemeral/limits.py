"""How often somebody may do something, counted in Redis for all processes together."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from onboarding.ephemeral.store import NAME, Redis
from onboarding.model.errors import StoreUnavailable, TooOften

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import RateLimiter


@dataclass(frozen=True, slots=True)
class Rate:
    """So many times a minute."""

    name: str
    a_minute: int


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that somebody may do only so often."""

    rate: Rate
    who: str

    def item(self) -> RateLimitItem:
        from limits import RateLimitItemPerMinute  # noqa: PLC0415 (see Limits)

        return RateLimitItemPerMinute(self.rate.a_minute, namespace=self.rate.name)


SIGN_INS: Final = Rate("sign-in", 5)
SINGLE_SIGN_ONS: Final = Rate("single-sign-on", 5)
API_CALLS: Final = Rate("api", 600)
TEST_MESSAGES: Final = Rate("test-message", 3)
STATUS_READS: Final = Rate("status", 60)


class Limits:
    """The library is imported by the first who is counted: it takes a while, and installing an app needs none of it."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def spend(self, limit: Limit) -> None:
        """Count one. Raises `TooOften` when it is one too many."""
        item = limit.item()
        with self._counting():
            if self._limiter.hit(item, limit.who):
                return
            reset_at = self._limiter.get_window_stats(item, limit.who).reset_time
        raise TooOften(max(1, math.ceil(reset_at - time.time())))

    def forgive(self, limit: Limit) -> None:
        """Forget what was counted."""
        with self._counting():
            self._limiter.clear(limit.item(), limit.who)

    @cached_property
    def _limiter(self) -> RateLimiter:
        from limits.storage import RedisStorage  # noqa: PLC0415
        from limits.strategies import MovingWindowRateLimiter  # noqa: PLC0415

        storage = RedisStorage("redis://", key_prefix="onboarding:limit", wrap_exceptions=True)
        storage.storage = self._client  # it takes a pool or an address only, and a cluster has many pools
        storage.initialize_storage("")
        return MovingWindowRateLimiter(storage)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        from limits.errors import StorageError  # noqa: PLC0415

        try:
            yield
        except StorageError as error:
            raise StoreUnavailable(NAME, type(error.storage_error).__name__) from error
