"""Work that is due: a row for each kind and subject, taken under a lease.

`due_at` is the schedule and, once taken, the end of the lease: what a dead worker held is due again by itself. `take`
fences: whoever lost its lease changes nothing any more. Tries are counted when work is taken, so that work that kills
its worker is slowed down too. The state of attempts is the truth; `rebuild` makes the rows anew from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from onboarding.ledger.postgres import Postgres
from onboarding.ledger.statement import STANDING, frequent

LEASE: Final = timedelta(seconds=20)
MANY_TRIES: Final = 3
"""Work that did not come to its end so often is taken less and less often, and shown to operators."""
FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(minutes=15)
LONGEST_ERROR: Final = 300
HEARTBEAT: Final = timedelta(seconds=10)
SILENCE: Final = 3 * HEARTBEAT
"""A worker that gave no sign of life for so long is not there."""
MOST_LOOKED: Final = 5_000
"""Connections or events at once; the next ones follow in a minute."""
START: Final = (datetime.min.replace(tzinfo=UTC), "")
MOST_COUNTED: Final = 1000
MOST_SHOWN: Final = 5
DUE_ANEW: Final = """
    ON CONFLICT (kind, subject) DO UPDATE SET
        due_at = excluded.due_at, since = now(), tries = 0, take = nextval('work_take'), last_error = NULL
"""
"""After an INSERT: work that is there already is due as if it were new, and whoever has it loses it."""
DUE_SOONER: Final = """
    ON CONFLICT (kind, subject) DO UPDATE SET due_at = least(w.due_at, excluded.due_at),
        since = now(), tries = 0, take = nextval('work_take'), last_error = NULL
"""
"""After an INSERT INTO work AS w: the same, and what is due sooner stays so."""

_TAKE: Final = frequent("""
    WITH want AS (SELECT * FROM unnest(%(kinds)s::text[], %(free)s::int[]) AS w (kind, free)),
    picked AS (
        SELECT w.kind, w.subject FROM want CROSS JOIN LATERAL (
            SELECT kind, subject FROM work WHERE work.kind = want.kind AND due_at <= now()
                AND NOT EXISTS (SELECT FROM event WHERE want.kind = 'webhook' AND event.id = work.subject
                                AND data ->> 'integrationIdentifier' = ANY (%(crowded)s::text[]))
            ORDER BY due_at LIMIT want.free FOR UPDATE SKIP LOCKED) w
        LIMIT %(most)s
    )
    UPDATE work SET tries = tries + 1, take = nextval('work_take'),
        due_at = now() + %(lease)s * (1 + 0.1 * random()) * power(2, greatest(0, least(tries - %(many)s, 8)))
    FROM picked WHERE work.kind = picked.kind AND work.subject = picked.subject
    RETURNING work.kind, work.subject, work.take, work.tries
