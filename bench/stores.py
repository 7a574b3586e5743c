"""The private Redis of each app, and the PostgreSQL of ours. They stay up for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from onboarding.sandbox import embedded_postgres, embedded_redis
from onboarding.sandbox.processes import Process


@dataclass(frozen=True, slots=True)
class Store:
    url: str
    pid: int


@contextmanager
def redis(folder: Path) -> Iterator[Store]:
    data = _created(folder / "redis")
    with _ended(embedded_redis.start(data)) as process:
        yield Store(embedded_redis.url(data), process.pid)


@contextmanager
def postgres(folder: Path) -> Iterator[Store]:
    """It waits for its disk before it says that something is stored, as in production.

    Started by root, it runs as another user, who has to be able to enter the folders above its own.
    """
    data = _created(folder / "postgres")
    with _ended(embedded_postgres.start(data)) as process:
        yield Store(embedded_postgres.url(data), process.pid)


def _created(folder: Path) -> Path:
    folder.mkdir(mode=0o755, parents=True)
    return folder


@contextmanager
def _ended(process: Process) -> Iterator[Process]:
    try:
        yield process
    finally:
        process.stop()
