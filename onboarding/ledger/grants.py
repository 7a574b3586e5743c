"""Sealed grants on their way to Novu: kept, taken by one delivery per owner at a time, postponed, and erased.

Every statement moves the attempt together with its owner's lease, its work and the connection that is made, or not
at all. Each is guarded by the attempt's status, so that repeating one that had been committed changes nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from onboarding.ledger import connected, terms
from onboarding.ledger.attempts import COLUMNS, Row
from onboarding.ledger.connected import Made
from onboarding.ledger.leases import BUSY_WAIT, LEASE
from onboarding.ledger.postgres import Postgres
from onboarding.ledger.statement import frequent
from onboarding.ledger.work import DUE_ANEW
from onboarding.model import GRANT_KEPT, Attempt, ConnectionMode, Grant, Reason, Status

SAFETY_NET: Final = timedelta(seconds=25)
"""When a worker looks after a grant that a request is about to deliver."""
SOON: Final = timedelta(seconds=2)
"""When a connection is checked whose token may have died before it was made."""
DELIVERY_KEPT: Final = GRANT_KEPT + timedelta(days=1)
"""How long an attempt on its way to Novu stays, at least: longer than anybody tries to deliver it."""

# Parts of the statements below. Whatever has at most one row is asked for with (SELECT …): the server plans a frequent
# statement once, perhaps when a table is small, and would read all of it in a join.
_RELEASE: Final = """
    released AS (
        UPDATE owner SET lease = NULL, leased_until = NULL
        WHERE id = (SELECT owner FROM moved) AND lease = %(lease)s)
"""
_DUE: Final = f"""
    due AS (
        INSERT INTO work (kind, subject, due_at)
        SELECT 'deliver', id, now() + %(wait)s FROM moved
        {DUE_ANEW})
"""
_NOT_DUE: Final = "done AS (DELETE FROM work WHERE kind = 'deliver' AND subject = (SELECT id FROM moved))"

_KEEP: Final = frequent(f"""
    WITH made AS (
        UPDATE attempt SET
            status = 'granted', reason = NULL, detail = '', returned_at = now() - %(back_for)s,
            workspace_id = %(workspace_id)s, workspace_name = %(workspace_name)s, app_id = %(app_id)s,
            installer_id = %(installer_id)s, grant_order = nextval('grant_order'), sealed = %(sealed)s,
            trying_since = now(), tries = 0, forget_at = now() + %(life)s,
            timeline = timeline || event('returned', NULL, now() - %(back_for)s)
                || event('granted', %(workspace_name)s)
        WHERE id = %(id)s AND (status IN ('started', 'expired')
            OR status IN ('cancelled', 'awaiting_approval', 'failed') AND grant_order IS NULL)
        RETURNING id, owner
    ), held AS (
        INSERT INTO owner AS o (id, lease, leased_until) SELECT owner, %(lease)s, now() + %(span)s FROM made
        ON CONFLICT (id) DO UPDATE SET lease = excluded.lease, leased_until = excluded.leased_until
        WHERE o.leased_until IS NULL OR o.leased_until <= now()
        RETURNING id
    ), words AS ({terms.LEARN}), due AS (
        INSERT INTO work (kind, subject, due_at)
        SELECT 'deliver', id, now() + CASE WHEN EXISTS (SELECT FROM held) THEN %(safety_net)s
                                           ELSE %(busy_wait)s END FROM made
        ON CONFLICT DO NOTHING
    )
    SELECT EXISTS (SELECT FROM held) FROM made
