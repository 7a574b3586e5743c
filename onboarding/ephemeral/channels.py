"""The public channels of a workspace as Slack listed them a moment ago, so that searching does not list them anew."""

from __future__ import annotations

import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from onboarding.ephemeral.store import Redis, answering

KEPT: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read so far: ids and names in Slack's order.

    `next` is where Slack's list goes on: empty for its beginning, None at its end.
    """

    channels: tuple[tuple[str, str], ...]
    next: str | None


class KnownChannels:
    def __init__(self, client: Redis) -> None:
        self._redis = client

    def get(self, connection: str, team: str) -> Read | None:
        with answering():
            held = self._redis.get(_key(connection, team))
        if held is None:
            return None
        rows, after = json.loads(zlib.decompress(b64decode(str(held))))
        return Read(tuple((channel, name) for channel, name in rows), after)

    def put(self, connection: str, team: str, read: Read) -> None:
        packed = zlib.compress(json.dumps([read.channels, read.next]).encode(), 1)
        with answering():
            self._redis.set(_key(connection, team), b64encode(packed).decode(), ex=KEPT)


def _key(connection: str, team: str) -> str:
    return f"onboarding:channels:{hashlib.sha256(json.dumps([connection, team]).encode()).hexdigest()[:32]}"
