"""What the list of attempts costs as it grows: `python -m tests.benchmark_attempts [attempts]`.

Lets the service make a few attempts in a private PostgreSQL for each size, multiplies them there, then asks a real
gunicorn over each for pages, a filter, a search and the overview in turns. Prints medians, and the bytes that one
attempt takes with all its indexes. If there are fewer than 1,000 pages, the last one is asked for instead.
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
from pathlib import Path
from typing import Final

import psycopg
import requests

from onboarding.ledger.attempts import Ending
from onboarding.ledger.connected import Made
from onboarding.model import Grant, Reason, Secret, Workspace
from onboarding.sandbox import embedded_postgres, embedded_redis
from onboarding.settings import environment
from onboarding.wiring import Wiring, wire
from tests.aging import make_past_months
from tests.service import free_port, running

PASSWORD: Final = "a password to measure with"
API_KEY: Final = "a-key-to-measure-with-that-is-long-enough"
ROUNDS: Final = 60
PER_PAGE: Final = 50
QUESTIONS: Final = {
    "first page": "/admin/attempts",
    "page 1,000": "/admin/attempts?after={deep}",
    "filtered": "/admin/attempts?status=connected&subscriber=subscriber-7",
    "search": "/admin/attempts?q=workspace 4",
    "overview": "/admin",
    "API": "/v1/attempts?status=connected",
}
# Four in five are connected, the rest was cancelled, over the last 29 days.
MULTIPLY: Final = """
WITH numbers AS (
    SELECT n, lpad(n::text, 22, '0') AS id, n %% 50000 AS workspace,
        now() - interval '29 days' * (1 - n::float / %(size)s) AS at,
        'subscriber-' || n %% (%(size)s / 2 + 1) AS subscriber
    FROM generate_series(1, %(size)s) n
)
INSERT INTO attempt (id, status, reason, detail, browser, link_id, link, is_short, link_expires_at, owner, integration,
    subscriber_id, context_keys, started_at, returned_at, workspace_id, workspace_name, grant_order, connection,
    timeline, forget_at)
SELECT numbers.id, status, reason, detail, browser, link_id, link, is_short, link_expires_at, owner || n, integration,
    subscriber, context_keys, at, returned_at, 'T' || workspace + workspace_id::int, 'Workspace ' || workspace,
    grant_order, connection, timeline, forget_at
FROM numbers JOIN attempt ON attempt.id = CASE WHEN n %% 5 = 0 THEN %(cancelled)s ELSE %(connected)s END
"""
WORDS: Final = """
INSERT INTO term (folded, kind, value, name)
SELECT DISTINCT subscriber_id, 'subscriber', subscriber_id, subscriber_id FROM attempt
UNION SELECT DISTINCT 'customer', 'subscriber', subscriber_id, 'Customer' FROM attempt
UNION SELECT DISTINCT lower(workspace_name), 'workspace', workspace_id, workspace_name FROM attempt
WHERE workspace_id IS NOT NULL ON CONFLICT DO NOTHING
"""
BYTES: Final = """
SELECT pg_total_relation_size('term') + sum(pg_total_relation_size(relid))::bigint FROM pg_partition_tree('attempt')
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """A service over a ledger that holds so many attempts, and somebody signed in to it."""

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
    with tempfile.TemporaryDirectory(prefix="onboarding-") as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        for server in (embedded_redis.start(folder), embedded_postgres.start(folder)):
            stack.callback(server.stop)
        env = environment_over(folder, port)
        with psycopg.connect(env["DATABASE_URL"], autocommit=True) as ledger:
            fill(wire(environment.load(env)), ledger, size)
            each, deep = _row(ledger, BYTES)[0] / size, _cursor_at(ledger, min(1_000, size // PER_PAGE) - 1)
        with running(env, folder / "log", port) as service:
            yield Filled(size, service.url, _signed_in(service.url), deep, each)


def fill(made: Wiring, ledger: psycopg.Connection, size: int) -> None:
    """A connected and a cancelled attempt as the service makes them, and so many more that differ in their values."""
    ids = {"cancelled": _cancelled(made), "connected": _connected(made)}
    make_past_months(ledger)
    ledger.execute(MULTIPLY, {**ids, "size": size})
    ledger.execute(WORDS)
    made.ledger.lists.fold_tally()
    ledger.execute("VACUUM ANALYZE")
    made.close()


def _cancelled(made: Wiring) -> str:
    attempt_id = _started(made, "cancelled")
    made.ledger.attempts.end(attempt_id, Ending(Reason.DENIED_BY_PERSON))
    return attempt_id


def _connected(made: Wiring) -> str:
    attempt_id, workspace = _started(made, "connected"), Workspace("1000000000", "Workspace")
    grant = Grant(workspace, Secret("xoxb-1"), frozenset(), datetime.now(UTC))
    made.ledger.grants.keep(attempt_id, grant, "sealed", "lease", timedelta(0))
    attempt = made.ledger.attempts.get(attempt_id)
    assert attempt
    made.ledger.grants.connect(attempt, Made(attempt.link.identifier, workspace, None, None), "lease")
    return attempt_id


def _started(made: Wiring, name: str) -> str:
    link = made.links.mint({"subscriberId": name, "account": "Customer"}, None, made.clock())
    made.ledger.attempts.start(f"{name:_<22}", link, "x" * 22)
    return f"{name:_<22}"


def environment_over(folder: Path, port: int) -> dict[str, str]:
    return {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": "a key to measure with that is long enough",
        "DATABASE_URL": embedded_postgres.url(folder),
        "REDIS_URL": embedded_redis.url(folder),
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


def _cursor_at(ledger: psycopg.Connection, page: int) -> str:
    """What the link to that page would hold."""
    if page == 0:
        return ""
    at, attempt_id = _row(
        ledger,
        "SELECT extract(epoch FROM started_at) * 1000000, id FROM attempt ORDER BY started_at DESC, id DESC"
        f" OFFSET {page * PER_PAGE - 1} LIMIT 1",
    )
    return f"{int(at)}.{attempt_id}"


def _row(ledger: psycopg.Connection, statement: str) -> tuple:  # type: ignore[type-arg]
    row = ledger.execute(statement).fetchone()
    assert row
    return tuple(row)


if __name__ == "__main__":
    main([int(each.replace(",", "")) for each in sys.argv[1:]] or [1_000, 1_000_000])
