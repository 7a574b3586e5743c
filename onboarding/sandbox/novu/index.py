"""Rows in order, all of them and by whatever lists filter on: no request has to look at each one."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final, Generic, TypeAlias

from onboarding.sandbox.novu.labels import Label
from onboarding.sandbox.novu.model import Row

Place: TypeAlias = tuple[datetime, str]
"""Where a row stands in an order: a moment and, among equals, its id."""

ORDERS: Final = ("createdAt", "updatedAt")


class _Shelf:
    """The places of one label's rows, in both orders, oldest first."""

    def __init__(self) -> None:
        self.places: dict[str, list[Place]] = {order: [] for order in ORDERS}

    def __len__(self) -> int:
        return len(self.places["createdAt"])


class Index(Generic[Row]):
    def __init__(self, labels: Callable[[Row], set[Label]]) -> None:
        self._labels = labels
        self._rows: dict[str, Row] = {}
        self._everything = _Shelf()
        self._shelves: defaultdict[Label, _Shelf] = defaultdict(_Shelf)

    def add(self, row: Row) -> None:
        self._rows[row.id] = row
        for shelf in self._shelves_of(row):
            for order, places in shelf.places.items():
                insort(places, place(row, order))

    def remove(self, row: Row) -> None:
        del self._rows[row.id]
        for shelf in self._shelves_of(row):
            for order, places in shelf.places.items():
                del places[bisect_left(places, place(row, order))]
        for label in self._labels(row):
            if not self._shelves[label]:
                del self._shelves[label]

    def find(self, id_: str) -> Row | None:
        return self._rows.get(id_)

    def oldest(self, label: Label) -> Row | None:
        shelf = self._shelves.get(label)
        return self._rows[shelf.places["createdAt"][0][1]] if shelf else None

    def rows(self, *labels: Label) -> list[Row]:
        """Those that bear every label, oldest first."""
        return [self._rows[id_] for _, id_ in self.select(labels, "createdAt")]

    def latest(self, most: int) -> list[Row]:
        """The newest so many, newest first."""
        return [self._rows[id_] for _, id_ in reversed(self.select((), "createdAt")[-most:])]

    def select(self, labels: Collection[Label], order: str) -> Sequence[Place]:
        """The places of the rows that bear every label, oldest first. Not to be kept or changed."""
        shelves = [(label, self._shelves.get(label) or _Shelf()) for label in labels]
        telling = {label for label, shelf in shelves if len(shelf) < len(self._everything)}
        narrowest = min((shelf for _, shelf in shelves), key=len, default=self._everything)
        if len(telling) <= 1:
            return narrowest.places[order]
        return [each for each in narrowest.places[order] if telling <= self._labels(self._rows[each[1]])]

    def _shelves_of(self, row: Row) -> list[_Shelf]:
        return [self._everything, *(self._shelves[label] for label in self._labels(row))]


def place(row: Row, order: str) -> Place:
    return (row.created_at if order == "createdAt" else row.updated_at), row.id
