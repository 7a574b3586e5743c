"""History by month: made before it begins, and dropped as a whole once nobody needs any of it."""

from __future__ import annotations

from typing import Final

from onboarding.ledger import terms
from onboarding.ledger.postgres import Postgres
from onboarding.settings.log import LOGGER

MOST_AT_ONCE: Final = 500
HISTORIES: Final = ("attempt", "event", "audit")


class Months:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def make(self) -> None:
        """This month and the next one, if they are not there."""
        self._postgres.run("SELECT make_months()")

    def forget(self) -> int:
        """Drop a month that is over, of each history. Gives how much was done: the most there is, if more may be."""
        dropped = [self.drop(history) for history in HISTORIES]
        return MOST_AT_ONCE if any(dropped) else terms.forget(self._postgres)

    def drop(self, history: str) -> str | None:
        """The oldest month that nobody needs, unless somebody is reading it for long. Gives its name."""
        row = self._postgres.row("SELECT drop_month(%(history)s)", {"history": history})
        if row and row[0]:
            LOGGER.info("forgotten month=%s", row[0])
            return str(row[0])
        return None
