"""Numbers by chance, the same ones for the same seed with every Python."""

from __future__ import annotations

import math
import random
from statistics import NormalDist
from typing import Final

_NORMAL: Final = NormalDist()


class Chance:
    """Only `random()` is promised to stay as it is, so everything is made from that."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def uniform(self) -> float:
        return self._random.random()

    def wait(self, mean: float) -> float:
        """Until the next of those that come independently of each other."""
        return -math.log(1 - self._random.random()) * mean

    def around(self, median: float, spread: float = 0.5) -> float:
        """A time that is now and then much longer: log-normal."""
        return median * math.exp(spread * self._normal())

    def number(self, mean: float) -> int:
        """How many come in a while in which `mean` are to be expected: Poisson."""
        if mean > 50:
            return max(0, round(mean + math.sqrt(mean) * self._normal()))
        limit, product, number = math.exp(-mean), self._random.random(), 0
        while product > limit:
            product *= self._random.random()
            number += 1
        return number

    def _normal(self) -> float:
        return _NORMAL.inv_cdf(min(max(self._random.random(), 1e-12), 1 - 1e-12))
