"""The local Slack and Novu from the outside: start them, set their delay, read what they counted."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.certificates import Certificates
from bench.processes import Child, Command


@dataclass(frozen=True, slots=True)
class Remote:
    """Where an app finds Slack and Novu, and whom it has to trust to talk to them (nobody over plain HTTP)."""

    slack: str
    novu: str
    certificates: Certificates | None
    pid: int
    desk_port: int

    def delay(self, seconds: float) -> None:
        """Let every answer from now on wait so long."""
        self._ask("PUT", f"{seconds}")

    def counts(self) -> Counter[str]:
        return Counter(self._ask("GET"))

    def _ask(self, method: str, body: str | None = None) -> dict[str, int]:
        desk = http.client.HTTPConnection("127.0.0.1", self.desk_port, timeout=10)
        try:
            desk.request(method, "/", body)
            counts: dict[str, int] = json.loads(desk.getresponse().read())
        finally:
            desk.close()
        return counts


@contextmanager
def running(folder: Path, certificates: Certificates | None) -> Iterator[Remote]:
    slack, novu, desk = (free_port() for _ in range(3))
    words = [sys.executable, "-m", "bench.upstream", f"--slack={slack}", f"--novu={novu}", f"--desk={desk}"]
    if certificates:
        words.append(f"--certificate={certificates.server}")
    child = Child(Command("the local Slack and Novu", words, folder / "upstream.log"))
    scheme = "https" if certificates else "http"
    try:
        child.wait_until(lambda: accepts(desk))
        yield Remote(f"{scheme}://127.0.0.1:{slack}", f"{scheme}://127.0.0.1:{novu}", certificates, child.pid, desk)
    finally:
        child.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
