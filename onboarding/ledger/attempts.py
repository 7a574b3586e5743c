"""What is asked of Redis, one round trip each. A Redis in trouble is `StoreUnavailable`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, cast

from onboarding.ephemeral.store import Redis, answering
from onboarding.ledger import record, terms
from onboarding.ledger.scripts import PREFIX, register
from onboarding.ledger.steps import DELIVERY_KEPT, Step, seconds
from onboarding.model import CLAIM_GRACE, DISCONNECTED, STATE_LIFETIME, Attempt, Event, InstallLink, LastConnection
from onboarding.model.errors import LinkRevoked, TooManyStarts

UNDELIVERED: Final = f"{PREFIX}:undelivered"
SEQUENCE: Final = f"{PREFIX}:sequence"
MOST_STARTS: Final = 30
STARTS_WINDOW: Final = timedelta(hours=1)
ABANDONED_AFTER: Final = timedelta(hours=12)
LEASE: Final = timedelta(seconds=16)
"""How long one delivery may hold its owner: a little longer than it may take."""
MOST_SWEPT: Final = 100
REVOKED: Final = -2


class Claim(StrEnum):
    CLAIMED = "claimed"
    ALREADY_CLAIMED = "already_claimed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    OTHER_BROWSER = "other_browser"
    REVOKED = "revoked"


class Take(StrEnum):
    TAKEN = "taken"
    SETTLED = "settled"
    EARLY = "early"
    BUSY = "busy"
    LOST = "lost"
    SUPERSEDED = "superseded"
    DISCONNECTED = "disconnected"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to `take`. `wait` comes with busy; with all but settled and early comes all the rest."""

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

    def __init__(self, client: Redis, retention: timedelta) -> None:
        self._redis = client
        self.retention = retention
        self._start, self._claim, self._take, self._move, self._sweep, self._release, self._forget = (
            register(client, name) for name in ("start", "claim", "take", "move", "sweep", "release", "forget")
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
        """Record a new attempt. Raises `LinkRevoked`, or `TooManyStarts` when its link was started too often."""
        pairs = [part for pair in record.dump(attempt).items() for part in pair]
        keys = [_key("starts", attempt.link.id), _key("attempt", attempt.id), _key("revoked", attempt.link.id)]
        with answering():
            wait = self._start(keys, [attempt.id, _beginning(attempt, self.retention), *pairs])
        if wait == REVOKED:
            raise LinkRevoked(attempt.link.id)
        if wait >= 0:
            raise TooManyStarts(retry_after=max(wait, 1))

    def claim(self, attempt_id: str, browser_hash: str, now: datetime) -> tuple[Claim, Attempt | None]:
        """Give the attempt to this callback, or say why not. Only a successful claim brings it along."""
        moments = [record.dump_moment(now), record.dump_moment(now - STATE_LIFETIME)]
        event = record.dump_event(Event(now, "returned"))
        with answering():
            answer, *flat = self._claim(
                [_key("attempt", attempt_id)], [*moments, browser_hash, event, attempt_id, seconds(CLAIM_GRACE) + 1]
            )
        claim = Claim(answer)
        return claim, record.load(attempt_id, record.pairs(flat), now) if claim is Claim.CLAIMED else None

    def get(self, attempt_id: str, now: datetime) -> Attempt | None:
        with answering():
            fields = cast("dict[str, str]", self._redis.hgetall(_key("attempt", attempt_id)))
        return record.load(attempt_id, fields, now) if fields else None

    def revoke(self, link_id: str, life: timedelta) -> None:
        """Let nobody start from this link or come back from Slack any more, for as long as it could still live."""
        with answering():
            self._redis.set(_key("revoked", link_id), "1", ex=life)

    def revoked(self, link_ids: Sequence[str]) -> set[str]:
        """Which of the links are revoked."""
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            for link_id in link_ids:
                pipe.exists(_key("revoked", link_id))
            return {link_id for link_id, is_revoked in zip(link_ids, pipe.execute(), strict=True) if is_revoked}

    def last_connection(self, link: InstallLink) -> LastConnection | None:
        """What the link's owner was last connected to. Raises `LinkRevoked`."""
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            pipe.exists(_key("revoked", link.id))
            pipe.hgetall(_key("connection", link.owner.identifier))
            is_revoked, fields = pipe.execute()
        if is_revoked:
            raise LinkRevoked(link.id)
        return record.load_connection(fields) if "attempt" in fields else None

    def hold(self, owner: str) -> str | None:
        """Keep deliveries away from an owner, named by its identifier, for as long as a delivery may take."""
        lease = secrets.token_hex(8)
        with answering():
            return lease if self._redis.set(_key("lease", owner), lease, nx=True, px=LEASE) else None

    def owner_of(self, connection: str) -> str:
        """Whose a connection identifier is: usually its own, unless the link chose another."""
        with answering():
            return str(self._redis.get(_key("owner", connection)) or connection)

    def release(self, owner: str, lease: str) -> None:
        with answering():
            self._release([_key("lease", owner)], [lease])

    def forget_connection(self, owner: str, lease: str, now: datetime) -> None:
        """The owner is connected to nothing any more, whatever was granted before. Returns the lease."""
        event = record.dump_event(Event(now, DISCONNECTED))
        names = ("lease", "connection", "waiting", "connected")
        keys = [*(_key(name, owner) for name in names), SEQUENCE]
        with answering():
            self._forget(keys, [lease, seconds(max(self.retention, DELIVERY_KEPT)), event])

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
        return Taken(take, record.load(attempt.id, record.pairs(rest[1:]), now), rest[0], lease)

    def move(self, attempt: Attempt, step: Step, lease: str | None = None) -> bool:
        """Whether the attempt took the step; it does not where another process was faster. Returns the lease."""
        with answering():
            owner = attempt.link.owner.identifier
            own = [_key("waiting", owner), _key("connected", owner), _key("owner", attempt.link.identifier)]
            keys = [*_keys(attempt), UNDELIVERED, SEQUENCE, *own]
            return bool(self._move(keys, [attempt.id, step.to_json(lease, terms.period(self.retention))]))

    def overdue(self, pause: timedelta) -> list[str]:
        """Ids of attempts whose delivery should have happened by now, each at most once in a pause."""
        with answering():
            return list(self._sweep([UNDELIVERED], [MOST_SWEPT, seconds(pause), _key("attempt", "")]))


def _beginning(attempt: Attempt, retention: timedelta) -> str:
    """What a new attempt comes with, as `start.lua` reads it."""
    return json.dumps(
        {
            "most": MOST_STARTS,
            "window": seconds(STARTS_WINDOW),
            "life": seconds(ABANDONED_AFTER),
            "open_for": seconds(STATE_LIFETIME) + 1,
            "started_at": record.dump_moment(attempt.started_at),
            "lists": record.lists_of(attempt.link),
            "keep": seconds(retention),
            "terms": terms.of_link(attempt.link),
            "period": terms.period(retention),
        }
    )


def _keys(attempt: Attempt) -> list[str]:
    owner = attempt.link.owner.identifier
    own = [_key("attempt", attempt.id), _key("grant", attempt.id)]
    return [*own, _key("lease", owner), _key("connection", owner), _key("newest", owner)]


def _key(kind: str, name: str) -> str:
    return f"{PREFIX}:{kind}:{name}"
