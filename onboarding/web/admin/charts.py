"""Pictures drawn on the server: how far people get, and how many connect each day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from onboarding.ledger.lists import Day
from onboarding.model import Reason
from onboarding.web.admin import words

WIDTH: Final = 320
COLUMNS_HEIGHT: Final = 96
STAGES: Final = (
    ("Started", "started"),
    ("Came back", "returned"),
    ("Granted", "granted"),
    ("Connected", "connected"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """`length` is in units of the picture, `percent` of the first bar."""

    label: str
    value: int
    length: float
    percent: int


@dataclass(frozen=True, slots=True)
class Loss:
    reason: Reason
    label: str
    number: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far the attempts of some days got, and the reasons that cost most of them."""

    days: int
    bars: tuple[Bar, ...]
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One day of the picture of installs; everything in units of the picture."""

    day: Day
    x: float
    y: float
    width: float
    height: float


def funnel(days: Sequence[Day]) -> Funnel:
    totals = [sum(getattr(day, name) for day in days) for _, name in STAGES]
    most = max(*totals, 1)
    bars = tuple(
        Bar(label, total, round(WIDTH * total / most, 1), round(100 * total / max(totals[0], 1)))
        for (label, _), total in zip(STAGES, totals, strict=True)
    )
    lost: Counter[Reason] = Counter()
    for day in days:
        lost.update({reason: number for reason, number in day.lost.items() if reason is not Reason.SUPERSEDED})
    losses = [Loss(reason, words.REASONS[reason].short, number) for reason, number in lost.most_common(3) if number > 0]
    return Funnel(len(days), bars, tuple(losses))


def columns(days: Sequence[Day]) -> list[Column]:
    most = max(1, *(day.connected for day in days))
    step = WIDTH / len(days)
    found = []
    for number, day in enumerate(days):
        height = round(COLUMNS_HEIGHT * day.connected / most, 1)
        found.append(Column(day, round(number * step, 1), COLUMNS_HEIGHT - height, round(step - 2, 1), height))
    return found