""")


class Kind(StrEnum):
    DELIVER = "deliver"
    DESTINATION = "destination"
    DISCONNECT = "disconnect"
    WEBHOOK = "webhook"
    CHECK = "check"
    REVOKE = "revoke"
    EXPIRE = "expire"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work that is ours for as long as its lease lasts."""

    kind: Kind
    subject: str
    take: int
    tries: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """Work that was taken again and again and never came to its end."""

    kind: str
    subject: str
    tries: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much is overdue and since when, how many workers are there, and what is stuck."""

    due: int
    oldest: datetime | None
    workers: int
    stuck: tuple[Stuck, ...]


class Work:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._checks_up_to = ""
        self._events_up_to = START

    def take(self, free: Mapping[Kind, int], most: int, crowded: Sequence[str] = ()) -> list[Job]:
        """Take what is due, of each kind at most as many as are free, and no more than `most` in all.

        No events about `crowded` integrations: as many as may be are on their way there.
        """
        rows = self._postgres.rows(
            _TAKE,
            {
                "kinds": [kind.value for kind in free],
                "free": list(free.values()),
                "most": most,
                "crowded": list(crowded),
                "lease": LEASE,
                "many": MANY_TRIES,
            },
        )
        return [Job(Kind(kind), subject, take, tries) for kind, subject, take, tries in rows]

    def done(self, job: Job) -> None:
        self._postgres.run(
            "DELETE FROM work WHERE kind = %(kind)s AND subject = %(subject)s AND take = %(take)s", _fence(job)
        )

    def again(self, job: Job, after: timedelta) -> None:
        """It came to its end, and is due again after a while."""
        self._postgres.run(
            """
            UPDATE work SET due_at = now() + %(after)s, since = now(), tries = 0, last_error = NULL
            WHERE kind = %(kind)s AND subject = %(subject)s AND take = %(take)s
            """,
            {**_fence(job), "after": after},
        )

    def later(self, job: Job, error: str, at_least: timedelta = FIRST_WAIT) -> None:
        """It could not be done now, and nobody here is to blame: due again after as long as it has taken so far."""
        self._postgres.run(
            """
            UPDATE work SET tries = 0, last_error = %(error)s, due_at =
                now() + greatest(%(least)s, least(now() - since, %(longest)s)) * (1 + 0.2 * random())
            WHERE kind = %(kind)s AND subject = %(subject)s AND take = %(take)s
            """,
            {**_fence(job), "error": error[:LONGEST_ERROR], "least": at_least, "longest": LONGEST_WAIT},
        )

    def failed(self, job: Job, error: str) -> None:
        """It broke: it stays due at the end of its lease, and says why."""
        self._postgres.run(
            """
            UPDATE work SET last_error = %(error)s
            WHERE kind = %(kind)s AND subject = %(subject)s AND take = %(take)s
            """,
            {**_fence(job), "error": error[:LONGEST_ERROR]},
        )

    def rebuild(self, check_interval: timedelta) -> int:
        """Make every row that is missing. Gives how many were; there should be none."""
        made = self._postgres.rows(
            f"""
            INSERT INTO work (kind, subject)
            SELECT 'deliver', id FROM attempt WHERE {STANDING} = 'granted'
                AND NOT EXISTS (SELECT FROM work WHERE kind = 'deliver' AND subject = attempt.id)
            UNION ALL SELECT 'destination', owner FROM destination WHERE number <> settled
                AND NOT EXISTS (SELECT FROM work WHERE kind = 'destination' AND subject = owner)
            UNION ALL SELECT 'disconnect', owner FROM ending
                WHERE NOT EXISTS (SELECT FROM work WHERE kind = 'disconnect' AND subject = owner)
            UNION ALL SELECT 'revoke', id FROM attempt WHERE status = 'expired' AND sealed IS NOT NULL
                AND NOT EXISTS (SELECT FROM work WHERE kind = 'revoke' AND subject = attempt.id)
            UNION ALL VALUES ('expire', ''), ('forget', '')
            ON CONFLICT DO NOTHING RETURNING kind
            """
        )
        self._rebuild_checks(check_interval)
        return sum(kind not in {Kind.EXPIRE, Kind.FORGET} for (kind,) in made) + self._rebuild_events()

    def _rebuild_events(self) -> int:
        """Events that are tried again, and of each owner the one that is sent next. Looks at some at once, too."""
        number, *last, are_more = self._postgres.row(
            f"""
            WITH looked AS (
                SELECT id, owner, sequence, tries, at FROM event
                WHERE {STANDING} = 'pending' AND (at, id) > (%(at)s, %(id)s) ORDER BY at, id LIMIT %(most)s
            ), made AS (
                INSERT INTO work (kind, subject) SELECT 'webhook', id FROM looked
                WHERE NOT EXISTS (SELECT FROM work WHERE kind = 'webhook' AND subject = looked.id)
                    AND (tries > 0 OR NOT EXISTS (
                        SELECT FROM event e WHERE e.owner = looked.owner AND e.sequence < looked.sequence
                            AND e.status = 'pending' AND e.tries = 0))
                ON CONFLICT DO NOTHING RETURNING kind
            )
            SELECT (SELECT count(*) FROM made), max(at), (array_agg(id ORDER BY at DESC, id DESC))[1],
                count(*) = %(most)s FROM looked
            """,
            {"at": self._events_up_to[0], "id": self._events_up_to[1], "most": MOST_LOOKED},
        ) or (0, None, None, False)
        self._events_up_to = (last[0], last[1]) if are_more else START
        return int(number)

    def _rebuild_checks(self, interval: timedelta) -> None:
        """Connections from before there were checks, or from when nobody wanted any; spread over the interval.

        Looks at some at once, and goes on from there the next time.
        """
        if not interval:
            return
        row = self._postgres.row(
            """
            WITH looked AS (
                SELECT owner, state FROM connection WHERE owner > %(after)s ORDER BY owner LIMIT %(most)s
            ), made AS (
                INSERT INTO work (kind, subject, due_at)
                SELECT 'check', owner, now() + %(interval)s * random() FROM looked WHERE state <> 'ended'
                    AND NOT EXISTS (SELECT FROM work WHERE kind = 'check' AND subject = looked.owner)
                ON CONFLICT DO NOTHING
            )
            SELECT max(owner) FROM looked HAVING count(*) = %(most)s
            """,
            {"interval": interval, "after": self._checks_up_to, "most": MOST_LOOKED},
        )
        self._checks_up_to = row[0] if row else ""

    def beat(self, worker_id: str) -> None:
        """A worker's sign of life."""
        self._postgres.run(
            """
            WITH gone AS (DELETE FROM worker WHERE seen_at < now() - interval '1 day')
            INSERT INTO worker (id, seen_at) VALUES (%(id)s, now()) ON CONFLICT (id) DO UPDATE SET seen_at = now()
            """,
            {"id": worker_id},
        )

    def leave(self, worker_id: str) -> None:
        self._postgres.run("DELETE FROM worker WHERE id = %(id)s", {"id": worker_id})

    def backlog(self) -> Backlog:
        row = self._postgres.row(
            """
            SELECT count(*), min(due_at),
                (SELECT count(*) FROM worker WHERE seen_at > now() - %(silence)s)
            FROM (SELECT due_at FROM work WHERE kind = 'deliver' AND due_at <= now() ORDER BY due_at LIMIT %(most)s) due
            """,
            {"silence": SILENCE, "most": MOST_COUNTED},
        )
        stuck = self._postgres.all(
            Stuck,
            """
            SELECT kind, subject, tries, last_error FROM work WHERE tries > %(many)s
            ORDER BY tries DESC LIMIT %(shown)s
            """,
            {"many": MANY_TRIES, "shown": MOST_SHOWN},
        )
        due, oldest, workers = row or (0, None, 0)
        return Backlog(due, oldest, workers, tuple(stuck))


def _fence(job: Job) -> dict[str, str | int]:
    return {"kind": job.kind.value, "subject": job.subject, "take": job.take}
