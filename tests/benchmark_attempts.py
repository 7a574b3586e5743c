"""What the list of attempts costs as it grows: `python -m tests.benchmark_attempts [attempts]`.

Fills a private Redis through the service's own scripts' layout, then asks a real gunicorn for the first page, a page in
the depth, a filter, a search and the overview; prints medians in milliseconds, and the memory that one attempt takes.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing import Process
from pathlib import Path
from typing import Final

import redis
import requests

from onboarding import config
from onboarding.attempts import steps
from onboarding.model import Attempt, Event, Grant, LastConnection, Reason, Secret, Status, Workspace
from onboarding.sandbox import embedded_redis
from onboarding.wiring import Wiring, wire
from tests.service import free_port, running

PASSWORD: Final = "a password to measure with"
ROUNDS: Final = 60
PER_PAGE: Final = 50
FILLERS: Final = 2
COLUMNS: Final = ("first page", "deep page", "filtered", "search", "overview", "bytes each")


def main(sizes: list[int]) -> None:
    print(f"{'attempts':>10}" + "".join(f"{name:>12}" for name in COLUMNS))
    for size in sizes:
        print(f"{size:>10,}" + "".join(f"{figure:>12}" for figure in measure(size)), flush=True)


def measure(size: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        server = embedded_redis.start(Path(folder))
        port = free_port()
        env = _environment(embedded_redis.url(Path(folder)), port)
        store = redis.Redis.from_url(env["REDIS_URL"], decode_responses=True)
        empty = int(store.info("memory")["used_memory"])
        fill(env, size)
        each = (int(store.info("memory")["used_memory"]) - empty) / size
        with running(env, Path(folder) / "log", port) as service:
            session = _signed_in(service.url)
            deep = _cursor_at(store, min(1_000, size // PER_PAGE) - 1)
            for path in (
                "/admin/attempts",
                f"/admin/attempts?after={deep}",
                "/admin/attempts?status=failed&subscriber=subscriber-7",
                "/admin/attempts?q=workspace 4",
                "/admin",
            ):
                yield f"{_median(lambda path=path: _get(session, service.url + path)):.1f}"  # type: ignore[misc]
        yield f"{each:,.0f}"
        server.stop()


def fill(env: dict[str, str], size: int) -> None:
    """Attempts of the last 29 days: four in five connected, the rest cancelled."""
    fillers = [Process(target=_fill, args=(env, size, first)) for first in range(FILLERS)]
    for filler in fillers:
        filler.start()
    for filler in fillers:
        filler.join()


def _fill(env: dict[str, str], size: int, first: int) -> None:
    made, start = wire(config.load(env)), datetime.now(UTC) - timedelta(days=29)
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
        "LOG_LEVEL": "WARNING",
    }


def _signed_in(url: str) -> requests.Session:
    session = requests.Session()
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
    return f"{int(float(str(entry[1])))}.{entry[0]}"


def _get(session: requests.Session, url: str) -> None:
    session.get(url, timeout=30, allow_redirects=False).raise_for_status()


def _median(ask: Callable[[], None]) -> float:
    ask()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    main([int(each.replace(",", "")) for each in sys.argv[1:]] or [1_000, 1_000_000])
