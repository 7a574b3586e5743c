"""History by month: made before it begins, and dropped as a whole once nobody needs any of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from onboarding.ledger import audit, events, terms
from onboarding.ledger.postgres import Postgres
from onboarding.settings.log import LOGGER

MOST_AT_ONCE: Final = 500
KEPT: Final = {"attempt": timedelta(0), "event": events.KEPT, "audit": audit.KEPT}
"""For how long after its end a month is kept at least. One of attempts waits for the last of them to be over."""


class Months:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def make(self) -> None:
        """This month and the next one, if they are not there."""
        self._postgres.run("SELECT make_months()")

    def forget(self) -> int:
        """Drop a month that is over, of each history. Gives how much was done: the most there is, if more may be."""
        kept = self._keep_links()
        if kept == MOST_AT_ONCE:
            return kept
        dropped = [self.drop(history) for history in KEPT]
        return MOST_AT_ONCE if any(dropped) else terms.forget(self._postgres)

    def _keep_links(self) -> int:
        """What its link said stays with a connection, when the month goes in which it was made."""
        return self._postgres.run(
            """
            UPDATE connection c SET link = found.link FROM (
                SELECT m.owner, a.link FROM connection m JOIN attempt a ON a.id = m.attempt_id
                WHERE m.link IS NULL
                    AND a.started_at < (SELECT max(ends) FROM months('attempt') WHERE ends <= now())
                LIMIT %(most)s) found
            WHERE c.owner = found.owner AND c.link IS NULL
            """,
            {"most": MOST_AT_ONCE},
        )

    def drop(self, history: str) -> str | None:
        """The oldest month that nobody needs, unless somebody is reading it for long. Gives its name."""
        row = self._postgres.row(
            "SELECT drop_month(%(history)s, %(kept)s)", {"history": history, "kept": KEPT[history]}
        )
        if row and row[0]:
            LOGGER.info("forgotten month=%s", row[0])
            return str(row[0])
        return None
