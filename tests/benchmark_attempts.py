"""What the list of attempts costs as it grows: `python -m tests.benchmark_attempts [attempts]`.

Fills a private Redis for each size through the service's own scripts, then asks a real gunicorn over each for pages,
a filter, a search and the overview in turns; prints medians, and the memory that one attempt takes. The last page
stands in for page 1,000 where there are fewer.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import Process
from pathlib import Path
from typing import Final

import redis
import requests

from onboarding.ledger import steps
from onboarding.model import Attempt, Event, Grant, LastConnection, Reason, Secret, Status, Workspace
from onboarding.sandbox import embedded_redis
from onboarding.settings import environment
from onboarding.wiring import Wiring, wire
from tests.service import free_port, running

PASSWORD: Final = "a password to measure with"
API_KEY: Final = "a-key-to-measure-with-that-is-long-enough"
ROUNDS: Final = 60
PER_PAGE: Final = 50
FILLERS: Final = 2
QUESTIONS: Final = {
    "first page": "/admin/attempts",
    "page 1,000": "/admin/attempts?after={deep}",
    "filtered": "/admin/attempts?status=connected&subscriber=subscriber-7",
    "search": "/admin/attempts?q=workspace 4",
    "overview": "/admin",
    "API": "/v1/attempts?status=connected",
}


@dataclass(frozen=True, slots=True)
class Filled:
    """A service over a Redis that holds so many attempts, and somebody signed in to it."""

    size: int
    url: str
    session: requests.Session
    deep: str
    bytes_each: float

    def ask(self, path: str) -> float:
        """Milliseconds until the whole page is there."""
        began = time.perf_counter()
        url = self.url + path.format(deep=self.deep)
        self.session.get(url, timeout=30, allow_redirects=False).raise_for_status()
        return (time.perf_counter() - began) * 1000


def main(sizes: list[int]) -> None:
    with ExitStack() as stack:
        filled = [stack.enter_context(filling(size)) for size in sizes]
        print(f"{'milliseconds':<16}" + "".join(f"{each.size:>12,}" for each in filled) + f"{'ratio':>8}")
        for name, path in QUESTIONS.items():
            medians = measure(filled, path)
            print(f"{name:<16}" + "".join(f"{each:>12.1f}" for each in medians) + f"{medians[-1] / medians[0]:>8.2f}")
        print(f"{'bytes each':<16}" + "".join(f"{each.bytes_each:>12,.0f}" for each in filled))


def measure(filled: list[Filled], path: str) -> list[float]:
    """Medians. The sizes take turns, so that whatever else the machine does slows all of them down alike."""
    times = [[each.ask(path) for each in filled] for _ in range(ROUNDS + 5)][5:]
    return [statistics.median(column) for column in zip(*times, strict=True)]


@contextmanager
def filling(size: int) -> Iterator[Filled]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        server = embedded_redis.start(Path(folder))
        port = free_port()
        env = _environment(embedded_redis.url(Path(folder)), port)
        store = redis.Redis.from_url(env["REDIS_URL"], decode_responses=True)
        empty = int(store.info("memory")["used_memory"])
        fill(env, size)
        each = (int(store.info("memory")["used_memory"]) - empty) / size
        with running(env, Path(folder) / "log", port) as service:
            deep = _cursor_at(store, min(1_000, size // PER_PAGE) - 1)
            yield Filled(size, service.url, _signed_in(service.url), deep, each)
        server.stop()


def fill(env: dict[str, str], size: int) -> None:
    """Attempts of the last 29 days: four in five connected, the rest cancelled."""
    fillers = [Process(target=_fill, args=(env, size, first)) for first in range(FILLERS)]
    for filler in fillers:
        filler.start()
    for filler in fillers:
        filler.join()


def _fill(env: dict[str, str], size: int, first: int) -> None:
    made, start = wire(environment.load(env)), datetime.now(UTC) - timedelta(days=29)
    for number in range(first, size, FILLERS):
        _add(made, number, start + timedelta(days=29) * number / size)


def _add(made: Wiring, number: int, at: datetime) -> None:
    fields = {"subscriberId": f"subscriber-{number % (max(number, 10) // 2 + 1)}", "account": f"Customer {number}"}
    link = made.links.mint(fields, None, at)
    attempt = Attempt(f"{number:022}", link, Status.STARTED, at, "x" * 64, timeline=(Event(at, "started"),))
    made.attempts.start(attempt)
    if number % 5 == 0:
        made.attempts.move(attempt, steps.ended(Reason.DENIED_BY_PERSON, "", at, made.attempts.retention))
        return
    workspace = Workspace(f"T{number % 50_000:09}", f"Workspace {number % 50_000}")
    grant = Grant(workspace, Secret("xoxb-1"), frozenset(), at)
    made.attempts.move(attempt, steps.granted(grant, "sealed", made.attempts.retention))
    made.attempts.move(
        attempt,
        steps.connected(LastConnection(attempt.id, workspace, None, at), link.identifier, made.attempts.retention),
    )


def _environment(redis_url: str, port: int) -> dict[str, str]:
    return {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": "a key to measure with that is long enough",
        "REDIS_URL": redis_url,
        "SLACK_CLIENT_ID": "1.1",
        "SLACK_CLIENT_SECRET": "secret",
        "SLACK_URL": "http://127.0.0.1:1",
        "NOVU_SECRET_KEY": "key",
        "NOVU_URL": "http://127.0.0.1:1",
        "NOVU_INTEGRATION_IDENTIFIER": "slack-prod",
        "ADMIN_PASSWORD": PASSWORD,
        "API_KEYS": API_KEY,
        "LOG_LEVEL": "WARNING",
    }


def _signed_in(url: str) -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {API_KEY}"
    form = session.get(f"{url}/admin/sign-in", timeout=5).text
    found = re.search(r'name="csrf_token" value="([^"]+)"', form)
    assert found
    data = {"csrf_token": found[1], "password": PASSWORD}
    session.post(f"{url}/admin/sign-in", data=data, timeout=5).raise_for_status()
    return session


def _cursor_at(store: redis.Redis, page: int) -> str:
    """What the link to that page would hold."""
    if page == 0:
        return ""
    [entry] = store.zrevrange("onboarding:list:all", page * PER_PAGE - 1, page * PER_PAGE - 1, withscores=True)
    attempt_id, start = str(entry[0]), float(str(entry[1]))
    return f"{start:.0f}.{attempt_id}"


if __name__ == "__main__":
    main([int(each.replace(",", "")) for each in sys.argv[1:]] or [1_000, 1_000_000])
