"""State nonces: single use, bound to one browser, found by their attempt's id. Redis never sees a state itself."""

from __future__ import annotations

import time
from datetime import timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Final

from onboarding.ephemeral.store import Redis, answering
from onboarding.model import CLAIM_GRACE, STATE_LIFETIME
from onboarding.model.errors import TooManyStarts

MOST_STARTS: Final = 30
WINDOW: Final = 3600
CLAIM_KEPT: Final = timedelta(hours=1)


class Claim(StrEnum):
    CLAIMED = "claimed"
    ALREADY_CLAIMED = "already_claimed"
    UNKNOWN = "unknown"
    OTHER_BROWSER = "other_browser"


class States:
    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._claim = client.register_script(files(__package__).joinpath("claim.lua").read_text("utf-8"))

    def ping(self) -> None:
        with answering():
            self._redis.ping()

    def begin(self, attempt_id: str, browser_hash: str, counted: str) -> None:
        """Remember a state until somebody comes back with it. Raises `TooManyStarts` if `counted` starts too many."""
        window, passed = divmod(int(time.time()), WINDOW)
        starts = f"onboarding:starts:{counted}:{window}"
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            pipe.set(starts, 0, nx=True, ex=WINDOW)
            pipe.incr(starts)
            pipe.set(_key(attempt_id), browser_hash, ex=STATE_LIFETIME + CLAIM_GRACE)
            _, count, _ = pipe.execute()
        if count > MOST_STARTS:
            raise TooManyStarts(retry_after=WINDOW - passed)

    def claim(self, attempt_id: str, browser_hash: str, came_with: str = "") -> Claim:
        """Ask to be the one callback that may go on. `came_with` stands for the code it has, if any."""
        with answering():
            answer = self._claim([_key(attempt_id)], [browser_hash, int(CLAIM_KEPT.total_seconds()), came_with])
        return Claim(answer)

    def claimed_with(self, attempt_id: str) -> str | None:
        """What the callback came with that claimed the state, as long as that is known."""
        with answering():
            held = str(self._redis.get(_key(attempt_id)) or "")
        return held.rpartition(":")[2] if held.startswith("claimed:") else None

    def claimed_for(self, attempt_id: str) -> timedelta | None:
        """How long ago the state was claimed, if it was."""
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            pipe.get(_key(attempt_id))
            pipe.ttl(_key(attempt_id))
            held, left = pipe.execute()
        return CLAIM_KEPT - timedelta(seconds=left) if str(held).startswith("claimed:") else None


def _key(attempt_id: str) -> str:
    return f"onboarding:state:{attempt_id}"
