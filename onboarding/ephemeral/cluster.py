"""Redis Cluster with the face of one Redis: found on first use, found anew once it is lost, never waited for long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis._parsers import Encoder
from redis.cluster import RedisCluster
from redis.commands.core import CoreCommands
from redis.exceptions import ClusterError, RedisClusterException

from onboarding.ephemeral.nodes import patience, waiting


class _Commands(CoreCommands):
    _event_dispatcher: Any = None


class Cluster(_Commands):
    """redis-py's own client connects while it is made, and forgets its address for the nodes that it once found."""

    def __init__(self, find: Callable[[], RedisCluster]) -> None:
        self._find = find
        self._found: RedisCluster | None = None
        self._finding = threading.Lock()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        with patience(), self._failing():
            return self._client().execute_command(*args, **options)

    @contextmanager
    def pipeline(self, transaction: bool = False) -> Iterator[InTurn]:
        """All its commands together take no longer than one may."""
        if transaction:
            raise NotImplementedError("the keys of a transaction may lie on different nodes")
        with patience():
            yield InTurn(self)

    def get_encoder(self) -> Encoder:
        return Encoder("utf-8", "strict", decode_responses=True)

    def close(self) -> None:
        if self._found:
            self._found.disconnect_connection_pools()

    def _client(self) -> RedisCluster:
        found = self._found
        if found:
            return found
        if not self._finding.acquire(timeout=max(0, waiting.left)):
            raise redis.TimeoutError("others are still looking for the cluster")
        try:
            self._found = found = self._found or self._find()
        finally:
            self._finding.release()
        return found

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """What redis-py raises when it has lost its way is not one of its own errors."""
        try:
            yield
        except (RedisClusterException, IndexError) as error:
            self._found = None
            cause = error.__cause__
            raise (cause if isinstance(cause, redis.RedisError) else ClusterError(str(error))) from None


class InTurn(_Commands):
    """Commands one after another: each of their keys may lie on another node."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._commands: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def execute_command(self, *args: Any, **options: Any) -> InTurn:
        self._commands.append((args, options))
        return self

    def execute(self) -> list[Any]:
        return [self._cluster.execute_command(*args, **options) for args, options in self._commands]
