"""Some days of the whole service, minute by minute: what each part is asked, and what has to wait."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from bench.scale import parts
from bench.scale.backlog import Backlog, wait_of_check, wait_of_event, wait_of_grant
from bench.scale.chance import Chance
from bench.scale.costs import REQUESTS, Costs
from bench.scale.scenario import (
    CHECKING,
    MINUTES,
    SENDING,
    SLACK_A_MINUTE,
    WEB_THREADS,
    WORKER_THREADS,
    Scenario,
    Setup,
)

DAYS: Final = 3
KINDS: Final = ("grants", "events", "checks")


@dataclass(slots=True)
class Days:
    """`most` is the highest use of each part in any minute, `last_late` the last minute with something overdue."""

    most: dict[str, float] = field(default_factory=dict)
    most_waiting: Counter[str] = field(default_factory=Counter)
    last_late: Counter[str] = field(default_factory=Counter)
    people: int = 0
    connected: int = 0
    sent_back: int = 0
    """How many had to come again, because Slack or the web processes took no more."""
    still_there: int = 0
    without_novu: int = 0
    """How many came while Novu was away."""
    without_thread: int = 0
    """How many of them found all threads waiting for Novu."""
    backlogs: dict[str, Backlog] = field(default_factory=dict)


@dataclass(slots=True)
class Clock:
    """The state from minute to minute."""

    costs: Costs
    setup: Setup
    scenario: Scenario
    chance: Chance
    found: Days
    again: int = 0

    def pass_minute(self, minute: int) -> None:
        scenario, found = self.scenario, self.found
        came = self.chance.number(scenario.installs_a_second(minute) * 60)
        found.people += came
        novu_is_away = scenario.novu_away.covers(minute)
        most = self._most_callbacks(novu_is_away=novu_is_away)
        served = min(came + self.again, most)
        self.again = came + self.again - served
        found.sent_back += min(came, self.again)
        if novu_is_away:
            found.without_novu += came
            found.without_thread += max(0, came - most)
        done = self._jobs(minute, served, novu_is_away=novu_is_away)
        self._note(minute, served, done)

    def _most_callbacks(self, *, novu_is_away: bool) -> int:
        """In a minute: as many as Slack redeems, and as web has cores and threads for with all that goes with each."""
        rates = self.scenario.rates(1.0)
        each = self.costs.of_all({kind: rates[kind] for kind in REQUESTS}, "web_ms") / 1000
        waits = threads_for(1.0, self.scenario, novu_is_away=novu_is_away) + each
        by_web = 60 * self.setup.web * min(1 / each, WEB_THREADS / waits)
        return int(min(SLACK_A_MINUTE * self.setup.slack_apps, by_web))

    def _jobs(self, minute: int, served: int, *, novu_is_away: bool) -> dict[str, int]:
        grants, events, checks = (self.found.backlogs[kind] for kind in KINDS)
        novu_left = 0 if novu_is_away else max(0, int(self.setup.novu * 60) - served)
        if novu_is_away:
            grants.add(served, minute)
        late = grants.work(minute, self._most_late(novu_left, novu_is_away=novu_is_away), is_answered=not novu_is_away)
        connected = (0 if novu_is_away else served) + (0 if novu_is_away else late)
        self.found.connected += connected
        told = connected * self.scenario.events + 2 * self.scenario.breaks_a_second * 60
        events.add(self.chance.number(told), minute)
        host_is_away = self.scenario.host_away.covers(minute)
        sent = events.work(minute, self._most_events(away=host_is_away), is_answered=not host_is_away)
        checks.add(self.chance.number(self.scenario.checks_a_second * 60), minute)
        most = self._most_checks(novu_left - (0 if novu_is_away else late), novu_is_away=novu_is_away)
        checked = checks.work(minute, most, is_answered=not novu_is_away)
        return {"late": late, "event": sent, "check": checked}

    def _most_late(self, novu_left: int, *, novu_is_away: bool) -> int:
        """Threads that neither send nor check; in truth deliveries may take others' places, too."""
        places = self.setup.workers * (WORKER_THREADS - SENDING - CHECKING)
        seconds = self.scenario.novu_away.seconds if novu_is_away else self.scenario.novu_seconds
        most = int(places * 60 / max(seconds, 0.05))
        return most if novu_is_away else min(most, novu_left)

    def _most_events(self, *, away: bool) -> int:
        seconds = self.scenario.host_away.seconds if away else self.scenario.host_seconds
        return int(self.setup.workers * SENDING * 60 / max(seconds, 0.02))

    def _most_checks(self, novu_left: int, *, novu_is_away: bool) -> int:
        seconds = self.scenario.novu_away.seconds if novu_is_away else parts.a_check(self.scenario)
        most = int(self.setup.workers * CHECKING * 60 / max(seconds, 0.05))
        return most if novu_is_away else min(most, novu_left)

    def _note(self, minute: int, served: int, done: dict[str, int]) -> None:
        found = self.found
        rates = {**self.scenario.rates(served / 60), **{kind: number / 60 for kind, number in done.items()}}
        for part, share in parts.in_use(self.costs, self.setup, self.scenario, rates).items():
            found.most[part] = max(found.most.get(part, 0.0), share)
        for kind, backlog in found.backlogs.items():
            found.most_waiting[kind] = max(found.most_waiting[kind], backlog.waiting)
            if backlog.overdue:
                found.last_late[kind] = minute


def threads_for(installs: float, scenario: Scenario, *, novu_is_away: bool) -> float:
    """So many wait for Slack and Novu at any moment, at so many installs a second."""
    novu = scenario.novu_away.seconds if novu_is_away else scenario.novu_seconds
    return installs * (scenario.slack_seconds + novu)


def simulate(costs: Costs, setup: Setup, scenario: Scenario, seed: int = 1, days: int = DAYS) -> Days:
    waits = {"grants": wait_of_grant, "events": wait_of_event, "checks": wait_of_check}
    found = Days(backlogs={kind: Backlog(wait) for kind, wait in waits.items()})
    clock = Clock(costs, setup, scenario, Chance(seed), found)
    for minute in range(days * MINUTES):
        clock.pass_minute(minute)
    found.still_there = clock.again
    return found
