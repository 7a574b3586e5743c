"""Whether the Redis behind `REDIS_URL` can be used, each problem in words that follow the setting's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from onboarding.ephemeral.store import Redis, answering
from onboarding.model.errors import StoreUnavailable

OLDEST: Final = (6, 2)


def problems(client: Redis) -> Iterator[str]:
    """Ask the server. What a managed Redis does not tell is taken to be right."""
    try:
        with answering():
            info = client.info("server") | client.info("replication")
    except StoreUnavailable as error:
        yield f"Redis does not answer ({error.detail})"
        return
    version = tuple(int(part) for part in str(info.get("redis_version", "7.0")).split(".")[:2])
    if version < OLDEST:
        yield f"Redis is {'.'.join(map(str, version))}; 6.2 or newer is needed"
    if info.get("role", "master") != "master":
        yield "this Redis is a replica; name its primary, or Sentinel"
