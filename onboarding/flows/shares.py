"""How many deliveries to each endpoint are under way in this process: a slow one leaves room for the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Shares:
    def __init__(self, most: float) -> None:
        """`most` at once to each."""
        self._most = most
        self._taken: Counter[str] = Counter()
        self._changing = threading.Lock()

    @contextmanager
    def one(self, name: str) -> Iterator[bool]:
        """A place for as long as it lasts. Tells whether there was one."""
        with self._changing:
            is_free = self._taken[name] < self._most
            self._taken[name] += is_free
        try:
            yield is_free
        finally:
            with self._changing:
                self._taken[name] -= is_free

    def is_full(self, name: str) -> bool:
        return self._taken[name] >= self._most
