"""Connections in order, all of them and by whatever lists filter on: no request has to look at each one."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from onboarding.sandbox.novu.model import Connection

Label: TypeAlias = tuple[str, Any]
"""A field's name in a list's query, and one value of it."""
Place: TypeAlias = tuple[datetime, str]
"""Where a connection stands in an order: a moment and, among equals, its id."""

ORDERS: Final = ("createdAt", "updatedAt")


def owner(integration: str, subscriber_id: str | None, context_keys: Collection[str]) -> Label:
    """The label that the connections of one owner share."""
    return "owner", (integration, subscriber_id, frozenset(context_keys))


class _Shelf:
    """The connections of one label, in both orders, oldest first."""

    def __init__(self) -> None:
        self.places: dict[str, list[Place]] = {order: [] for order in ORDERS}

    def __len__(self) -> int:
        return len(self.places["createdAt"])

    def add(self, row: Connection) -> None:
        for order, places in self.places.items():
            insort(places, place(row, order))

    def remove(self, row: Connection) -> None:
        for order, places in self.places.items():
            del places[bisect_left(places, place(row, order))]


class Index:
    def __init__(self) -> None:
        self._rows: dict[str, Connection] = {}
        self._everything = _Shelf()
        self._shelves: defaultdict[Label, _Shelf] = defaultdict(_Shelf)

    def add(self, row: Connection) -> None:
        self._rows[row.id] = row
        for shelf in self._shelves_of(row):
            shelf.add(row)

    def remove(self, row: Connection) -> None:
        del self._rows[row.id]
        for shelf in self._shelves_of(row):
            shelf.remove(row)
        for label in _labels(row):
            if not self._shelves[label]:
                del self._shelves[label]

    def find(self, id_: str) -> Connection | None:
        return self._rows.get(id_)

    def oldest(self, label: Label) -> Connection | None:
        shelf = self._shelves.get(label)
        return self._rows[shelf.places["createdAt"][0][1]] if shelf else None

    def select(self, labels: Collection[Label], order: str) -> Sequence[Place]:
        """The places of the connections that bear every label, oldest first. Not to be kept or changed."""
        shelves = [(label, self._shelves.get(label) or _Shelf()) for label in labels]
        telling = {label for label, shelf in shelves if len(shelf) < len(self._everything)}
        narrowest = min((shelf for _, shelf in shelves), key=len, default=self._everything)
        if len(telling) <= 1:
            return narrowest.places[order]
        return [each for each in narrowest.places[order] if telling <= _labels(self._rows[each[1]])]

    def _shelves_of(self, row: Connection) -> list[_Shelf]:
        return [self._everything, *(self._shelves[label] for label in _labels(row))]


def place(row: Connection, order: str) -> Place:
    return (row.created_at if order == "createdAt" else row.updated_at), row.id


def _labels(row: Connection) -> set[Label]:
    integration, shared = row.integration, row.subscriber_id is None
    labels: set[Label] = {
        ("integrationIdentifier", integration.identifier),
        ("channel", integration.channel),
        ("providerId", integration.provider_id),
        ("connectionMode", "shared" if shared else "subscriber"),
        ("contextKeys", frozenset(row.context_keys)),
        owner(integration.identifier, row.subscriber_id, row.context_keys),
    }
    return labels if shared else labels | {("subscriberId", row.subscriber_id)}
