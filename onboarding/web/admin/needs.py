"""What needs an operator, as the overview says it: by cause, with what to do and whom it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from onboarding.ledger.lists import Standing
from onboarding.ledger.needs import Cause
from onboarding.model import Attempt
from onboarding.web.admin import health_words, reason_words, show
from onboarding.web.context import wiring
from onboarding.web.pages import render

MOST_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Need:
    """Some installs that failed for the same cause: the newest customers, each once, and how many installs besides.

    `where` finds them in the list of attempts.
    """

    title: str
    number: int
    names: tuple[str, ...]
    unnamed: int
    todo: str
    where: dict[str, str]


def causes() -> list[Need]:
    found = wiring().ledger.needs.causes(by_app=wiring().settings.apps.is_from_file)
    named = wiring().ledger.lists.some([attempt_id for cause in found for attempt_id in cause.newest])
    return [_need(cause, [named[each] for each in cause.newest if each in named]) for cause in found]


def unclaimed() -> Sequence[Attempt]:
    return wiring().ledger.needs.unclaimed(MOST_SHOWN)


def _need(cause: Cause, newest: Sequence[Attempt]) -> Need:
    told = reason_words.REASONS[cause.reason]
    kept = health_words.KEPT_UNTIL.format(day=render.date(cause.kept_until))
    where = {"status": Standing.WAITING.value, "reason": cause.reason.value}
    return Need(
        title=f"{told.short} · {cause.integration}" if cause.integration else told.short,
        number=cause.number,
        names=tuple(dict.fromkeys(show.customer(attempt.link) for attempt in newest)),
        unnamed=max(cause.number - len(newest), 0),
        todo=f"{told.todo} {kept}",
        where={**where, "integration": cause.integration} if cause.integration else where,
    )
