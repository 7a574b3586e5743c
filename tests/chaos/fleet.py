"""The processes of the Procfile over a private Redis, kept running as a supervisor would. Only its own are ever killed.

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

import requests

from onboarding.sandbox import embedded_redis
from onboarding.sandbox.processes import Process
from tests.chaos import relay
from tests.service import COMMAND

WORKERS: Final = 2
APPEND: Final = 'exec "$@" 2>>"$0"'
"""For `sh -c`: what a process writes to standard error goes to a file, and the process keeps its id."""


class Fleet:
    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = {"PATH": os.environ["PATH"], "WEB_CONCURRENCY": "2", **env}
        self.kills: list[float] = []
        """When web processes were killed, on the monotonic clock."""
        self.surprises: Counter[str] = Counter()
        """Processes that ended without being killed."""
        self._killed: set[int] = set()
        self.redis = embedded_redis.start(folder)
        self._relay = self._start("relay", [sys.executable, relay.__file__, str(relay_socket(folder)), _redis(folder)])
        self._relay.wait_until(relay_socket(folder).exists)
        address = env["PUBLIC_URL"].removeprefix("http://")
        self._web = self._start("web", [*COMMAND, "--bind", address])
        self._workers = [self._start_worker(number) for number in range(WORKERS)]
        self._needed = {self.redis, self._relay, self._web}
        self._web.wait_until(lambda: _is_ready(env["PUBLIC_URL"]))

    @property
    def logs(self) -> dict[str, str]:
        """What each process of the service wrote, by its name."""
        paths = sorted(self._folder.glob("*.log"))
        return {path.stem: path.read_text("utf-8", "replace") for path in paths if path.stem != "relay"}

    @property
    def redis_cuts(self) -> Counter[str]:
        return Counter(_log(self._folder, "relay").read_text("utf-8").split())

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

    def restart_redis(self) -> None:
        self.redis = embedded_redis.start(self._folder)
        self._needed.add(self.redis)

    def cut_redis(self, side: str) -> None:
        os.kill(self._relay.pid, signal.SIGUSR1 if side == "before" else signal.SIGUSR2)

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

    def stop_web(self) -> None:
        """As an operator would: requests under way are answered first."""
        self._needed.discard(self._web)
        self._web.stop()

    def stop(self) -> None:
        for process in (self._web, *self._workers, self._relay, self.redis):
            if process.exit_code is None:
                process.stop()

    def stop_workers(self) -> None:
        for worker in self._workers:
            worker.stop()

    def _start_worker(self, number: int) -> Process:
        return self._start(f"worker-{number}", [sys.executable, "-m", "onboarding.worker"])

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


def relay_socket(folder: Path) -> Path:
    return folder / "relay.sock"


def _redis(folder: Path) -> str:
    return embedded_redis.url(folder).removeprefix("unix://")


def _log(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=1).status_code == 200
    except requests.RequestException:
        time.sleep(0.05)
        return False
