"""The load: so many people at once, each of whom starts, is at Slack for no time, and comes back."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench.browser import Browser
from bench.journeys import Journey, Person

Step = Callable[[Person], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long all installs took together, and each callback by itself, in seconds."""

    seconds: float
    callbacks: Sequence[float]


class Crowd:
    """People in front of one app, `at_once` of them at any moment, each with a connection of their own."""

    def __init__(self, journey: Journey, port: int, at_once: int) -> None:
        self._journey = journey
        self._port = port
        self._at_once = at_once

    def gather(self, size: int) -> list[Person]:
        return [Person(Browser(self._port), self._journey.start_path()) for _ in range(size)]

    def land(self, people: Sequence[Person]) -> None:
        asyncio.run(self._each(people, self._journey.land))

    def install(self, people: Sequence[Person]) -> Timing:
        callbacks: list[float] = []

        async def install(person: Person) -> None:
            state = await self._journey.start(person)
            began = time.perf_counter()
            await self._journey.come_back(person, f"code={secrets.token_hex(24)}&state={state}")
            callbacks.append(time.perf_counter() - began)

        began = time.perf_counter()
        asyncio.run(self._each(people, install))
        return Timing(time.perf_counter() - began, callbacks)

    def start(self, people: Sequence[Person]) -> None:
        """Only as far as Slack's page. `come_back` goes on from there."""

        async def start(person: Person) -> None:
            person.state = await self._journey.start(person)

        asyncio.run(self._each(people, start))

    def come_back(self, people: Sequence[Person]) -> None:
        async def come_back(person: Person) -> None:
            await self._journey.come_back(person, f"code={secrets.token_hex(24)}&state={person.state}")

        asyncio.run(self._each(people, come_back))

    def see_outcomes(self, people: Sequence[Person]) -> None:
        self.each(people, self._journey.see_outcome)

    def each(self, people: Sequence[Person], step: Step) -> None:
        asyncio.run(self._each(people, step))

    async def _each(self, people: Sequence[Person], step: Step) -> None:
        """Do one step with everybody. A browser's connection ends with the step, as it does after a few seconds."""
        waiting = iter(people)

        async def take_turns() -> None:
            for person in waiting:
                try:
                    await step(person)
                finally:
                    person.browser.close()

        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(take_turns())
