"""The attempts: started, read, ended without a grant, expired and, in time, forgotten."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from onboarding.ledger import terms
from onboarding.ledger.postgres import Postgres
from onboarding.ledger.statement import STANDING, frequent
from onboarding.model import (
    ABANDONED_AFTER,
    STATE_LIFETIME,
    Attempt,
    Event,
    InstallLink,
    Reason,
    Status,
    Workspace,
)
from onboarding.model.errors import LinkRevoked
from onboarding.signing.links import from_payload, to_payload

ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
MOST_AT_ONCE: Final = 500
NOBODY: Final = "direct:"
"""How the owner of an attempt begins that belongs to nobody yet. The host hears nothing of such an owner."""
COLUMNS: Final = """
    a.id, a.status, a.reason, a.detail, a.browser, a.link, a.is_short, a.started_at, a.workspace_id, a.workspace_name,
    a.app_id, a.installer_id, a.connection, a.sealed IS NOT NULL AS has_grant, a.tries, a.round, a.timeline,
    a.returned_at IS NOT NULL AS is_claimed,
    coalesce(now() - a.trying_since, '0') AS tried_for,
    CASE WHEN a.status = 'started' THEN a.started_at <= now() - interval '10 minutes'
         WHEN a.status = 'awaiting_approval' THEN a.link_expires_at <= now()
         WHEN a.status = 'unclaimed' THEN a.sealed_until <= now()
         ELSE false END AS is_over
"""
KEPT: Final = (
    "(a.forget_at > now() OR a.sealed IS NOT NULL OR a.status = ANY ('{started,granted,awaiting_approval,unclaimed}'))"
)
"""Nobody sees an attempt any more whose time is over, although it is there until its month is dropped."""
_START: Final = frequent(f"""
    WITH made AS (
        INSERT INTO attempt (id, status, browser, link_id, link, is_short, link_expires_at, owner, integration,
                             subscriber_id, context_keys, started_at, timeline, forget_at)
        SELECT %(id)s, 'started', %(browser)s, %(link_id)s, %(link)s, %(is_short)s, %(link_expires_at)s,
               %(owner)s, %(integration)s, %(subscriber_id)s, %(context_keys)s, now(), event('started', NULL),
               now() + %(abandoned_after)s
        WHERE NOT EXISTS (SELECT FROM revocation WHERE link_id = %(link_id)s)
        RETURNING id, started_at
    ), contexts AS (
        INSERT INTO attempt_context SELECT unnest(%(context_keys)s::text[]), started_at, id FROM made
    ), words AS ({terms.LEARN}) SELECT FROM made
""")
_RETURNED: Final = frequent(f"""
    SELECT {COLUMNS}, EXISTS (SELECT FROM revocation r WHERE r.link_id = a.link_id) AS is_revoked
    FROM attempt a WHERE id = %(id)s AND {KEPT}