""")
_TAKE: Final = frequent(f"""
    WITH held AS (
        UPDATE owner SET lease = %(lease)s, leased_until = now() + %(span)s
        WHERE id = (SELECT owner FROM attempt WHERE id = %(id)s AND status = 'granted')
            AND (leased_until IS NULL OR leased_until <= now())
        RETURNING id, settled
    )
    SELECT {COLUMNS}, a.sealed, a.grant_order, held.settled,
        (SELECT state FROM connection c WHERE c.owner = a.owner) = 'ended'
            OR EXISTS (SELECT FROM ending e WHERE e.owner = a.owner) AS is_disconnected,
        EXISTS (SELECT FROM attempt newer WHERE newer.owner = a.owner AND newer.status = 'granted'
                AND newer.grant_order > a.grant_order) AS is_behind
    FROM attempt a LEFT JOIN held ON true WHERE a.id = %(id)s AND a.status = 'granted'
""")
_POSTPONE: Final = frequent(f"""
    WITH moved AS (
        UPDATE attempt SET detail = %(detail)s, tries = tries + 1,
            timeline = timeline || event('delivery_postponed', %(detail)s)
        WHERE id = %(id)s AND status = 'granted' RETURNING id, owner
    ), {_RELEASE}, {_DUE} SELECT FROM moved
""")
_FAIL: Final = frequent(f"""
    WITH moved AS (
        UPDATE attempt SET status = 'failed', reason = %(reason)s, detail = %(detail)s,
            sealed = CASE WHEN %(kept)s::interval IS NULL THEN NULL ELSE sealed END,
            sealed_until = now() + %(kept)s::interval, forget_at = now() + %(life)s,
            timeline = timeline || event('failed', %(told)s)
        WHERE id = %(id)s AND status = 'granted' RETURNING id, owner
    ), {_RELEASE}, {_NOT_DUE} SELECT FROM moved
""")


class Take(StrEnum):
    TAKEN = "taken"
    SETTLED = "settled"
    BUSY = "busy"
    LOST = "lost"
    SUPERSEDED = "superseded"
    DISCONNECTED = "disconnected"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to `take`: the attempt and its sealed grant come with every word but settled and busy."""

    take: Take
    attempt: Attempt | None = None
    sealed: str = ""


