"""Sealed grants on their way to Novu: kept, taken by one delivery per owner at a time, postponed, and erased.

Every statement moves the attempt together with its owner's lease, its work and the connection that is made, or not
at all. Each is guarded by the attempt's status, so that repeating one that had been committed changes nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from onboarding.ledger import terms
from onboarding.ledger.attempts import COLUMNS, Row
from onboarding.ledger.postgres import Postgres
from onboarding.ledger.statement import Frequent, frequent
from onboarding.model import GRANT_KEPT, Attempt, ConnectionMode, Grant, Reason, Status, Workspace
from onboarding.model.destinations import Destination

SAFETY_NET: Final = timedelta(seconds=25)
"""When a worker looks after a grant that a request is about to deliver."""
LEASE: Final = timedelta(seconds=16)
"""How long one delivery may hold its owner: a little longer than it may take."""
WISH_SAFETY_NET: Final = timedelta(seconds=20)
"""When a worker looks after a wish that a delivery is about to carry out."""
BUSY_WAIT: Final = timedelta(seconds=1)
DELIVERY_KEPT: Final = GRANT_KEPT + timedelta(days=1)
"""How long an attempt on its way to Novu stays, at least: longer than anybody tries to deliver it."""

# Parts of the statements below.
_RELEASE: Final = """
    released AS (
        UPDATE owner SET lease = NULL, leased_until = NULL FROM moved
        WHERE owner.id = moved.owner AND owner.lease = %(lease)s)
"""
_DUE: Final = """
    due AS (
        INSERT INTO work AS w (kind, subject, due_at)
        SELECT 'deliver', id, now() + %(wait)s FROM moved
        ON CONFLICT (kind, subject) DO UPDATE SET
            due_at = excluded.due_at, since = now(), tries = 0, take = nextval('work_take'),
            last_error = NULL)