""")
_GET: Final = frequent(f"SELECT {COLUMNS} FROM attempt a WHERE id = %(id)s AND {KEPT}")
_STATUS: Final = {
    Reason.DENIED_BY_PERSON: Status.CANCELLED,
    Reason.NOT_PERMITTED: Status.AWAITING_APPROVAL,
}
"""What becomes of an attempt that ends for a reason. It failed unless this says otherwise."""
_OVER: Final = {
    Status.STARTED: Reason.TIMED_OUT,
    Status.AWAITING_APPROVAL: Reason.APPROVAL_NOT_GIVEN,
    Status.UNCLAIMED: Reason.NOT_CLAIMED,
}


@dataclass(frozen=True, slots=True)
class Row:
    """An attempt as PostgreSQL gives it."""

    id: str
    status: str
    reason: str | None
    detail: str
    browser: str
    link: str
    is_short: bool
    started_at: datetime
    workspace_id: str | None
    workspace_name: str
    app_id: str | None
    installer_id: str | None
    connection: str | None
    has_grant: bool
    tries: int
    round: int
    timeline: list[tuple[float, str, str | None]]
    is_claimed: bool
    tried_for: timedelta
    is_over: bool

    def attempt(self) -> Attempt:
        """As it stands now: one that can no longer reach an outcome reads as expired."""
        status, reason = Status(self.status), Reason(self.reason) if self.reason else None
        if self.is_over:
            status, reason = Status.EXPIRED, _OVER[status]
        return Attempt(
            id=self.id,
            link=load_link(self.link, is_short=self.is_short),
            status=status,
            started_at=self.started_at.astimezone(UTC),
            browser_hash=self.browser,
            reason=reason,
            detail=self.detail or None,
            workspace=Workspace(self.workspace_id, self.workspace_name) if self.workspace_id else None,
            app_id=self.app_id,
            installer_id=self.installer_id,
            connection=self.connection,
            is_claimed=self.is_claimed,
            has_grant=self.has_grant,
            tried_for=self.tried_for,
            tries=self.tries,
            round=self.round,
            timeline=tuple(Event(datetime.fromtimestamp(at, UTC), name, detail) for at, name, detail in self.timeline),
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """An attempt that ends without a connection, and how long the browser had been back by then."""

    reason: Reason
    detail: str = ""
    back_for: timedelta = timedelta(0)
    workspace: Workspace | None = None


class Attempts:
    """The attempts of one deployment. `retention` is how long a finished one stays readable."""

    def __init__(self, postgres: Postgres, retention: timedelta) -> None:
        self._postgres = postgres
        self._retention = retention

    def start(self, attempt_id: str, link: InstallLink, browser_hash: str) -> None:
        """Record a new attempt. Raises `LinkRevoked`."""
        parameters = {
            **link_columns(link),
            "owner": f"{NOBODY}{attempt_id}" if link.is_direct else link.owner.identifier,
            **terms.parameters(terms.of_link(link)),
            "id": attempt_id,
            "browser": browser_hash,
            "abandoned_after": ABANDONED_AFTER,
        }
        started = self._postgres.row(
            _START,
            parameters,
        )
        if started is None:
            raise LinkRevoked(link)

    def get(self, attempt_id: str) -> Attempt | None:
        if not ID.fullmatch(attempt_id):
            return None
        row = self._postgres.one(Row, _GET, {"id": attempt_id})
        return row.attempt() if row else None

    def returned(self, attempt_id: str) -> tuple[Attempt, bool] | None:
        """The attempt that somebody comes back for, and whether its link has been revoked meanwhile."""
        row = self._postgres.one(Returned, _RETURNED, {"id": attempt_id})
        return (row.attempt(), row.is_revoked) if row else None

    def end(self, attempt_id: str, ending: Ending) -> bool:
        """Slack gave no usable grant. Not if a newer decision has already settled the attempt."""
        status = _STATUS.get(ending.reason, Status.FAILED)
        parameters = {
            "id": attempt_id,
            "status": status.value,
            "reason": ending.reason.value,
            "detail": ending.detail,
            "told": ending.detail or ending.reason.value,
            "back_for": ending.back_for,
            "retention": self._retention,
            "is_awaiting": status is Status.AWAITING_APPROVAL,
            "workspace_id": ending.workspace.id if ending.workspace else None,
            "workspace_name": ending.workspace.name if ending.workspace else None,
        }
        return bool(
            self._postgres.run(
                """
                UPDATE attempt SET
                    status = %(status)s, reason = %(reason)s, detail = %(detail)s,
                    workspace_id = coalesce(%(workspace_id)s, workspace_id),
                    workspace_name = coalesce(%(workspace_name)s, workspace_name),
                    returned_at = coalesce(returned_at, now() - %(back_for)s),
                    timeline = timeline || event('returned', NULL, now() - %(back_for)s)
                        || event(%(status)s, %(told)s),
                    forget_at = CASE WHEN %(is_awaiting)s THEN greatest(now(), link_expires_at) ELSE now() END
                        + %(retention)s
                WHERE id = %(id)s AND status IN ('started', 'expired')
                """,
                parameters,
            )
        )

    def expire(self) -> int:
        """Note what time alone has changed, a bounded number of attempts at once. Gives how many."""
        return self._postgres.run(
            f"""
            WITH unfinished AS (
                SELECT id FROM attempt WHERE {STANDING} = 'started' AND started_at <= now() - %(lifetime)s
                ORDER BY started_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
            ), unapproved AS (
                SELECT id FROM attempt WHERE {STANDING} = 'awaiting_approval' AND link_expires_at <= now()
                LIMIT %(most)s FOR UPDATE SKIP LOCKED
            ), unclaimed AS (
                SELECT id FROM attempt WHERE status = 'unclaimed' AND sealed_until <= now()
                ORDER BY sealed_until LIMIT %(most)s FOR UPDATE SKIP LOCKED
            ), due AS (
                INSERT INTO work (kind, subject) SELECT 'revoke', id FROM unclaimed ON CONFLICT DO NOTHING
            ), over AS (
                SELECT id, 'timed_out' AS reason FROM unfinished
                UNION ALL SELECT id, 'approval_not_given' FROM unapproved
                UNION ALL SELECT id, 'not_claimed' FROM unclaimed
            )
            UPDATE attempt SET status = 'expired', reason = over.reason, detail = '',
                timeline = timeline || event('expired', over.reason)
            FROM over WHERE attempt.id = over.id
            """,
            {"lifetime": STATE_LIFETIME, "most": MOST_AT_ONCE},
        )

    def erase_grants(self) -> int:
        """Erase grants that waited long enough for a person."""
        return self._postgres.run(
            """
            UPDATE attempt SET sealed = NULL WHERE id IN (
                SELECT id FROM attempt WHERE status = 'failed' AND sealed IS NOT NULL AND sealed_until <= now()
                LIMIT %(most)s FOR UPDATE SKIP LOCKED)
            """,
            {"most": MOST_AT_ONCE},
        )

    def forget(self) -> int:
        """Delete attempts that nobody finished, a bounded number at once. The others leave with their month."""
        return self._postgres.run(
            """
            WITH gone AS (
                DELETE FROM attempt WHERE (id, started_at) IN (
                    SELECT id, started_at FROM attempt
                    WHERE status = 'expired' AND reason = 'timed_out' AND forget_at <= now() AND sealed IS NULL
                    ORDER BY forget_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
                RETURNING id, started_at, context_keys
            ), contexts AS (
                DELETE FROM attempt_context c USING gone
                WHERE c.context = ANY (gone.context_keys) AND c.started_at = gone.started_at AND c.attempt_id = gone.id
            )
            SELECT FROM gone
            """,
            {"most": MOST_AT_ONCE},
        )


@dataclass(frozen=True, slots=True)
class Returned(Row):
    is_revoked: bool


def load_link(text: str, *, is_short: bool) -> InstallLink:
    return from_payload(json.loads(text), is_short=is_short)


def dump_link(link: InstallLink) -> str:
    return json.dumps(to_payload(link), separators=(",", ":"))


def link_columns(link: InstallLink) -> dict[str, Any]:
    return {
        "link_id": link.id,
        "link": dump_link(link),
        "is_short": link.is_short,
        "link_expires_at": link.expires_at,
        "integration": link.integration,
        "subscriber_id": link.subscriber_id,
        "context_keys": [context.key for context in link.contexts],
    }
