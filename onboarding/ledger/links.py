"""The install links that were created here, newest first, and the links that nobody may use any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from onboarding.ledger import terms
from onboarding.ledger.attempts import dump_link, load_link
from onboarding.ledger.postgres import Postgres, is_storable
from onboarding.model import InstallLink

KEPT: Final = timedelta(days=7)
"""How long a link stays known after it has expired."""
MOST_AT_ONCE: Final = 500
MOST_FOUND: Final = 20
COLUMNS: Final = """
    l.payload, l.made_by, l.made_at, EXISTS (SELECT FROM revocation r WHERE r.link_id = l.id) AS is_revoked,
    l.expires_at <= now() AS is_expired
"""


@dataclass(frozen=True, slots=True)
class Created:
    """A link that was created here, by whom, and whether it still works. A list tells whether it `is_used`, too."""

    link: InstallLink
    at: datetime
    by: str
    is_revoked: bool
    is_expired: bool
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    payload: str
    made_by: str
    made_at: datetime
    is_revoked: bool
    is_expired: bool
    is_used: bool = False

    def created(self) -> Created:
        link = load_link(self.payload, is_short=True)
        at = self.made_at.astimezone(UTC)
        return Created(link, at, self.made_by, self.is_revoked, self.is_expired, self.is_used)


class CreatedLinks:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def add(self, link: InstallLink, by: str) -> None:
        self._postgres.run(
            f"""
            WITH made AS (
                INSERT INTO link (id, payload, made_by, expires_at)
                VALUES (%(id)s, %(payload)s, %(by)s, %(expires_at)s) RETURNING id
            ) {terms.LEARN}
            """,
            {
                **terms.parameters(terms.of_created_link(link)),
                "id": link.id,
                "payload": dump_link(link),
                "by": by,
                "expires_at": link.expires_at,
            },
        )

    def remove(self, link_id: str) -> None:
        self._remove([link_id])

    def get(self, link_id: str) -> Created | None:
        row = self._postgres.one(_Row, f"SELECT {COLUMNS} FROM link l WHERE id = %(id)s", {"id": link_id})
        return row.created() if row else None

    def page(self, limit: int, after: str | None, integration: str | None = None) -> tuple[list[Created], str | None]:
        """The links after the one with this id, newest first, and where the next page goes on.

        Only those of one integration, if one is given.
        """
        if not is_storable(integration):
            return [], None
        rows = self._postgres.all(
            _Row,
            f"""
            SELECT {COLUMNS},
                EXISTS (SELECT FROM attempt a WHERE a.link_id = l.id AND a.connection IS NOT NULL) AS is_used
            FROM link l
            WHERE (%(after)s::text IS NULL
                   OR (l.made_at, l.id) < (SELECT made_at, id FROM link WHERE id = %(after)s))
                AND (%(integration)s::text IS NULL OR integration_of(l.payload) = %(integration)s)
            ORDER BY l.made_at DESC, l.id DESC LIMIT %(most)s
            """,
            {"after": after, "integration": integration, "most": limit + 1},
        )
        created = [row.created() for row in rows[:limit]]
        return created, created[-1].link.id if len(rows) > limit else None

    def search(self, text: str) -> list[Created]:
        """Links whose id, account, subscriber or context begins a word like that."""
        if not is_storable(text):
            return []
        begin = terms.fold(text)
        rows = self._postgres.all(
            _Row,
            f"""
            SELECT {COLUMNS} FROM link l WHERE l.id = %(text)s OR l.id IN (
                SELECT value FROM term WHERE kind = 'link' AND folded >= %(begin)s AND folded < %(end)s LIMIT 100)
            ORDER BY l.made_at DESC LIMIT %(most)s
            """,
            {"text": text, "begin": begin, "end": begin + "\U0010ffff", "most": MOST_FOUND},
        )
        return [row.created() for row in rows]

    def revoke(self, link_id: str, life: timedelta) -> None:
        """Let nobody start from this link or come back from Slack any more, for as long as it could still live."""
        self._postgres.run(
            """
            INSERT INTO revocation (link_id, until) VALUES (%(id)s, now() + %(life)s)
            ON CONFLICT (link_id) DO UPDATE SET until = greatest(revocation.until, excluded.until)
            """,
            {"id": link_id, "life": life},
        )

    def forget(self) -> int:
        """Delete links and revocations whose time is over, a bounded number at once."""
        old = "SELECT id FROM link WHERE expires_at <= now() - %(kept)s LIMIT %(most)s"
        ids = [row[0] for row in self._postgres.rows(old, {"kept": KEPT, "most": MOST_AT_ONCE})]
        self._remove(ids)
        return len(ids) + self._postgres.run(
            """
            DELETE FROM revocation WHERE link_id IN (
                SELECT link_id FROM revocation WHERE until <= now() LIMIT %(most)s)
            """,
            {"most": MOST_AT_ONCE},
        )

    def _remove(self, ids: Sequence[str]) -> None:
        if ids:
            self._postgres.run(
                """
                WITH gone AS (DELETE FROM link WHERE id = ANY (%(ids)s) RETURNING id)
                DELETE FROM term USING gone WHERE term.kind = 'link' AND term.value = gone.id
                """,
                {"ids": list(ids)},
            )
