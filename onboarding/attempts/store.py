"""What is asked of Redis, one round trip each. A Redis in trouble is `StoreUnavailable`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final, cast

from onboarding import storage
from onboarding.attempts import record
from onboarding.attempts.steps import Step, seconds
from onboarding.errors import TooManyStarts
from onboarding.model import STATE_LIFETIME, Attempt, Event, LastConnection, Owner, Secret
from onboarding.storage import answering

PREFIX: Final = "onboarding"
UNDELIVERED: Final = f"{PREFIX}:undelivered"
SEQUENCE: Final = f"{PREFIX}:sequence"
MOST_STARTS: Final = 30
STARTS_WINDOW: Final = timedelta(hours=1)
ABANDONED_AFTER: Final = timedelta(hours=12)
LEASE: Final = timedelta(seconds=16)
"""How long one delivery may hold its owner: a little longer than it may take."""
MOST_SWEPT: Final = 100


class Claim(StrEnum):
    CLAIMED = "claimed"
    ALREADY_CLAIMED = "already_claimed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    OTHER_BROWSER = "other_browser"


class Take(StrEnum):
    TAKEN = "taken"
    SETTLED = "settled"
    EARLY = "early"
    BUSY = "busy"
    LOST = "lost"
    SUPERSEDED = "superseded"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to `take`. `wait` comes with busy; with taken, lost, superseded and behind comes all the rest."""

    take: Take
    attempt: Attempt | None = None
    sealed: str = ""
    lease: str | None = None
    wait: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Facts:
    """What matters about the Redis behind the store."""

    version: tuple[int, ...]
    is_primary: bool
    appends: bool
    evicts: bool


class Attempts:
    """The attempts of one deployment. `retention` is how long a finished one stays readable."""

    def __init__(self, url: Secret, retention: timedelta) -> None:
        self._redis = storage.connect(url)
        self.retention = retention
        self._start, self._claim, self._take, self._move, self._sweep = map(
            self._script, ("start", "claim", "take", "move", "sweep")
        )

    def ping(self) -> None:
        with answering():
            self._redis.ping()

    def facts(self) -> Facts:
        with answering():
            info = self._redis.info()
        return Facts(
            version=tuple(int(part) for part in str(info["redis_version"]).split(".")[:2]),
            is_primary=info["role"] == "master",
            appends=bool(info["aof_enabled"]),
            evicts=info["maxmemory_policy"] != "noeviction",
        )

    def start(self, attempt: Attempt) -> None:
        """Record a new attempt. Raises `TooManyStarts` when its link was started too often."""
        pairs = [part for pair in record.dump(attempt).items() for part in pair]
        limits = [MOST_STARTS, seconds(STARTS_WINDOW), seconds(ABANDONED_AFTER)]
        with answering():
            wait = self._start([_key("starts", attempt.link.id), _key("attempt", attempt.id)], [*limits, *pairs])
        if wait >= 0:
            raise TooManyStarts(retry_after=max(wait, 1))

    def claim(self, attempt_id: str, browser_hash: str, now: datetime) -> tuple[Claim, Attempt | None]:
        """Give the attempt to this callback, or say why not. Only a successful claim brings it along."""
        moments = [record.dump_moment(now), record.dump_moment(now - STATE_LIFETIME)]
        event = record.dump_event(Event(now, "returned"))
        with answering():
            answer, *flat = self._claim([_key("attempt", attempt_id)], [*moments, browser_hash, event])
        claim = Claim(answer)
        return claim, record.load(attempt_id, _pairs(flat), now) if claim is Claim.CLAIMED else None

    def get(self, attempt_id: str, now: datetime) -> Attempt | None:
        with answering():
            fields = cast("dict[str, str]", self._redis.hgetall(_key("attempt", attempt_id)))
        return record.load(attempt_id, fields, now) if fields else None

    def last_connection(self, owner: Owner) -> LastConnection | None:
        with answering():
            fields = cast("dict[str, str]", self._redis.hgetall(_key("connection", owner.identifier)))
        return record.load_connection(fields) if fields else None

    def take(self, attempt: Attempt, now: datetime) -> Taken:
        """Ask to deliver the attempt's grant now. At most one delivery per owner gets it at a time."""
        lease = secrets.token_hex(8)
        milliseconds = int(LEASE.total_seconds() * 1000)
        with answering():
            word, *rest = self._take(_keys(attempt), [attempt.id, lease, milliseconds, _key("attempt", "")])
        take = Take(word)
        if take is Take.BUSY:
            return Taken(take, wait=timedelta(milliseconds=max(rest[0], 0)))
        if not rest:
            return Taken(take)
        return Taken(take, record.load(attempt.id, _pairs(rest[1:]), now), rest[0], lease)

    def move(self, attempt: Attempt, step: Step, lease: str | None = None) -> bool:
        """Whether the attempt took the step; it does not where another process was faster. Returns the lease."""
        with answering():
            return bool(self._move([*_keys(attempt), UNDELIVERED, SEQUENCE], [attempt.id, step.to_json(lease)]))

    def overdue(self, pause: timedelta) -> list[str]:
        """Ids of attempts whose delivery should have happened by now, each at most once in a pause."""
        with answering():
            return list(self._sweep([UNDELIVERED], [MOST_SWEPT, seconds(pause), _key("attempt", "")]))

    def _script(self, name: str) -> Any:
        return self._redis.register_script(files(__package__).joinpath(f"{name}.lua").read_text("utf-8"))


def _keys(attempt: Attempt) -> list[str]:
    owner = attempt.link.owner.identifier
    own = [_key("attempt", attempt.id), _key("grant", attempt.id)]
    return [*own, _key("lease", owner), _key("connection", owner), _key("newest", owner)]


def _key(kind: str, name: str) -> str:
    return f"{PREFIX}:{kind}:{name}"


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
