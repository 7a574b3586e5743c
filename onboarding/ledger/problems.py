"""Problem pages that belong to no attempt, by their support codes: a week of them, and never more than ten thousand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from onboarding.ephemeral.store import Redis, answering

PROBLEMS: Final = "onboarding:problems"
KEPT: Final = timedelta(days=7)
MOST: Final = 10_000

_NOTE: Final = """
-- Notes a problem and lets the oldest ones make room. KEYS: problems, this one. ARGV: code, moment, text, life, most.
if not redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4], 'NX') then return end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2] - ARGV[4])
local excess = redis.call('ZCARD', KEYS[1]) - ARGV[5]
if excess > 0 then
    for _, code in ipairs(redis.call('ZRANGE', KEYS[1], 0, excess - 1)) do
        redis.call('DEL', 'onboarding:problem:' .. code)
        redis.call('ZREM', KEYS[1], code)
    end
end
"""


@dataclass(frozen=True, slots=True)
class Noted:
    """What somebody was shown instead of what they wanted. `about` is a link's id, where there was one."""

    at: datetime
    status: int
    heading: str
    route: str
    about: str


class Problems:
    def __init__(self, client: Redis, most: int = MOST) -> None:
        self._redis = client
        self._most = most
        self._note = client.register_script(_NOTE)

    def note(self, code: str, noted: Noted) -> None:
        moment = noted.at.timestamp()
        text = json.dumps([moment, noted.status, noted.heading, noted.route, noted.about])
        with answering():
            self._note([PROBLEMS, _key(code)], [code, moment, text, int(KEPT.total_seconds()), self._most])

    def find(self, code: str) -> Noted | None:
        with answering():
            held = self._redis.get(_key(code))
        if held is None:
            return None
        moment, status, heading, route, about = json.loads(str(held))
        return Noted(datetime.fromtimestamp(moment, UTC), status, heading, route, about)


def _key(code: str) -> str:
    return f"onboarding:problem:{code}"
