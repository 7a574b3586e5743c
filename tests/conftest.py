"""Real parts for every test: a private PostgreSQL and Redis, a local Slack and a local Novu across real HTTP."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import redis
from flask import Flask
from psycopg.rows import DictRow, dict_row

from onboarding import create_app
from onboarding.sandbox import embedded_postgres, embedded_redis
from onboarding.sandbox.novu import create_novu
from onboarding.sandbox.serve import serving
from onboarding.sandbox.slack import SlackApp, create_slack
from onboarding.wiring import Wiring
from tests.fakes import CLIENT_SECRET, NOVU_KEY, SECRET_KEY, LocalNovu, LocalSlack
from tests.person import Person
from tests.postgres import Databases, Server
from tests.witness import Witness

MakePerson = Callable[..., Person]
MintLink = Callable[..., str]


@pytest.fixture(scope="session")
def witness() -> Iterator[Witness]:
    """Keeps everything that any test saw the service produce; no secret may be in it at the end."""
    witness = Witness()
    witness.secrets |= {SECRET_KEY, CLIENT_SECRET, NOVU_KEY}
    logging.getLogger().addHandler(witness)
    yield witness
    logging.getLogger().removeHandler(witness)
    assert witness.leaks() == []


@pytest.fixture(scope="session")
def redis_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        server = embedded_redis.start(Path(folder))
        yield Path(folder)
        server.stop()


@pytest.fixture(scope="session")
def _redis_client(redis_folder: Path) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(embedded_redis.url(redis_folder), decode_responses=True) as client:
        yield client


@pytest.fixture
def store(_redis_client: redis.Redis) -> redis.Redis:
    """The Redis behind the service, empty at the start of each test."""
    _redis_client.flushall()
    return _redis_client


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        server = embedded_postgres.start(Path(folder), is_durable=False)
        try:
            with closing(Databases(embedded_postgres.url(Path(folder)))) as databases:
                yield databases
        finally:
            server.stop()


@pytest.fixture
def database_url(databases: Databases) -> str:
    """Of the database behind the service, migrated and otherwise empty at the start of each test."""
    return databases.fresh()


@pytest.fixture
def ledger_db(database_url: str) -> Iterator[psycopg.Connection[DictRow]]:
    """A look behind the service, and a hand: a connection to its database."""
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def blank_database_url(databases: Databases) -> Iterator[str]:
    """Of a database that nobody has migrated."""
    with databases.blank() as url:
        yield url


@pytest.fixture
def private_postgres() -> Iterator[Server]:
    """A whole server, migrated, for a test that stops, kills or pauses it. Takes a second to start."""
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        server = Server(Path(folder))
        yield server
        server.stop()


@pytest.fixture(scope="session")
def _slack_server() -> Iterator[LocalSlack]:
    app = create_slack(SlackApp(client_secret=CLIENT_SECRET), slow_seconds=0.3, hang_seconds=30)
    with serving(app) as url:
        yield LocalSlack(url, app.extensions["slack"])


@pytest.fixture(scope="session")
def _novu_server(_slack_server: LocalSlack) -> Iterator[LocalNovu]:
    """It delivers to the local Slack."""
    app = create_novu(NOVU_KEY, slack_url=_slack_server.url)
    with serving(app) as url:
        yield LocalNovu(url, app.extensions["novu"])


@pytest.fixture
def slack(_slack_server: LocalSlack, witness: Witness) -> Iterator[LocalSlack]:
    _slack_server.state.reset()
    yield _slack_server
    witness.secrets |= _slack_server.secrets()


@pytest.fixture
def novu(_novu_server: LocalNovu) -> LocalNovu:
    _novu_server.state.reset()
    return _novu_server


@pytest.fixture(scope="session")
def base_env(
    redis_folder: Path, databases: Databases, _slack_server: LocalSlack, _novu_server: LocalNovu
) -> dict[str, str]:
    """A complete environment, pointed at the local parts, with a database that lasts as long as they do."""
    return {
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": databases.copy(),
        "REDIS_URL": embedded_redis.url(redis_folder),
        "SLACK_CLIENT_ID": _slack_server.state.app.client_id,
        "SLACK_CLIENT_SECRET": CLIENT_SECRET,
        "SLACK_URL": _slack_server.url,
        "NOVU_SECRET_KEY": NOVU_KEY,
        "NOVU_URL": _novu_server.url,
        "NOVU_INTEGRATION_IDENTIFIER": "slack-prod",
        "PRODUCT_NAME": "Sprocket",
        "SUPPORT_CONTACT": "help@sprocket.example",
    }


@pytest.fixture
def env(
    base_env: dict[str, str], database_url: str, store: redis.Redis, slack: LocalSlack, novu: LocalNovu
) -> dict[str, str]:
    """The same, with every part empty."""
    return {**base_env, "DATABASE_URL": database_url}


@pytest.fixture
def make_app(env: dict[str, str], witness: Witness) -> Iterator[Callable[..., Flask]]:
    """Builds the service; keyword arguments change its environment."""
    made: list[Flask] = []

    def make(**changes: str) -> Flask:
        app = create_app({**env, **changes})
        logging.getLogger().addHandler(witness)
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["onboarding"].close()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()


@pytest.fixture
def wiring(app: Flask) -> Wiring:
    made: Wiring = app.extensions["onboarding"]
    return made


@pytest.fixture
def person(app: Flask, slack: LocalSlack, witness: Witness) -> Person:
    """Somebody with a browser of their own."""
    return Person(app, slack, witness)


@pytest.fixture
def mint(wiring: Wiring) -> MintLink:
    """Mints an install link and gives its path."""

    def mint(expires_in: timedelta | None = None, **fields: object) -> str:
        payload = {"subscriberId": "subscriber-123", "account": "Acme Inc.", **fields}
        link = wiring.links.mint(payload, expires_in, wiring.clock())
        return f"/install/{wiring.links.sign(link)}"

    return mint


@pytest.fixture
def link(mint: MintLink) -> str:
    return mint()
