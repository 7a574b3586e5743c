"""What one install asks of Redis and PostgreSQL, counted by the two themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from psycopg import sql

from onboarding.wiring import Wiring
from tests.aging import Database
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person

STATEMENT = re.compile(r"LOG:  (?:execute [^:]+|statement):\s+(.{0,60})")


@dataclass(slots=True)
class Asked:
    """`redis` is how often Redis read something, `statements` how each statement began that reached PostgreSQL."""

    redis: int = 0
    statements: list[str] = field(default_factory=list)


class Counters:
    def __init__(self, store: redis.Redis, ledger_db: Database) -> None:
        self._store = store
        self._ledger = ledger_db
        [found] = ledger_db.execute("SELECT current_database() AS name").fetchall()
        logged = sql.SQL("ALTER DATABASE {} SET log_statement = 'all'").format(sql.Identifier(found["name"]))
        ledger_db.execute(logged)

    @contextmanager
    def counting(self) -> Iterator[Asked]:
        asked, reads, size = Asked(), self._reads(), self._size()
        yield asked
        # Asking Redis is a read as well.
        asked.redis = self._reads() - reads - 1
        [log] = self._ledger.execute("SELECT pg_read_file('log', %s, 1000000) AS text", [size]).fetchall()
        asked.statements = STATEMENT.findall(log["text"])

    def _reads(self) -> int:
        stats: Any = self._store.info("stats")
        return int(stats["total_reads_processed"])

    def _size(self) -> int:
        [log] = self._ledger.execute("SELECT size FROM pg_stat_file('log')").fetchall()
        return int(log["size"])


@pytest.fixture
def counters(store: redis.Redis, ledger_db: Database) -> Counters:
    return Counters(store, ledger_db)


@pytest.fixture
def seasoned(counters: Counters, person: Person, mint: MintLink) -> Person:
    """Somebody in front of a service that has done this before: every connection is open, every script is known."""
    person.install(mint(context={"tenant": "another"}))
    return person


def test_a_start_takes_one_round_trip_to_redis_and_one_statement(
    seasoned: Person, counters: Counters, link: str
) -> None:
    landing = seasoned.open(link)
    found = re.search(r'name="csrf_token" value="([^"]+)"', landing.source)
    assert found
    with counters.counting() as asked:
        assert seasoned.open(link, "POST", data={"csrf_token": found[1]}).status == 303
    assert asked.redis == 1
    assert len(asked.statements) == 1, asked.statements


def test_a_return_takes_one_round_trip_to_redis_and_three_statements(
    seasoned: Person, counters: Counters, link: str, slack: LocalSlack, novu: LocalNovu, ledger_db: Database
) -> None:
    path = seasoned.come_back(link)
    redeemed, created = slack.state.redeem_count, novu.state.requests("create")
    with counters.counting() as asked:
        back = seasoned.open(path)
    assert seasoned.follow(back).heading == "Acme HQ is connected"
    assert asked.redis == 1
    assert len(asked.statements) == 3, asked.statements
    assert (slack.state.redeem_count, novu.state.requests("create")) == (redeemed + 1, created + 1)
    assert ledger_db.execute("SELECT FROM work WHERE kind = 'deliver'").fetchall() == []


def test_pages_ask_redis_nothing(seasoned: Person, counters: Counters, link: str) -> None:
    back = seasoned.open(seasoned.come_back(link))
    with counters.counting() as asked:
        assert seasoned.open(link).status == 200
        assert seasoned.follow(back).status == 200
        assert seasoned.open(f"{back.location}/status").status == 200
    assert asked.redis == 0
    # Where notifications go lies with the connection: one more each for the page and its status. And the landing page
    # looks whether it is in front of the browser that connected.
    assert len(asked.statements) == 6, asked.statements


def test_a_link_that_is_in_the_ledger_is_read_once_for_each_page(
    seasoned: Person, counters: Counters, wiring: Wiring
) -> None:
    short = wiring.minting.mint({"subscriberId": "subscriber-123"}, None)
    wiring.minting.record(short, "somebody")
    path = wiring.minting.url(short).removeprefix(wiring.settings.public_url)
    with counters.counting() as asked:
        assert seasoned.press(path).status == 303
    assert asked.redis == 1
    assert len(asked.statements) == 4, asked.statements
