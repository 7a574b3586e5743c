"""The processes of the Procfile over private stores, kept running as a supervisor would. Only its own are ever killed.

Children are started from one thread only: the kernel ends them when the thread that started them ends.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

import redis
import requests
from psycopg.conninfo import conninfo_to_dict

from onboarding.sandbox import embedded_postgres, embedded_redis
from onboarding.sandbox.processes import Process
from tests.chaos import relay
from tests.postgres import Server
from tests.service import COMMAND

WORKERS: Final = 2
APPEND: Final = 'exec "$@" 2>>"$0"'
"""For `sh -c`: what a process writes to standard error goes to a file, and the process keeps its id."""


class Postgres(Server):
    """As in production: what it has committed outlives whatever is done to it."""

    is_wanted = False

    def start(self) -> None:
        self._process = embedded_postgres.start(self._folder)
        self.is_wanted = True

    def crash(self) -> None:
        self.is_wanted = False
        super().crash()

    @property
    def has_ended_by_itself(self) -> bool:
        return self.is_wanted and self._process.exit_code is not None


class Fleet:
    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = {"PATH": os.environ["PATH"], "WEB_CONCURRENCY": "2", **env}
        self.kills: list[float] = []
        """When web processes were killed, on the monotonic clock."""
        self.surprises: Counter[str] = Counter()
        """Processes that ended without being killed."""
        self._killed: set[int] = set()
        self.postgres = Postgres(folder)
        self.redis = embedded_redis.start(folder)
        self._relays = {name: self._start_relay(name) for name in ("redis", "postgres")}
        address = env["PUBLIC_URL"].removeprefix("http://")
        self._web = self._start("web", [*COMMAND, "--bind", address])
        self._workers = [self._start_worker(number) for number in range(WORKERS)]
        self._needed = {self.redis, *self._relays.values(), self._web}
        self._web.wait_until(lambda: _is_ready(env["PUBLIC_URL"]))

    @property
    def logs(self) -> dict[str, str]:
        """What each process of the service wrote, by its name."""
        paths = sorted(self._folder.glob("*.log"))
        return {path.stem: path.read_text("utf-8", "replace") for path in paths if not path.stem.startswith("relay")}

    @property
    def cuts(self) -> Counter[str]:
        logs = [_log(self._folder, f"relay-{name}").read_text("utf-8") for name in self._relays]
        return Counter(" ".join(logs).split())

    def kill_webs(self, pick: int | None = None) -> None:
        """Kill one of gunicorn's workers, or all."""
        children = Path(f"/proc/{self._web.pid}/task/{self._web.pid}/children").read_text("ascii").split()
        chosen = children if pick is None else [children[pick % len(children)]] if children else []
        self.kills.append(time.monotonic())
        for pid in chosen:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def kill_workers(self, pick: int | None = None) -> None:
        """Kill one background worker, or all. `supervise` starts others."""
        for worker in self._workers if pick is None else [self._workers[pick % WORKERS]]:
            self._killed.add(worker.pid)
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)

    def kill_redis(self) -> None:
        self._needed.discard(self.redis)
        self.redis.kill()

    def start_redis(self) -> None:
        self.redis = embedded_redis.start(self._folder)
        self._needed.add(self.redis)

    def wipe_redis(self) -> None:
        with redis.Redis.from_url(embedded_redis.url(self._folder)) as client:
            client.flushall()

    def cut(self, name: str, side: str) -> None:
        """Cut the wire to Redis or to PostgreSQL."""
        os.kill(self._relays[name].pid, signal.SIGUSR1 if side == "before" else signal.SIGUSR2)

    def supervise(self) -> None:
        """Start every worker that ended again. Whatever else ended by itself is beyond help."""
        for number, worker in enumerate(self._workers):
            if worker.exit_code is not None:
                if worker.pid not in self._killed:
                    self.surprises[f"worker ended with status {worker.exit_code}"] += 1
                self._workers[number] = self._start_worker(number)
        for process in self._needed:
            if process.exit_code is not None:
                raise RuntimeError(f"{process.name} ended with status {process.exit_code}")
        if self.postgres.has_ended_by_itself:
            raise RuntimeError("postgres has ended by itself")

    def stop_web(self) -> None:
        """As an operator would: requests under way are answered first."""
        self._needed.discard(self._web)
        self._web.stop()

    def stop(self) -> None:
        for process in (self._web, *self._workers, *self._relays.values(), self.redis):
            if process.exit_code is None:
                process.stop()
        self.postgres.stop()

    def stop_workers(self) -> None:
        for worker in self._workers:
            worker.stop()

    def _start_worker(self, number: int) -> Process:
        return self._start(f"worker-{number}", [sys.executable, "-m", "onboarding.worker"])

    def _start_relay(self, name: str) -> Process:
        near, far = _sockets(self._folder)[name]
        near.parent.mkdir(exist_ok=True)
        relayed = self._start(f"relay-{name}", [sys.executable, relay.__file__, name, str(near), str(far)])
        relayed.wait_until(near.exists)
        return relayed

    def _start(self, name: str, command: Sequence[str]) -> Process:
        logged = ["/bin/sh", "-c", APPEND, str(_log(self._folder, name)), *command]
        return Process(name, logged, self._env, quiet=True)


@contextmanager
def running(folder: Path, env: Mapping[str, str]) -> Iterator[Fleet]:
    fleet = Fleet(folder, env)
    try:
        yield fleet
    finally:
        fleet.stop()


def redis_url(folder: Path) -> str:
    """Through the relay, as the service is to use it."""
    near, _ = _sockets(folder)["redis"]
    return f"unix://{near}"


def database_url(folder: Path) -> str:
    """Through the relay, as the service is to use it."""
    near, far = _sockets(folder)["postgres"]
    return embedded_postgres.url(folder).replace(quote(str(far.parent), safe=""), quote(str(near.parent), safe=""))


def _sockets(folder: Path) -> dict[str, tuple[Path, Path]]:
    """The near and the far end of each relay."""
    place = conninfo_to_dict(embedded_postgres.url(folder))
    far = {
        "redis": Path(embedded_redis.url(folder).removeprefix("unix://")),
        "postgres": Path(str(place["host"]), f".s.PGSQL.{place['port']}"),
    }
    return {name: (folder / "relay" / path.name, path) for name, path in far.items()}


def _log(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=1).status_code == 200
    except requests.RequestException:
        time.sleep(0.05)
        return False
