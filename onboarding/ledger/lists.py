"""Reads the lists that the scripts keep: pages of attempts, what a search leads to, how many stand where, each day."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, cast

from onboarding.ephemeral.store import Redis, answering
from onboarding.ledger import record, terms
from onboarding.ledger.scripts import PREFIX, register
from onboarding.ledger.terms import Match
from onboarding.model import Attempt, Reason
from onboarding.model.errors import CursorMalformed

LIST: Final = f"{PREFIX}:list:"
DAY: Final = f"{PREFIX}:day:"
MOST_LOOKED_AT: Final = 2000
MOST_LAPSED: Final = 200
MOST_MATCHES: Final = 20
ANY_TEXT_AFTER: Final = "\U0010ffff"


class Standing(StrEnum):
    """Where attempts can stand. `pending` is started or granted, `waiting` failed with a grant that can be retried."""

    STARTED = "started"
    GRANTED = "granted"
    CONNECTED = "connected"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"
    PENDING = "pending"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which attempts to list: those to which everything given applies. `after` is the cursor of an earlier page."""

    standing: Standing | None = None
    reason: Reason | None = None
    subscriber_id: str | None = None
    context: str | None = None
    workspace_id: str | None = None
    integration: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    after: str | None = None

    @property
    def lists(self) -> list[str]:
        given = {
            "status": self.standing,
            "reason": self.reason,
            "subscriber": self.subscriber_id,
            "context": self.context,
            "workspace": self.workspace_id,
            "integration": self.integration,
        }
        return [f"{name}:{value}" for name, value in given.items() if value] or ["all"]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a list. `total` is known where one list says it all; `next` may lead to an empty page."""

    attempts: tuple[Attempt, ...]
    next: str | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Day:
    """What became of the attempts that were started on one day, in UTC."""

    date: date
    started: int
    returned: int
    granted: int
    connected: int
    lost: Mapping[Reason, int]


class Lists:
    """The lists of one deployment's attempts. Each question is one round trip."""

    def __init__(self, client: Redis, retention: timedelta) -> None:
        self._redis = client
        self._retention = retention
        self._find, self._lapse = register(client, "find"), register(client, "lapse")

    def find(self, wanted: Wanted, now: datetime) -> Found:
        """A page, newest first. Looks at a bounded number of attempts: a page may come short and still have a next."""
        since, until = (record.dump_moment(each) if each else "" for each in (wanted.since, wanted.until))
        bounds = [since or "-inf", until or "+inf", wanted.limit, MOST_LOOKED_AT]
        keys = [LIST + name for name in wanted.lists]
        with answering():
            last, start, total, rows = self._find(keys, [*_read_cursor(wanted.after), *bounds])
        return Found(
            attempts=tuple(record.load(id_, record.pairs(flat), now) for id_, flat in rows),
            next=f"{int(start)}.{last}" if last else None,
            total=int(total) if total != "" else None,
        )

    def each(self, wanted: Wanted, now: datetime) -> Iterator[Attempt]:
        """Every attempt of a list, page by page as they are asked for."""
        while True:
            page = self.find(wanted, now)
            yield from page.attempts
            if page.next is None:
                return
            wanted = replace(wanted, after=page.next)

    def counts(self, standings: Sequence[Standing]) -> dict[Standing, int]:
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            for standing in standings:
                pipe.zcard(f"{LIST}status:{standing}")
            return dict(zip(standings, pipe.execute(), strict=True))

    def days(self, today: date, number: int) -> list[Day]:
        """The last days, oldest first, today included."""
        dates = [today - timedelta(days=back) for back in range(number - 1, -1, -1)]
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            for each in dates:
                pipe.hgetall(f"{DAY}{(each - date(1970, 1, 1)).days}")
            rows = pipe.execute()
        return [_day(each, row) for each, row in zip(dates, rows, strict=True)]

    def oldest_undelivered(self) -> datetime | None:
        """When the attempt was started that waits longest for Novu."""
        with answering():
            row = cast("list[tuple[str, float]]", self._redis.zrange(f"{LIST}status:granted", 0, 0, withscores=True))
        return datetime.fromtimestamp(row[0][1] / 1000, UTC) if row else None

    def search(self, text: str, now: datetime) -> list[Match]:
        """What the text names, exactly or by the beginning of a word. An attempt's id comes as kind `attempt`."""
        exact = [
            Match("attempt", text, text),
            *(Match(kind, text, text) for kind in ("subscriber", "context")),
            Match("workspace", text.upper(), text.upper()),
        ]
        begin = terms.fold(text)
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            pipe.exists(f"{PREFIX}:attempt:{text}")
            for match in exact[1:]:
                pipe.exists(LIST + match.list)
            for each in terms.sets(now, self._retention):
                pipe.zrangebylex(each, f"[{begin}", f"({begin}{ANY_TEXT_AFTER}", 0, 5 * MOST_MATCHES)
            *exists, found, found_before = pipe.execute()
        hits = [match for match, is_there in zip(exact, exists, strict=True) if is_there]
        named = {match.list: match for match in map(terms.read, [*found_before, *found])}
        return hits or self._live(list(named.values())[:MOST_MATCHES])

    def lapse(self) -> int:
        """Note what time alone has changed, a bounded number of attempts at once. Gives how many."""
        with answering():
            return int(self._lapse([f"{PREFIX}:due"], [MOST_LAPSED, _REASONS]))

    def _live(self, matches: list[Match]) -> list[Match]:
        """Without those whose attempts are all gone."""
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            for match in matches:
                pipe.exists(LIST + match.list)
            return [match for match, is_there in zip(matches, pipe.execute(), strict=True) if is_there]


def _read_cursor(cursor: str | None) -> tuple[str, str]:
    """Id and start of the last attempt on the page before."""
    if cursor is None:
        return "", ""
    match = re.fullmatch(r"([0-9]{1,15})\.([A-Za-z0-9_-]{22})", cursor)
    if match is None:
        raise CursorMalformed(cursor)
    return match[2], match[1]


def _day(day: date, row: Mapping[str, str]) -> Day:
    lost = {Reason(name[5:]): int(number) for name, number in row.items() if name.startswith("lost:")}
    started, returned, granted, connected = (
        int(row.get(name, 0)) for name in ("started", "returned", "granted", "connected")
    )
    return Day(day, started, returned, granted, connected, {name: number for name, number in lost.items() if number})


_REASONS: Final = json.dumps([reason.value for reason in Reason])
