"""Pictures drawn on the server: how far people get and where they are lost, and how many connect each day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from onboarding.ledger.lists import Day
from onboarding.model import Reason
from onboarding.web.admin import reason_words
from onboarding.web.admin.health_words import ON_THEIR_WAY, ON_THEIR_WAY_OR_SUPERSEDED

STEPS: Final = (
    ("Started", "started"),
    ("Came back", "returned"),
    ("Slack allowed", "granted"),
    ("Connected", "connected"),
)
BEFORE: Final[Mapping[Reason, str]] = {
    Reason.TIMED_OUT: "returned",
    Reason.NOVU_UNAUTHORIZED: "connected",
    Reason.INTEGRATION_NOT_FOUND: "connected",
    Reason.SUBSCRIBER_NOT_FOUND: "connected",
    Reason.IDENTIFIER_TAKEN: "connected",
    Reason.NOVU_REJECTED: "connected",
    Reason.NOVU_UNREACHABLE: "connected",
    Reason.GRANT_LOST: "connected",
    Reason.NOT_CLAIMED: "connected",
}
"""The step that an attempt with this reason did not reach. Any other was lost between coming back and Slack's yes."""
MOST_REASONS: Final = 6
MOST_BETWEEN: Final = 3
TOPS: Final = (2, 4, 6, 10)
"""Ends of an axis whose half is a whole number, times a power of ten."""
LABEL_EVERY: Final = 7
ROOM_FOR_LABEL: Final = 4


@dataclass(frozen=True, slots=True)
class Loss:
    """What cost some attempts. Without a reason they are on their way, or overtaken by a newer one."""

    label: str
    number: int
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """How many got so far, in percent of all who started, and who was lost on the way here."""

    label: str
    value: int
    percent: int
    lost: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Funnel:
    steps: tuple[Step, ...]
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One day: its height in percent of the axis, and its name if there is room for it."""

    day: Day
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Columns:
    top: int
    columns: tuple[Column, ...]


def funnel(days: Sequence[Day]) -> Funnel:
    lost: Counter[Reason] = Counter()
    for day in days:
        lost.update({reason: max(number, 0) for reason, number in day.lost.items()})
    superseded = lost.pop(Reason.SUPERSEDED, 0)
    totals = [sum(getattr(day, name) for day in days) for _, name in STEPS]
    steps = []
    for (label, name), total, before in zip(STEPS, totals, [totals[0], *totals], strict=False):
        between = _between(name, lost, before - total, ON_THEIR_WAY_OR_SUPERSEDED if superseded else ON_THEIR_WAY)
        steps.append(Step(label, total, round(100 * total / max(totals[0], 1)), between))
    return Funnel(tuple(steps), _named(lost, MOST_REASONS))


def _between(step: str, lost: Mapping[Reason, int], missing: int, others: str) -> tuple[Loss, ...]:
    """Why attempts did not reach a step, the most frequent reasons first."""
    if missing <= 0:
        return ()
    here = {reason: number for reason, number in lost.items() if BEFORE.get(reason, "granted") == step}
    named = _named(here, MOST_BETWEEN)
    rest = min(missing, sum(here.values())) - sum(loss.number for loss in named)
    open_ = missing - sum(here.values())
    more = [Loss("for other reasons", rest)] if rest > 0 else []
    return (*named, *more, *([Loss(others, open_)] if open_ > 0 else []))


def _named(lost: Mapping[Reason, int], most: int) -> tuple[Loss, ...]:
    frequent = Counter(lost).most_common(most)
    return tuple(Loss(reason_words.REASONS[reason].short, number, reason) for reason, number in frequent if number)


def columns(days: Sequence[Day]) -> Columns:
    top = _top(max(day.connected for day in days))
    return Columns(
        top,
        tuple(
            Column(day, round(100 * day.connected / top, 1), _label(number, day, len(days)))
            for number, day in enumerate(days)
        ),
    )


def _top(most: int) -> int:
    size = 1
    while True:
        for top in TOPS:
            if top * size >= most:
                return top * size
        size *= 10


def _label(number: int, day: Day, days: int) -> str:
    is_crowded = days > LABEL_EVERY
    has_room = not is_crowded or (number % LABEL_EVERY == 0 and number <= days - ROOM_FOR_LABEL)
    return f"{day.date:%-d %b}" if has_room else ""
