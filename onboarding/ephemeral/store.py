"""Opens Redis: one policy for every connection, and one exception for every trouble."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis import Redis
from redis.sentinel import Sentinel

from onboarding.model import Secret
from onboarding.model.errors import StoreUnavailable
from onboarding.settings.addresses import SENTINEL_SCHEME, sentinel_parts

__all__ = ["Redis", "answering", "connect"]

TIMEOUT: Final = 1.0

# redis-py retries by itself otherwise: a stalled Redis would hold a request for a minute.
POLICY: Final[dict[str, Any]] = {
    "socket_timeout": TIMEOUT,
    "socket_connect_timeout": TIMEOUT,
    "retry": None,
    "protocol": 2,
    "decode_responses": True,
}


def connect(url: Secret, **changes: Any) -> Redis:
    """A client for `REDIS_URL`. Connects on first use; finds the current primary through Sentinel."""
    policy = {**POLICY, **changes}
    if not url.reveal().startswith(SENTINEL_SCHEME):
        return Redis.from_url(url.reveal(), **policy)
    parts = sentinel_parts(url.reveal())
    sentinel = Sentinel(parts.hosts, sentinel_kwargs={"socket_timeout": TIMEOUT}, **policy)
    client: Redis = sentinel.master_for(parts.name, db=parts.db, username=parts.username, password=parts.password)
    return client


@contextmanager
def answering() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise StoreUnavailable(type(error).__name__) from error
