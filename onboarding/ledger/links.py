"""The install links that were minted here, newest first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from onboarding.ephemeral.store import Redis, answering
from onboarding.model import InstallLink
from onboarding.signing.links import from_payload, to_payload

LINKS: Final = "onboarding:links"
KEPT: Final = timedelta(days=7)
"""How long a link stays in the list after it has expired."""


@dataclass(frozen=True, slots=True)
class Minted:
    link: InstallLink
    at: datetime
    by: str


class MintedLinks:
    """`max_age` is the longest that a link can live."""

    def __init__(self, client: Redis, max_age: timedelta) -> None:
        self._redis = client
        self._max_age = max_age

    def add(self, link: InstallLink, by: str, now: datetime) -> None:
        moment = now.timestamp()
        fields: dict[Any, Any] = {"link": json.dumps(to_payload(link)), "at": str(moment), "by": by}
        with answering(), self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(_key(link.id), mapping=fields)
            pipe.expireat(_key(link.id), link.expires_at + KEPT)
            pipe.zadd(LINKS, {link.id: moment})
            pipe.zremrangebyscore(LINKS, "-inf", (now - self._max_age - KEPT).timestamp())
            pipe.execute()

    def remove(self, link_id: str) -> None:
        with answering(), self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(_key(link_id))
            pipe.zrem(LINKS, link_id)
            pipe.execute()

    def get(self, link_id: str) -> Minted | None:
        with answering():
            fields = cast("dict[str, str]", self._redis.hgetall(_key(link_id)))
        return _read(fields) if fields else None

    def page(self, limit: int, after: str | None) -> tuple[list[Minted], str | None]:
        """The links after the one with this id, newest first, and where the next page goes on."""
        with answering():
            rank = self._redis.zrevrank(LINKS, after) if after else None
            first = int(cast("int", rank)) + 1 if rank is not None else 0
            ids = cast("list[str]", self._redis.zrevrange(LINKS, first, first + limit))
        return self._read_all(ids[:limit]), ids[limit - 1] if len(ids) > limit else None

    def _read_all(self, ids: Sequence[str]) -> list[Minted]:
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            for link_id in ids:
                pipe.hgetall(_key(link_id))
            return [_read(fields) for fields in pipe.execute() if fields]


def _read(fields: Mapping[str, str]) -> Minted:
    at = datetime.fromtimestamp(float(fields["at"]), UTC)
    return Minted(from_payload(json.loads(fields["link"])), at, fields["by"])


def _key(link_id: str) -> str:
    return f"onboarding:link:{link_id}"
