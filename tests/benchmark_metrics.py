"""What a scrape costs as the ledger grows: `python -m tests.benchmark_metrics [attempts]`.

Fills a private PostgreSQL for each size, with a connection for each attempt and work and events that are due, and asks
a real gunicorn over each for `/metrics` in turns.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psycopg
import requests

from onboarding.sandbox import embedded_postgres, embedded_redis
from onboarding.settings import environment
from onboarding.wiring import wire
from tests.benchmark_attempts import environment_over, fill
from tests.scrape import TOKEN
from tests.service import free_port, running

ROUNDS: Final = 40
CONNECTIONS: Final = """
INSERT INTO connection (owner, identifier, integration, context_keys, workspace_id, workspace_name, attempt_id,
    connected_at, state, since)
SELECT 'owner-' || n, 'i' || n, 'slack-prod', '{}', 'T' || n, 'W', 'a' || n, now(),
    CASE WHEN n %% 50 = 0 THEN 'broken' ELSE 'working' END, now()
FROM generate_series(1, %(size)s) n
"""
CHECKS: Final = """
INSERT INTO work (kind, subject, due_at)
SELECT 'check', 'owner-' || n, now() + interval '1 day' * n / %(size)s FROM generate_series(1, %(size)s) n
"""

EVENTS: Final = """
INSERT INTO event (id, owner, sequence, type, data)
SELECT 'evt_' || n, 'owner-' || n, 1, 'connection.connected', '{}' FROM generate_series(1, %(size)s / 10) n
"""


def main(sizes: list[int]) -> None:
    with ExitStack() as stack:
        urls = [stack.enter_context(filling(size)) for size in sizes]
        for url in urls:
            for path in ("/", "/livez", "/readyz", "/install/x", "/attempts/x", "/openapi.json"):
                requests.get(url + path, timeout=30)
        rounds = [[scrape(url) for url in urls] for _ in range(ROUNDS + 5)][5:]
        for size, column in zip(sizes, zip(*rounds, strict=True), strict=True):
            times = [milliseconds for milliseconds, _ in column]
            middle, worst = statistics.median(times), max(times)
            print(f"{size:>9,} attempts: median {middle:.1f} ms, longest {worst:.1f} ms, {column[-1][1]:,} bytes")


def scrape(url: str) -> tuple[float, int]:
    """Milliseconds, and bytes. Waits until what was read for the last one is forgotten."""
    time.sleep(0.3)
    began = time.perf_counter()
    answer = requests.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    took = time.perf_counter() - began
    assert "onboarding_ledger_up 1.0" in answer.text
    return took * 1000, len(answer.content)


@contextmanager
def filling(size: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        for server in (embedded_redis.start(folder), embedded_postgres.start(folder)):
            stack.callback(server.stop)
        env = {**environment_over(folder, port), "METRICS_TOKEN": TOKEN}
        with psycopg.connect(env["DATABASE_URL"], autocommit=True) as ledger:
            made = wire(environment.load(env))
            fill(made, ledger, size)
            # One event for each connection would take longer to write than all the rest.
            ledger.execute("ALTER TABLE connection DISABLE TRIGGER told")
            for statement in (CONNECTIONS, CHECKS, EVENTS):
                ledger.execute(statement, {"size": size})
            ledger.execute("ALTER TABLE connection ENABLE TRIGGER told")
            made = wire(environment.load(env))
            for _ in range(size // 50_000 + 1):
                made.ledger.lists.fold_tally()
            made.close()
            ledger.execute("VACUUM ANALYZE")
        with running(env, folder / "log", port) as service:
            yield service.url


if __name__ == "__main__":
    main([int(each.replace(",", "")) for each in sys.argv[1:]] or [1_000, 100_000, 1_000_000])
