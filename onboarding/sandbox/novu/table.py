"""All rows of one kind in an environment, by identifier and in every order that lists ask for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic

from onboarding.sandbox.novu.index import Index
from onboarding.sandbox.novu.labels import Label
from onboarding.sandbox.novu.model import Row

Tell = Callable[[str, object], None]


class Table(Generic[Row]):
    """`noun` and `removed` are what its changes are called when `tell` hears of them, before they happen."""

    def __init__(
        self, noun: str, removed: str, labels: Callable[[Row], set[Label]], lock: threading.RLock, tell: Tell
    ) -> None:
        self.index = Index(labels)
        self.noun, self._removed = noun, removed
        self.lock = lock
        self._tell = tell
        self._rows: dict[str, Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The one that was there first comes first."""
        with self.lock:
            return tuple(self._rows.values())

    def get(self, identifier: str) -> Row | None:
        with self.lock:
            return self._rows.get(identifier)

    def save(self, row: Row) -> None:
        with self.lock:
            self._tell(self.noun, row)
            before = self._rows.get(row.identifier)
            if before is not None:
                self.index.remove(before)
            self._rows[row.identifier] = row
            self.index.add(row)

    def remove(self, identifier: str) -> None:
        with self.lock:
            self._tell(self._removed, identifier)
            self.index.remove(self._rows.pop(identifier))
