"""The parts that are measured, one after the other: each request of an install, and each kind of a worker's job."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bench.apps import SECRET_KEY
from bench.browser import Browser
from bench.costs.meter import Meter, used
from bench.journeys import Person
from bench.load import Crowd
from onboarding.model import Owner, Secret
from onboarding.signing.status_tokens import StatusTokens

ORIGIN: Final = "https://app.example.com"
LONGEST: Final = 240.0
"""Seconds that a worker may take for its jobs."""

Costs = dict[str, float]
"""Of one of something, by what is counted."""


class NotDone(Exception):
    """A worker did not get done what it should."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A running service with its meter; `idle` is what is used in a second in which nothing happens."""

    meter: Meter
    crowd: Crowd
    idle: Mapping[str, float]

    def people(self, number: int) -> list[Person]:
        return self.crowd.gather(number)

    def measure(self, number: int, do: Callable[[], object], idle: Mapping[str, float] | None = None) -> Costs:
        before = self.meter.read()
        do()
        return used(before, self.meter.read(), self.idle if idle is None else idle, number)

    def measure_jobs(self, number: int, prepare: Callable[[], object], wait: Callable[[], object]) -> Costs:
        """Of a worker that finds so many jobs and does nothing else."""
        with self.worker_stopped():
            prepare()
            before = self.meter.read()
        wait()
        return used(before, self.meter.read(), self.idle, number)

    @contextmanager
    def worker_stopped(self) -> Iterator[None]:
        """So that what it does is not counted with what people do."""
        pid = self.meter.running.worker_pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def install(self, people: Sequence[Person]) -> None:
        self.crowd.land(people)
        self.crowd.start(people)
        self.crowd.come_back(people)

    def wait_for(self, statement: str) -> None:
        """Until a count in the ledger is 0."""
        ends = time.monotonic() + LONGEST
        while (row := self.meter.ledger.execute(statement).fetchone()) and row[0]:
            if time.monotonic() > ends:
                raise NotDone(f"{row[0]} are left of: {statement}")
            time.sleep(0.5)

    def events_are_sent(self) -> None:
        self.wait_for("SELECT count(*) FROM work WHERE kind = 'webhook'")

    def make_checks_due(self, number: int) -> None:
        self.meter.ledger.execute(
            "UPDATE work SET due_at = now() WHERE kind = 'check' AND subject IN (SELECT owner FROM connection"
            " WHERE checked_at IS NULL AND owner LIKE 'chconn%%' LIMIT %s)",
            [number],
        )

    def checks_are_done(self) -> None:
        self.wait_for("SELECT count(*) FROM work WHERE kind = 'check' AND due_at < now() + interval '5 minutes'")


def requests(bench: Bench, number: int) -> dict[str, Costs]:
    """Of an install that goes well. The worker has to be stopped."""
    people, crowd = bench.people(number), bench.crowd
    return {
        "landing": bench.measure(number, lambda: crowd.land(people), {}),
        "start": bench.measure(number, lambda: crowd.start(people), {}),
        "callback": bench.measure(number, lambda: crowd.come_back(people), {}),
        "outcome": bench.measure(number, lambda: crowd.each(people, see_page), {}),
        "poll": bench.measure(number, lambda: _poll(bench, number), {}),
    }


async def see_page(person: Person) -> None:
    (await person.browser.get(person.outcome_path)).expect(200)


def _poll(bench: Bench, number: int) -> None:
    """The embedded button asks how its owner stands."""
    tokens, expires_at = StatusTokens([Secret(SECRET_KEY)]), datetime.now(UTC) + timedelta(hours=1)
    rows = bench.meter.ledger.execute(
        "SELECT integration, subscriber_id, context_keys FROM connection WHERE owner LIKE 'chconn%%' LIMIT %s", [number]
    ).fetchall()
    found = [Owner(integration, subscriber, tuple(keys)) for integration, subscriber, keys in rows]
    people = [
        Person(Browser(bench.meter.running.port, _asking(tokens.issue(owner, expires_at))), "/embed/status")
        for owner in found
    ]
    bench.crowd.each(people, _read_status)


def _asking(token: Secret) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}", "Origin": ORIGIN}


async def _read_status(person: Person) -> None:
    (await person.browser.get(person.start_path)).expect(200)


def late_deliveries(bench: Bench, number: int, event: Costs) -> Costs:
    """Of a grant that Novu did not take at once and a worker delivers later, without the event that follows."""

    def install_without_novu() -> None:
        bench.meter.remote.send_novu_away(True)
        bench.install(bench.people(number))
        bench.meter.remote.send_novu_away(False)

    def wait() -> None:
        bench.wait_for("SELECT count(*) FROM work WHERE kind = 'deliver'")
        bench.events_are_sent()

    found = bench.measure_jobs(number, install_without_novu, wait)
    return {name: value - event.get(name, 0) for name, value in found.items()}


def wal_after_checkpoints(bench: Bench, number: int, rounds: int) -> dict[str, Costs]:
    """WAL bytes and whole pages in it, of each that is the first after a checkpoint to touch its pages."""
    found = [_one_round(bench, number) for _ in range(rounds)]
    return {name: _mean([each[name] for each in found]) for name in found[0]}


def _one_round(bench: Bench, number: int) -> dict[str, Costs]:
    meter, people = bench.meter, bench.people(number)
    with bench.worker_stopped():
        bench.crowd.land(people)
        meter.ledger.execute("CHECKPOINT")
        before = meter.read()
        bench.crowd.start(people)
        bench.crowd.come_back(people)
        found = {"install": used(before, meter.read(), {}, number)}
        found["event"] = bench.measure_jobs(number, lambda: meter.ledger.execute("CHECKPOINT"), bench.events_are_sent)

    def make_checks_due() -> None:
        bench.make_checks_due(number)
        meter.ledger.execute("CHECKPOINT")

    found["check"] = bench.measure_jobs(number, make_checks_due, bench.checks_are_done)
    return found


def _mean(costs: Sequence[Costs]) -> Costs:
    return {name: sum(each[name] for each in costs) / len(costs) for name in ("wal", "pages")}