class Grants:
    def __init__(self, postgres: Postgres, retention: timedelta, check_interval: timedelta) -> None:
        self._postgres = postgres
        self._retention = retention
        self._check_interval = check_interval

    def keep(self, attempt_id: str, grant: Grant, sealed: str, lease: str, back_for: timedelta) -> bool | None:
        """Keep what Slack gave, due for delivery. Tells whether its owner's lease is ours; if not, a worker goes on.

        None: there is no such attempt. One that another return has ended without a grant is taken up again: Slack did
        say yes, and Redis has forgotten who was to ask.
        """
        kept = self._postgres.row(
            _KEEP,
            {
                **terms.parameters(terms.of_workspace(grant.workspace)),
                **connected.workspace_columns(grant.workspace, grant.app_id, grant.installer_id),
                "id": attempt_id,
                "lease": lease,
                "span": LEASE,
                "back_for": back_for,
                "sealed": sealed,
                "life": max(self._retention, DELIVERY_KEPT),
                "safety_net": SAFETY_NET,
                "busy_wait": BUSY_WAIT,
            },
        )
        return bool(kept[0]) if kept else self._was_kept(attempt_id, lease)

    def _was_kept(self, attempt_id: str, lease: str) -> bool | None:
        """Nothing moved, usually because the same statement had been committed and nobody could tell us."""
        found = self._postgres.row(
            """
            SELECT o.lease = %(lease)s FROM attempt a JOIN owner o ON o.id = a.owner
            WHERE a.id = %(id)s AND a.status = 'granted'
            """,
            {"id": attempt_id, "lease": lease},
        )
        return bool(found[0]) if found else None

    def take(self, attempt_id: str, lease: str) -> Taken:
        """Ask to deliver the attempt's grant now. At most one delivery per owner gets it at a time."""
        row = self._postgres.one(
            _Candidate,
            _TAKE,
            {"id": attempt_id, "lease": lease, "span": LEASE},
        )
        if row is None:
            return Taken(Take.SETTLED)
        word = row.word()
        return Taken(word) if word is Take.BUSY else Taken(word, row.attempt(), row.sealed or "")

    def postpone(self, attempt: Attempt, lease: str, wait: timedelta, detail: str) -> None:
        """Novu did not take it this time."""
        self._postgres.run(
            _POSTPONE,
            {"id": attempt.id, "lease": lease, "wait": wait, "detail": detail},
        )

    def wait(self, attempt_id: str) -> None:
        """Another delivery holds the owner: come back in a moment."""
        self._postgres.run(
            "UPDATE work SET due_at = now() + %(wait)s, tries = 0 WHERE kind = 'deliver' AND subject = %(id)s",
            {"id": attempt_id, "wait": BUSY_WAIT},
        )

    def connect(self, attempt: Attempt, made: Made, lease: str, back_for: timedelta = timedelta(0)) -> bool:
        """Novu has it: the grant is erased, and whatever the same owner had left open is settled.

        Tells whether that changed anything: not if it had been recorded before, or if there is no such attempt.
        """
        statement, values = connected.statement(made)
        return bool(
            self._postgres.run(
                statement,
                {
                    **values,
                    "id": attempt.id,
                    "lease": lease,
                    "back_for": back_for,
                    "retention": self._retention,
                    "is_shared": attempt.link.mode is ConnectionMode.SHARED,
                    "check_in": SOON if attempt.has_old_token else self._spread(),
                },
            )
        )

    def _spread(self) -> timedelta:
        return self._check_interval * random.uniform(0.5, 1.5)  # noqa: S311 (evenly)

    def reject(self, attempt: Attempt, lease: str, reason: Reason, detail: str) -> None:
        """Novu refused for good, or for too long; the grant is kept for a person to try again."""
        self._fail(attempt, lease, reason, detail, kept=GRANT_KEPT)

    def give_up(self, attempt: Attempt, lease: str, reason: Reason, detail: str = "") -> None:
        """The grant cannot or must not be used any more: it is erased."""
        self._fail(attempt, lease, reason, detail, kept=None)

    def _fail(self, attempt: Attempt, lease: str, reason: Reason, detail: str, kept: timedelta | None) -> None:
        self._postgres.run(
            _FAIL,
            {
                "id": attempt.id,
                "lease": lease,
                "reason": reason.value,
                "detail": detail,
                "told": detail or reason.value,
                "kept": kept,
                "life": max(self._retention, kept or timedelta(0)),
            },
        )

    def reopen(self, attempt: Attempt, wait: timedelta) -> bool:
        """A person tries again: under a new idempotency key what had failed, at once what is on its way."""
        again = "status = 'granted', reason = NULL, detail = '', trying_since = now(), tries = 0, round = round + 1,"
        if attempt.status is Status.GRANTED:
            again = ""
        return bool(
            self._postgres.run(
                f"""
                WITH moved AS (
                    UPDATE attempt SET {again} forget_at = greatest(forget_at, now() + %(life)s),
                        timeline = timeline || event('retried_by_person', NULL)
                    WHERE id = %(id)s AND status = %(status)s AND sealed IS NOT NULL RETURNING id, owner
                ), {_DUE} SELECT FROM moved
                """,
                {
                    "id": attempt.id,
                    "status": attempt.status.value,
                    "life": DELIVERY_KEPT,
                    "wait": wait,
                },
            )
        )


@dataclass(frozen=True, slots=True)
class _Candidate(Row):
    sealed: str | None
    grant_order: int
    settled: int | None
    is_disconnected: bool | None
    is_behind: bool

    def word(self) -> Take:
        if self.settled is None:
            return Take.BUSY
        if self.sealed is None:
            return Take.LOST
        if self.settled > self.grant_order:
            return Take.DISCONNECTED if self.is_disconnected else Take.SUPERSEDED
        # A newer grant may be at Novu already without anybody knowing: it goes first, or Novu could end up with ours.
        return Take.BEHIND if self.is_behind else Take.TAKEN
