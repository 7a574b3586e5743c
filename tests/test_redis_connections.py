"""Connections to Redis: never one that lay idle for long, at no cost to the others, and through any Sentinel."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import redis

from onboarding.ephemeral import store as storage
from onboarding.model import Secret
from onboarding.sandbox import embedded_redis
from onboarding.sandbox.processes import Process
from onboarding.settings import environment
from tests.relay import Relay, Way, relaying
from tests.service import free_port
from tests.test_config import COMPLETE

AGE = 0.4
"""Seconds after which relays and clients in this file call a connection old."""
WAYS: tuple[Way, ...] = ("swallow", "reset")


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        yield Path(folder)


@pytest.fixture
def own(folder: Path) -> Iterator[str]:
    """The path of a socket of a Redis that only this test uses."""
    server = embedded_redis.start(folder)
    yield str(folder / "redis.sock")
    server.stop()


def reach(path: str) -> socket.socket:
    inside = socket.socket(socket.AF_UNIX)
    inside.connect(path)
    return inside


@pytest.fixture(params=WAYS)
def relay(request: pytest.FixtureRequest, own: str) -> Iterator[Relay]:
    with relaying(socket.create_server(("127.0.0.1", 0)), lambda: reach(own), AGE, request.param) as relay:
        yield relay


def connect(url: str, trusted_for: float = AGE / 2) -> storage.Redis:
    return storage.connect(Secret(url), trusted_for=trusted_for)


def test_the_first_command_after_a_pause_works_at_once(relay: Relay) -> None:
    with connect(f"redis://127.0.0.1:{relay.port}/1") as client:
        client.set("onboarding:a", "1")
        time.sleep(AGE * 1.5)
        began = time.monotonic()
        assert client.get("onboarding:a") == "1"
        assert time.monotonic() - began < storage.TIMEOUT / 2
    assert (relay.taken, relay.forgotten) == (2, 0)


def test_a_client_that_trusts_old_connections_fails_there(relay: Relay) -> None:
    with connect(f"redis://127.0.0.1:{relay.port}", trusted_for=60) as client:
        client.set("onboarding:a", "1")
        time.sleep(AGE * 1.5)
        with pytest.raises(redis.RedisError):
            client.get("onboarding:a")
        assert client.get("onboarding:a") == "1"
    assert relay.forgotten == 1


def test_every_connection_of_a_pool_that_rested_is_opened_anew(relay: Relay) -> None:
    with connect(f"redis://127.0.0.1:{relay.port}") as client, ThreadPoolExecutor(6) as threads:
        pool = client.connection_pool
        for connection in [pool.get_connection() for _ in range(6)]:
            pool.release(connection)
        time.sleep(AGE * 1.5)
        assert relay.taken == 6
        assert all(threads.map(lambda number: client.set(f"onboarding:{number}", "x"), range(30)))
    assert relay.forgotten == 0


def test_a_pipeline_and_a_script_are_sent_over_a_fresh_connection_too(relay: Relay) -> None:
    with connect(f"redis://127.0.0.1:{relay.port}") as client:
        count = client.register_script("return redis.call('INCR', KEYS[1])")
        assert count(keys=["onboarding:count"]) == 1
        time.sleep(AGE * 1.5)
        assert count(keys=["onboarding:count"]) == 2
        time.sleep(AGE * 1.5)
        with client.pipeline() as pipe:
            assert pipe.incr("onboarding:count").incr("onboarding:count").execute() == [3, 4]
    assert relay.forgotten == 0


def test_over_a_unix_socket_it_is_the_same(own: str, folder: Path) -> None:
    front = socket.socket(socket.AF_UNIX)
    front.bind(str(folder / "relay.sock"))
    front.listen()
    with relaying(front, lambda: reach(own), AGE, "swallow") as relay, connect(f"unix://{folder}/relay.sock") as client:
        client.set("onboarding:a", "1")
        time.sleep(AGE * 1.5)
        assert client.get("onboarding:a") == "1"
    assert relay.forgotten == 0


def test_a_busy_connection_stays_and_costs_no_extra_round_trip(own: str) -> None:
    with relaying(socket.create_server(("127.0.0.1", 0)), lambda: reach(own), 60, "swallow") as relay:
        with connect(f"redis://127.0.0.1:{relay.port}", trusted_for=1) as client:
            client.config_resetstat()
            for _ in range(24):
                client.set("onboarding:a", "1")
                time.sleep(0.05)
            commands = client.info("commandstats")
        assert relay.taken == 1
    assert isinstance(commands, dict)
    assert set(commands) == {"cmdstat_set", "cmdstat_config|resetstat"}


def test_a_new_connection_asks_nothing_but_the_command(own: str) -> None:
    with connect(f"unix://{own}") as first, connect(f"unix://{own}") as second:
        first.config_resetstat()
        second.set("onboarding:a", "1")
        assert set(first.info("commandstats")) == {"cmdstat_set", "cmdstat_config|resetstat"}


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1/1",
        "rediss://user:password@localhost?ssl_ca_certs=/ca.pem",
        "unix:///run/redis.sock",
        "redis+sentinel://127.0.0.1/primary",
    ],
)
def test_every_kind_keeps_one_policy(url: str) -> None:
    connection = storage.connect(Secret(url)).connection_pool.make_connection()
    assert isinstance(connection, storage._Fresh)
    assert connection._trusted_for == 30
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (1, 1)
    assert connection.retry.get_retries() == 0
    assert type(connection._parser).__name__ == "_HiredisParser"


@contextmanager
def running(folder: Path, name: str, port: int, *options: str) -> Iterator[None]:
    """A Redis, or with `--sentinel` a Sentinel, that answers on `port`."""
    process = Process(name, [embedded_redis.binary(), *options], quiet=True)
    try:
        process.wait_until(lambda: _answers(port))
        yield
    finally:
        process.stop()


def _answers(port: int) -> bool:
    with redis.Redis.from_url(f"redis://127.0.0.1:{port}", socket_timeout=1, retry=None) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


@contextmanager
def watched(folder: Path, primary: int) -> Iterator[int]:
    """A Sentinel on both loopback addresses, that calls the Redis on port `primary` the primary. Gives its port."""
    port, file = free_port(), folder / "sentinel.conf"
    file.write_text(
        f"port {port}\nbind 127.0.0.1 -::1\ndir {folder}\nsentinel monitor my-primary_1.x 127.0.0.1 {primary} 1\n",
        "utf-8",
    )
    with running(folder, "sentinel", port, str(file), "--sentinel"):
        yield port


@pytest.fixture
def sentinel(folder: Path) -> Iterator[int]:
    """The port of a Sentinel before a Redis."""
    primary = free_port()
    options = ("--port", str(primary), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "")
    with running(folder, "redis", primary, *options), watched(folder, primary) as port:
        yield port


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where something listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


LISTS = [
    "redis+sentinel://127.0.0.1:{up}/my-primary_1.x",
    "redis+sentinel://[::1]:{up}/my-primary_1.x/0",
    "redis+sentinel://127.0.0.1:{down}, [::1]:{up}/my-primary_1.x",
    "redis+sentinel://[::1]:{down} ,\t127.0.0.1:{up}/my-primary_1.x",
    "redis+sentinel://127.0.0.1:{down},\n  127.0.0.1:{down},\n  localhost:{up}/my-primary_1.x",
    "redis+sentinel://127.0.0.1:{silent}, [::1]:{up}/my-primary_1.x",
    "redis+sentinel://nobody.invalid:{up}, 127.0.0.1:{up}/my-primary_1.x",
]


@pytest.mark.parametrize("address", LISTS)
def test_each_sentinel_of_the_list_is_good_enough_alone(address: str, sentinel: int, silent: int) -> None:
    url = address.format(up=sentinel, down=free_port(), silent=silent)
    settings = environment.load({**COMPLETE, "REDIS_URL": f"{url}\n"})
    began = time.monotonic()
    with storage.connect(settings.redis_url) as client:
        assert client.set("onboarding:a", "1")
    assert time.monotonic() - began < 2 * storage.TIMEOUT


@pytest.mark.parametrize("way", WAYS)
def test_through_sentinel_old_connections_are_opened_anew_as_well(folder: Path, own: str, way: Way) -> None:
    with ExitStack() as stack:
        front, other = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        primary = stack.enter_context(relaying(front, lambda: reach(own), 2, way))
        watch = stack.enter_context(watched(folder, primary.port))
        relay = stack.enter_context(relaying(other, lambda: socket.create_connection(("127.0.0.1", watch)), AGE, way))
        client = stack.enter_context(connect(f"redis+sentinel://127.0.0.1:{relay.port}/my-primary_1.x"))
        client.set("onboarding:a", "1")
        time.sleep(2.5)
        began = time.monotonic()
        assert client.get("onboarding:a") == "1"
        assert time.monotonic() - began < storage.TIMEOUT / 2
        assert (relay.taken, relay.forgotten) == (2, 0)


def test_threads_share_a_pool_without_ever_sharing_a_connection(own: str) -> None:
    """Reopening happens while others are at work: every answer has to reach the one who asked."""
    wrong: list[str] = []

    def ask(client: storage.Redis, name: str) -> None:
        for _ in range(50):
            if client.echo(name) != name:
                wrong.append(name)
            time.sleep(0.002)

    with connect(f"unix://{own}", trusted_for=0.001) as client:
        threads = [threading.Thread(target=ask, args=(client, f"name-{number}")) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