"""
_NOT_DUE: Final = "done AS (DELETE FROM work USING moved WHERE work.kind = 'deliver' AND work.subject = moved.id)"

_KEEP: Final = frequent(f"""
    WITH was AS (
        SELECT id, owner FROM attempt WHERE id = %(id)s AND (status IN ('started', 'expired')
            OR status IN ('cancelled', 'awaiting_approval', 'failed') AND grant_order IS NULL) FOR UPDATE
    ), held AS (
        INSERT INTO owner AS o (id, lease, leased_until) SELECT owner, %(lease)s, now() + %(span)s FROM was
        ON CONFLICT (id) DO UPDATE SET lease = excluded.lease, leased_until = excluded.leased_until
        WHERE o.leased_until IS NULL OR o.leased_until <= now()
        RETURNING id
    ), made AS (
        UPDATE attempt SET
            status = 'granted', reason = NULL, detail = '', returned_at = now() - %(back_for)s,
            workspace_id = %(workspace_id)s, workspace_name = %(workspace_name)s, app_id = %(app_id)s,
            installer_id = %(installer_id)s, grant_order = nextval('grant_order'), sealed = %(sealed)s,
            trying_since = now(), tries = 0, forget_at = now() + %(life)s,
            timeline = timeline || event('returned', NULL, now() - %(back_for)s)
                || event('granted', %(workspace_name)s)
        FROM was WHERE attempt.id = was.id RETURNING attempt.id
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
_MOVED_ON: Final = """
    carried AS (
        UPDATE destination d SET connection = %(identifier)s, workspace_id = %(workspace_id)s,
            number = nextval('choice_order'),
            choice = CASE WHEN d.workspace_id = %(workspace_id)s THEN d.choice END,
            placed = CASE WHEN d.workspace_id = %(workspace_id)s THEN d.placed END
        FROM newest JOIN moved ON moved.id = newest.id LEFT JOIN connection c ON c.owner = newest.owner
        WHERE d.owner = newest.owner
            AND (d.workspace_id <> %(workspace_id)s OR d.connection <> %(identifier)s
                OR moved.subscriber_id <> c.subscriber_id OR EXISTS (SELECT FROM ending e WHERE e.owner = d.owner))
        RETURNING d.owner
    ), moving AS (
        INSERT INTO work (kind, subject) SELECT 'destination', owner FROM carried
        ON CONFLICT (kind, subject) DO UPDATE SET
            due_at = now(), since = now(), tries = 0, take = nextval('work_take'), last_error = NULL)
"""
"""Where notifications go stays as it is in the same workspace, and ends in another: its channels are not there.

A worker sees to Novu's endpoint if it is to be another, and after an end that was asked for: it may be gone already.
"""
_WISHED: Final = """
    carried AS (
        INSERT INTO destination AS d (owner, connection, workspace_id, number, choice)
        SELECT owner, %(identifier)s, %(workspace_id)s, nextval('choice_order'), %(wish)s::jsonb FROM newest
        ON CONFLICT (owner) DO UPDATE SET connection = excluded.connection, workspace_id = excluded.workspace_id,
            number = nextval('choice_order'),
            choice = CASE WHEN d.workspace_id = excluded.workspace_id THEN coalesce(d.choice, excluded.choice)
                          ELSE excluded.choice END,
            placed = CASE WHEN d.workspace_id = excluded.workspace_id THEN d.placed END
        RETURNING d.owner
    ), moving AS (
        INSERT INTO work (kind, subject, due_at) SELECT 'destination', owner, now() + %(safety_net)s FROM carried
        ON CONFLICT (kind, subject) DO UPDATE SET
            due_at = excluded.due_at, since = now(), tries = 0, take = nextval('work_take'), last_error = NULL)
"""
"""The link says where notifications go. What somebody chose in the same workspace stays."""
_REMOVED: Final = """
    CASE WHEN EXISTS (SELECT FROM destination d WHERE d.owner = was.owner AND d.placed IS NOT NULL
                      AND d.workspace_id <> %(workspace_id)s)
        THEN event('destination_removed', NULL) ELSE '[]' END
"""
_TOLD: Final = "event(%(event)s, %(event_detail)s)"


def _connect(destination: str, told: str) -> Frequent:
    return frequent(_CONNECT.replace("{destination}", destination).replace("{told}", told))


_CONNECT: Final = f"""
    WITH was AS (
        SELECT id, owner, coalesce(grant_order, nextval('grant_order')) AS grant_order FROM attempt
        WHERE id = %(id)s AND status IN ('granted', 'started', 'expired') FOR UPDATE
    ), held AS (
        INSERT INTO owner AS o (id, settled) SELECT owner, grant_order FROM was
        ON CONFLICT (id) DO UPDATE SET
            settled = greatest(o.settled, excluded.settled),
            lease = nullif(o.lease, %(lease)s),
            leased_until = CASE WHEN o.lease = %(lease)s THEN NULL ELSE o.leased_until END
        RETURNING id, settled
    ), newest AS (
        SELECT was.* FROM was JOIN held ON held.id = was.owner AND held.settled = was.grant_order
    ), moved AS (
        UPDATE attempt SET
            status = 'connected', reason = NULL, detail = '', sealed = NULL, connection = %(identifier)s,
            workspace_id = %(workspace_id)s, workspace_name = %(workspace_name)s, app_id = %(app_id)s,
            installer_id = %(installer_id)s, grant_order = was.grant_order,
            returned_at = coalesce(returned_at, now() - %(back_for)s), forget_at = now() + %(retention)s,
            timeline = timeline || event('connected', %(workspace_name)s) || {{told}}
        FROM was WHERE attempt.id = was.id
        RETURNING attempt.id, attempt.owner, attempt.integration, attempt.subscriber_id, attempt.context_keys,
            attempt.link_id
    ), older AS (
        UPDATE attempt o SET
            status = CASE WHEN o.status IN ('granted', 'failed') THEN 'failed' ELSE 'connected' END,
            reason = CASE WHEN o.status IN ('granted', 'failed') THEN 'superseded'
                WHEN o.status = 'connected' THEN 'replaced' END,
            detail = '', sealed = NULL,
            connection = CASE o.status WHEN 'awaiting_approval' THEN %(identifier)s ELSE o.connection END,
            workspace_id = CASE o.status WHEN 'awaiting_approval' THEN %(workspace_id)s
                ELSE o.workspace_id END,
            workspace_name = CASE o.status WHEN 'awaiting_approval' THEN %(workspace_name)s
                ELSE o.workspace_name END,
            app_id = CASE o.status WHEN 'awaiting_approval' THEN %(app_id)s ELSE o.app_id END,
            timeline = o.timeline || CASE
                WHEN o.status IN ('granted', 'failed') THEN event('failed', 'superseded')
                WHEN o.status = 'connected' THEN event('replaced', %(workspace_name)s)
                ELSE event('connected', %(workspace_name)s) END
        FROM newest WHERE o.owner = newest.owner AND o.id <> newest.id AND (
            o.status = 'awaiting_approval'
            OR o.status IN ('granted', 'failed') AND o.sealed IS NOT NULL AND o.grant_order < newest.grant_order
            OR o.status = 'connected' AND o.reason IS NULL AND o.workspace_id <> %(workspace_id)s
                AND coalesce(o.grant_order, 0) < newest.grant_order)
        RETURNING o.id
    ), made AS (
        INSERT INTO connection (owner, identifier, integration, subscriber_id, context_keys, workspace_id,
            workspace_name, app_id, installer_id, attempt_id, link_id, is_shared, connected_at, state, since)
        SELECT m.owner, %(identifier)s, m.integration, m.subscriber_id, m.context_keys, %(workspace_id)s,
            %(workspace_name)s, %(app_id)s, %(installer_id)s, m.id, m.link_id, %(is_shared)s, now(), 'working', now()
        FROM moved m JOIN newest ON newest.id = m.id
        ON CONFLICT (owner) DO UPDATE SET
            identifier = excluded.identifier,
            subscriber_id = coalesce(excluded.subscriber_id, connection.subscriber_id),
            workspace_id = excluded.workspace_id,
            workspace_name = excluded.workspace_name, app_id = excluded.app_id,
            installer_id = excluded.installer_id, attempt_id = excluded.attempt_id,
            link_id = excluded.link_id, connected_at = excluded.connected_at, state = 'working', reason = NULL,
            since = CASE WHEN connection.state = 'working' THEN connection.since ELSE now() END,
            reconnect_link = NULL, removed_at = NULL, missing_scopes = '{{}}'
        RETURNING owner
    ), looked AS (
        INSERT INTO work (kind, subject, due_at) SELECT 'check', owner, now() + %(check_in)s::interval FROM made
        WHERE %(check_in)s::interval > '0'
        ON CONFLICT (kind, subject) DO UPDATE SET
            due_at = excluded.due_at, since = now(), tries = 0, take = nextval('work_take'), last_error = NULL
    ), words AS ({terms.LEARN}), {{destination}}, kept AS (
        DELETE FROM ending USING newest WHERE ending.owner = newest.owner RETURNING ending.owner
    ), done AS (
        DELETE FROM work USING (
            SELECT 'deliver' AS kind, id FROM moved UNION ALL SELECT 'deliver', id FROM older
            UNION ALL SELECT 'disconnect', owner FROM kept) settled
        WHERE work.kind = settled.kind AND work.subject = settled.id
    )
    SELECT FROM moved
"""
_CONNECT_ONLY: Final = _connect(_MOVED_ON, _REMOVED)
_CONNECT_WISHED: Final = _connect(_WISHED, _REMOVED)
_CONNECT_TOLD: Final = _connect(_MOVED_ON, _TOLD)
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


@dataclass(frozen=True, slots=True)
class Made:
    """A connection that Novu has, for the ledger to record.

    `wish` is where its link lets notifications go, `refused` why that is not possible.
    """

    identifier: str
    workspace: Workspace
    app_id: str | None
    installer_id: str | None
    wish: Destination | None = None
    refused: str = ""


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
                **_workspace_columns(grant.workspace, grant.app_id, grant.installer_id),
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
        statement, told = _connecting(made)
        return bool(
            self._postgres.run(
                statement,
                {
                    **told,
                    **terms.parameters(terms.of_workspace(made.workspace)),
                    **_workspace_columns(made.workspace, made.app_id, made.installer_id),
                    "id": attempt.id,
                    "identifier": made.identifier,
                    "lease": lease,
                    "back_for": back_for,
                    "retention": self._retention,
                    "is_shared": attempt.link.mode is ConnectionMode.SHARED,
                    "check_in": self._check_interval * random.uniform(0.5, 1.5),  # noqa: S311 (spread evenly)
                },
            )
        )

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


def _connecting(made: Made) -> tuple[Frequent, dict[str, Any]]:
    """The statement for what was made, and what it says besides."""
    if made.wish:
        return _CONNECT_WISHED, {"wish": made.wish.to_json(), "safety_net": WISH_SAFETY_NET}
    if made.refused:
        return _CONNECT_TOLD, {"event": "destination_refused", "event_detail": made.refused}
    return _CONNECT_ONLY, {}


def _workspace_columns(workspace: Workspace, app_id: str | None, installer_id: str | None) -> dict[str, Any]:
    return {
        "workspace_id": workspace.id,
        "workspace_name": workspace.name,
        "app_id": app_id,
        "installer_id": installer_id,
    }
