"""The nodes of a Redis Cluster: how they are found, and how long a command waits for all of them together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import AbstractConnection, ConnectionPool, parse_url
from redis.exceptions import ClusterDownError, SlotNotCoveredError
from redis.retry import Retry

PATIENCE: Final = 1.5
"""Seconds for a command and for finding its node: one node may be silent, and the others are asked where to go."""
SHORTEST: Final = 0.001
PORT: Final = 6379


def find(addresses: Sequence[str], policy: dict[str, Any]) -> RedisCluster:
    """Ask the nodes at these addresses for the others. `policy` holds for every connection to any of them."""
    nodes = [parse_url(address) for address in addresses]
    shared = {name: value for name, value in nodes[0].items() if name not in {"host", "port"}} | policy

    def pool(**own: Any) -> ConnectionPool:
        return ConnectionPool(**{**own, **shared})

    return _Client(
        url=addresses[0],  # without one, redis-py does not ask for our pool
        startup_nodes=[ClusterNode(node["host"], node.get("port", PORT)) for node in nodes[1:]],
        connection_pool_class=pool,
        protocol=policy["protocol"],
        retry=Retry(NoBackoff(), 1),
        reinitialize_steps=1,
    )


class Unreachable(redis.ConnectionError):
    """There is no connection: nothing was sent, so sending it again does no harm."""


class _Client(RedisCluster):
    ERRORS_ALLOW_RETRY = (Unreachable, ClusterDownError, SlotNotCoveredError)  # type: ignore[assignment]

    def get_node(
        self, host: str | None = None, port: int | None = None, node_name: str | None = None
    ) -> ClusterNode | None:
        """Slots that move may lead to a node that has none yet, which redis-py does not know."""
        known: ClusterNode | None = super().get_node(host, port, node_name)
        if known or not node_name:
            return known
        host, _, number = node_name.rpartition(":")
        return ClusterNode(host, int(number))


class _Waiting(threading.local):
    """Until when this thread waits, however many nodes it has to ask."""

    until = float("inf")

    @property
    def left(self) -> float:
        return self.until - time.monotonic()


waiting: Final = _Waiting()


@contextmanager
def patience() -> Iterator[None]:
    before = waiting.until
    waiting.until = min(before, time.monotonic() + PATIENCE)
    try:
        yield
    finally:
        waiting.until = before


class Hasty(AbstractConnection):
    """A connection to a node, which waits no longer than its thread does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._longest = float(self.socket_timeout or PATIENCE)

    def connect(self) -> None:
        self.socket_timeout = self.socket_connect_timeout = self._wait()
        try:
            super().connect()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            if type(error) in {redis.ConnectionError, redis.TimeoutError}:
                raise Unreachable(str(error)) from error
            raise

    def read_response(self, *args: Any, **options: Any) -> Any:
        if self._sock:
            self._sock.settimeout(self._wait())
        return super().read_response(*args, **options)

    def _wait(self) -> float:
        return max(SHORTEST, min(self._longest, waiting.left))
