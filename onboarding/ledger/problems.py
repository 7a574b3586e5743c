"""Problem pages that belong to no attempt, by their support codes: a week of them, and never more than ten thousand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from onboarding.ledger.postgres import Postgres, is_storable

KEPT: Final = timedelta(days=7)
MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Noted:
    """What somebody was shown instead of what they wanted. `about` is a link's id, if there was one."""

    at: datetime
    status: int
    heading: str
    route: str
    about: str


class Problems:
    def __init__(self, postgres: Postgres, most: int = MOST) -> None:
        self._postgres = postgres
        self._most = most

    def note(self, code: str, status: int, heading: str, route: str, about: str) -> None:
        self._postgres.run(
            """
            INSERT INTO problem (code, status, heading, route, about)
            VALUES (%(code)s, %(status)s, %(heading)s, %(route)s, %(about)s) ON CONFLICT DO NOTHING
            """,
            {"code": code, "status": status, "heading": heading, "route": route, "about": about},
        )

    def find(self, code: str) -> Noted | None:
        if not is_storable(code):
            return None
        noted = self._postgres.one(
            Noted,
            """
            SELECT at, status, heading, route, about FROM problem
            WHERE code = %(code)s AND at > now() - %(kept)s
            """,
            {"code": code, "kept": KEPT},
        )
        return replace(noted, at=noted.at.astimezone(UTC)) if noted else None

    def forget(self) -> int:
        """The oldest make room."""
        return self._postgres.run(
            """
            DELETE FROM problem WHERE code IN (
                SELECT code FROM problem WHERE at <= now() - %(kept)s
                UNION ALL (SELECT code FROM problem ORDER BY at DESC OFFSET %(most)s))
            """,
            {"kept": KEPT, "most": self._most},
        )
