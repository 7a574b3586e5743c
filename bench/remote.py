"""The local Slack, Novu and host from the outside: start them, set their delay, read what they counted."""

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
    host: str
    certificates: Certificates | None
    pid: int
    desk_port: int

    def delay(self, seconds: float) -> None:
        """Let every answer from now on wait so long."""
        self._ask("PUT", f"{seconds}")

    def send_novu_away(self, is_away: bool) -> None:
        """Let Novu answer 503 from now on, or as usual again."""
        self._ask("PUT", "1" if is_away else "0", "/novu")

    def counts(self) -> Counter[str]:
        return Counter(self._ask("GET"))

    def _ask(self, method: str, body: str | None = None, path: str = "/") -> dict[str, int]:
        desk = http.client.HTTPConnection("127.0.0.1", self.desk_port, timeout=10)
        try:
            desk.request(method, path, body)
            counts: dict[str, int] = json.loads(desk.getresponse().read())
        finally:
            desk.close()
        return counts


@contextmanager
def running(folder: Path, certificates: Certificates | None) -> Iterator[Remote]:
    ports = {name: free_port() for name in ("slack", "novu", "host", "desk")}
    words = [sys.executable, "-m", "bench.upstream", *(f"--{name}={port}" for name, port in ports.items())]
    if certificates:
        words.append(f"--certificate={certificates.server}")
    child = Child(Command("the local Slack and Novu", words, folder / "upstream.log"))
    scheme = "https" if certificates else "http"
    try:
        child.wait_until(lambda: accepts(ports["desk"]))
        slack, novu, host = (f"{scheme}://127.0.0.1:{ports[name]}" for name in ("slack", "novu", "host"))
        yield Remote(slack, novu, host, certificates, child.pid, ports["desk"])
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
