"""Reads what everybody has used so far: the kernel's CPU times, PostgreSQL's and Redis' own counts, calls at Slack.

CPU is read by process, so it is right on a machine that is busy with other things; only waiting times are not.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
import redis

from bench import processes
from bench.apps import App
from bench.remote import Remote
from bench.service import Service

FLUSHED: Final = 11.0
"""A session of PostgreSQL that has nothing to do tells what it counted after ten seconds."""
OURS: Final = {"info", "client|setinfo", "hello", "ping"}
"""Commands that nobody needs for an install."""
DATABASE: Final = """
    SELECT xact_commit, tup_inserted + tup_updated + tup_deleted, tup_returned + tup_fetched,
        (SELECT wal_fpi FROM pg_stat_wal), (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint),
        (SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint)
    FROM pg_stat_database WHERE datname = current_database()
"""
SIZES: Final = """
    SELECT coalesce(parent.relname, c.relname), sum(pg_total_relation_size(c.oid))::bigint
    FROM pg_class c LEFT JOIN pg_inherits ON inhrelid = c.oid LEFT JOIN pg_class parent ON parent.oid = inhparent
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 1
"""

Amounts = Counter[str]
"""By what is counted. Times are in milliseconds of CPU."""


@dataclass(frozen=True, slots=True)
class Meter:
    running: Service
    remote: Remote
    ledger: psycopg.Connection
    redis: redis.Redis

    def read(self) -> Amounts:
        """Everything so far. Waits until PostgreSQL has told what it counted."""
        time.sleep(FLUSHED)
        return Counter({"seconds": time.monotonic()}) + self._cpu() + self._database() + self._redis() + self._calls()

    def wal(self) -> int:
        row = self.ledger.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()
        assert row
        return int(row[0])

    def sizes(self) -> Amounts:
        """Bytes of each table with its indexes; a table in parts counts as one."""
        return Counter(dict(self.ledger.execute(SIZES).fetchall()))

    def _cpu(self) -> Amounts:
        stores = {name: store.pid for name, store in self.running.app.stores.items()}
        pids = {"web_ms": self.running.web_pid, "worker_ms": self.running.worker_pid or 0}
        pids |= {f"{name}_ms": pid for name, pid in stores.items()}
        return Counter({name: processes.cpu_seconds(pid) * 1000 for name, pid in pids.items()})

    def _database(self) -> Amounts:
        names = ("statements", "rows_written", "rows_read", "pages", "writes", "wal")
        row = self.ledger.execute(DATABASE).fetchone()
        assert row
        return Counter(dict(zip(names, map(int, row), strict=True)))

    def _redis(self) -> Amounts:
        commands: dict[str, dict[str, int]] = self.redis.info("commandstats")
        calls = sum(each["calls"] for name, each in commands.items() if name.removeprefix("cmdstat_") not in OURS)
        stats = self.redis.info("stats")
        moved = stats["total_net_input_bytes"] + stats["total_net_output_bytes"]
        memory = self.redis.info("memory")["used_memory"]
        return Counter({"redis_commands": calls, "redis_bytes": moved, "redis_memory": memory})

    def _calls(self) -> Amounts:
        counts = self.remote.counts()
        slack = sum(number for name, number in counts.items() if " /api/" in name)
        novu = sum(number for name, number in counts.items() if " /v1/" in name)
        return Counter({"slack": slack, "novu": novu, "host": counts["POST /hear"]})


@contextmanager
def reading(app: App, running: Service, remote: Remote) -> Iterator[Meter]:
    postgres, store = app.stores["postgres"], app.stores["redis"]
    with psycopg.connect(postgres.url, autocommit=True) as ledger, redis.Redis.from_url(store.url) as client:
        yield Meter(running, remote, ledger, client)


def used(before: Amounts, after: Amounts, idle: Mapping[str, float], number: int) -> dict[str, float]:
    """What one of so many took, without what happens anyway in that time (`idle`, a second)."""
    seconds = after["seconds"] - before["seconds"]
    return {
        name: (after[name] - before[name] - idle.get(name, 0) * seconds) / number
        for name in after.keys() | before.keys()
        if name != "seconds"
    }
