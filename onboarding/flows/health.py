"""Is all well: Slack and Novu asked at most once a minute, the work that is due at every look."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.ephemeral.checks import Checked, Checks
from onboarding.flows.checkup import Checkup
from onboarding.ledger.lists import Lists
from onboarding.ledger.work import Backlog, Work
from onboarding.model.errors import Problem

SECONDS: Final = 3.0
AGAIN_AFTER: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Report:
    """`waiting_since` is when the attempt was started that waits longest for Novu."""

    remote: Checked
    backlog: Backlog
    waiting_since: datetime | None


class Health:
    def __init__(
        self, checkup: Checkup, checks: Checks, work: Work, lists: Lists, clock: Callable[[], datetime]
    ) -> None:
        self._checkup = checkup
        self._checks = checks
        self._work = work
        self._lists = lists
        self._clock = clock
        self._lock = threading.Lock()

    def report(self, *, asks_again: bool = False) -> Report:
        """Raises `StoreUnavailable`; everything else is in the report."""
        backlog, waiting_since = self._work.backlog(), self._lists.oldest_undelivered()
        return Report(self._ask_remote(asks_again=asks_again), backlog, waiting_since)

    def _ask_remote(self, *, asks_again: bool) -> Checked:
        with self._lock:
            known = self._checks.get()
            if known and (not asks_again or self._clock() - known.at < AGAIN_AFTER):
                return known
            checked = self._ask()
            self._checks.put(checked)
            return checked

    def _ask(self) -> Checked:
        questions = (self._checkup.ask_slack, self._checkup.ask_novu)
        with ThreadPoolExecutor(len(questions)) as pool:
            slack, novu = pool.map(_answered, questions)
        return Checked(slack, novu, self._clock())


def _answered(ask: Callable[[Deadline], Iterator[Problem]]) -> tuple[Problem, ...]:
    return tuple(ask(Deadline(SECONDS)))
