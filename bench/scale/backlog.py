"""Work that is due later: counts by the minute at which they are due, and how often they have been tried."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from onboarding.flows.deliver import FIRST_WAIT, LONGEST_WAIT
from onboarding.flows.notify import WAITS

WAITS_OF_EVENTS = tuple(wait.total_seconds() for wait in WAITS)


def wait_of_grant(tries: int) -> float:
    """Seconds until a grant is tried again."""
    return min(FIRST_WAIT.total_seconds() * (1 << min(tries, 20)), LONGEST_WAIT.total_seconds())


def wait_of_event(tries: int) -> float | None:
    """Seconds until an event is tried again; None: never."""
    return WAITS_OF_EVENTS[tries] if tries < len(WAITS_OF_EVENTS) else None


def wait_of_check(tries: int) -> float:
    """A check without an answer is asked for again after as long as it has waited, from half a minute on."""
    return min(30.0 * (1 << min(tries, 20)), LONGEST_WAIT.total_seconds())


@dataclass(slots=True)
class Backlog:
    """What waits to be tried. Whoever is due first goes first."""

    wait: Callable[[int], float | None]
    came: int = 0
    done: int = 0
    given_up: int = 0
    tries: int = 0
    last_retried: int = 0
    """The minute in which the last one was done that had to be tried more than once."""
    _due: deque[tuple[int, int]] = field(default_factory=deque)
    _later: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, number: int, minute: int) -> None:
        self.came += number
        self._put(minute, 0, number)

    @property
    def counted(self) -> int:
        """Those that wait, one by one: as many as `waiting`, or something got lost."""
        return self.overdue + sum(number for due in self._later.values() for _, number in due)

    @property
    def waiting(self) -> int:
        return self.came - self.done - self.given_up

    @property
    def overdue(self) -> int:
        return sum(number for _, number in self._due)

    def work(self, minute: int, most: int, *, is_answered: bool) -> int:
        """Try at most so many of what is due by now. Gives how many were tried."""
        self._due.extend(self._later.pop(minute, []))
        left = most
        while self._due and left > 0:
            tries, number = self._due.popleft()
            tried = min(number, left)
            left -= tried
            if tried < number:
                self._due.appendleft((tries, number - tried))
            self._settle(minute, tries, tried, is_answered=is_answered)
        self.tries += most - left
        return most - left

    def _settle(self, minute: int, tries: int, number: int, *, is_answered: bool) -> None:
        wait = self.wait(tries)
        if is_answered:
            self.done += number
            self.last_retried = minute if tries else self.last_retried
        elif wait is None:
            self.given_up += number
        else:
            self._put(minute + round(wait / 60), tries + 1, number, now=minute)

    def _put(self, minute: int, tries: int, number: int, now: int = -1) -> None:
        if not number:
            return
        if minute <= now:
            self._due.append((tries, number))
        else:
            self._later.setdefault(minute, []).append((tries, number))
