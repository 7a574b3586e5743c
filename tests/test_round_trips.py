"""What one install asks of Redis, counted by Redis itself."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.person import Person
from tests.test_delivery import until, worker


@contextmanager
def monitored(store: redis.Redis) -> Iterator[list[str]]:
    """Every command that reaches Redis from outside, scripts' own commands left out."""
    seen: list[str] = []
    ready = threading.Event()

    def listen() -> None:
        with store.monitor() as monitor:
            ready.set()
            for command in monitor.listen():
                if command["client_type"] != "lua":
                    seen.append(command["command"])
                if "the end" in command["command"]:
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    ready.wait()
    yield seen
    store.echo("the end")
    thread.join()


def round_trips(commands: list[str]) -> list[str]:
    """One line for each. What a worker asks without there being an install, polling and sweeping, is not counted."""
    idle = re.compile(r" fetch |EVALSHA \w+ 0|onboarding:undelivered 100 60|onboarding:due 200")
    return [line for line in commands if re.match("EVALSHA|HGETALL|GET|EXEC", line) and not idle.search(line)]


def test_an_install_takes_at_most_twelve_round_trips(
    env: dict[str, str], tmp_path: Path, person: Person, link: str, store: redis.Redis
) -> None:
    person.install(link)
    store.flushall()
    with worker(env, tmp_path / "log"), monitored(store) as commands:
        person.install(link)
        until(lambda: len(round_trips(commands)) == 8, 2)
        until(lambda: len([line for line in round_trips(commands) if " ack " in line]) == 2, 35)
    assert len(round_trips(commands)) == 12
