"""One app while it runs: gunicorn and, if it has one, its worker."""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import processes
from bench.apps import App
from bench.processes import Child, Command
from bench.remote import Remote, free_port

IDLE: Final = 0.004
"""CPU seconds in a tenth of a second, below which nothing is going on."""


@dataclass(frozen=True, slots=True)
class Service:
    app: App
    port: int
    web_pid: int
    worker_pid: int | None
    cold_start: float

    def cpu_seconds(self) -> float:
        """Of web and worker together, so far."""
        return sum(map(processes.cpu_seconds, self._pids()))

    def wait_until_idle(self) -> None:
        """What is still going on would count as part of the next step: imports, or a thread that has not finished."""
        for _ in range(100):
            before = self.cpu_seconds()
            time.sleep(0.1)
            if self.cpu_seconds() - before < IDLE:
                return

    def _pids(self) -> list[int]:
        return [self.web_pid] if self.worker_pid is None else [self.web_pid, self.worker_pid]


@contextmanager
def running(app: App, remote: Remote, folder: Path) -> Iterator[Service]:
    """Start gunicorn and time it to its first answer; then start the worker. `folder` keeps what they log."""
    port, env = free_port(), app.env(remote)
    with ExitStack() as stack:
        began = time.perf_counter()
        words = (*app.web, "--bind", f"127.0.0.1:{port}")
        web = Child(Command(app.name, words, folder / f"{app.name}.log", env, app.folder))
        stack.callback(web.stop)
        web.wait_until(lambda: _is_up(port))
        cold_start = time.perf_counter() - began
        worker_pid = None
        if app.worker:
            worker = Child(Command(f"{app.name} worker", app.worker, folder / f"{app.name}.log", env, app.folder))
            stack.callback(worker.stop)
            worker_pid = worker.pid
        try:
            yield Service(app, port, web.pid, worker_pid, cold_start)
        except Exception:
            sys.stderr.write(processes.last_words(folder / f"{app.name}.log"))
            raise


def _is_up(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
