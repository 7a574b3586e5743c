"""The service as in production: gunicorn over a real port, its log in a file."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

COMMAND = [sys.executable, "-m", "gunicorn", "-c", "python:onboarding.web.server"]


@dataclass(frozen=True, slots=True)
class Service:
    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii")
        return [int(pid) for pid in children.split()]


@contextmanager
def running(env: Mapping[str, str], log: Path, port: int) -> Iterator[Service]:
    """Start it on loopback with `env` and nothing else, and stop it as an operator would."""
    url = f"http://127.0.0.1:{port}"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*COMMAND, "--bind", f"127.0.0.1:{port}"],
            env={"PATH": os.environ["PATH"], "PUBLIC_URL": url, **env},
            stdout=output,
            stderr=output,
            cwd="/",
        )
    try:
        _wait(url, process)
        yield Service(url, log, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(45)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        assert process.poll() is None, "the service did not start"
        try:
            requests.get(f"{url}/livez", timeout=1)
        except requests.ConnectionError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("the service did not answer")
