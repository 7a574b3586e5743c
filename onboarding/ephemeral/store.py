"""Opens Redis: one policy for every connection, and one exception for every failure."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final, cast

import redis
from redis import Redis
from redis.connection import (
    AbstractConnection,
    Connection,
    ConnectionPool,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.sentinel import Sentinel, SentinelManagedConnection

from onboarding.ephemeral.cluster import Cluster
from onboarding.ephemeral.nodes import Hasty, find
from onboarding.model import Secret
from onboarding.model.errors import StoreUnavailable
from onboarding.settings.addresses import CLUSTER_SCHEMES, SENTINEL_SCHEME, cluster_nodes, sentinel_parts

__all__ = ["NAME", "Redis", "answering", "connect", "keep_first"]

NAME: Final = "Redis"
TIMEOUT: Final = 1.0
TRUSTED_FOR: Final = 30.0
"""Seconds. Firewalls and load balancers forget idle connections; what is sent over one of those is lost."""

# redis-py retries by itself otherwise: a stalled Redis would hold a request for a minute. And it introduces itself
# with two commands on each new connection.
POLICY: Final[dict[str, Any]] = {
    "socket_timeout": TIMEOUT,
    "socket_connect_timeout": TIMEOUT,
    "retry": None,
    "driver_info": None,
    "protocol": 2,
    "decode_responses": True,
}


def connect(url: Secret, **changes: Any) -> Redis:
    """A client for `REDIS_URL`. Connects on first use; finds current primaries through Sentinel or the cluster."""
    address, policy = url.reveal(), {**POLICY, **changes}
    scheme, _, _ = address.partition("://")
    if scheme == SENTINEL_SCHEME:
        return _through_sentinel(address, policy)
    if scheme in CLUSTER_SCHEMES:
        return _across_cluster(address, {**policy, "connection_class": KINDS[scheme]})
    return Redis.from_url(address, connection_class=KINDS[scheme], **policy)


def _through_sentinel(address: str, policy: Mapping[str, Any]) -> Redis:
    parts = sentinel_parts(address)
    sentinel = Sentinel([], **policy)
    sentinel.sentinels = [_one_sentinel(host, port, policy) for host, port in parts.hosts]
    account = {"db": parts.db, "username": parts.username, "password": parts.password}
    client: Redis = sentinel.master_for(parts.name, connection_class=_Primary, **account)
    return client


def _one_sentinel(host: str, port: int, policy: Mapping[str, Any]) -> Redis:
    """`Sentinel` would make these itself, with retries and without a limit to how long they may lie idle."""
    return Redis.from_pool(ConnectionPool(connection_class=_Tcp, host=host, port=port, **policy))


def _across_cluster(address: str, policy: dict[str, Any]) -> Redis:
    return cast("Redis", Cluster(partial(find, cluster_nodes(address), policy)))


@contextmanager
def answering() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise StoreUnavailable("Redis", type(error).__name__) from error


KEEP_FIRST: Final = """
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) and ARGV[1] or redis.call('GET', KEYS[1])
"""


def keep_first(client: Redis, key: str, value: str, kept: timedelta) -> str:
    """What `key` holds: `value`, unless somebody was faster."""
    with answering():
        return str(client.eval(KEEP_FIRST, 1, key, value, int(kept.total_seconds())))


class _Fresh(AbstractConnection):
    """A connection that reconnects before it is used, if it lay idle for `trusted_for` seconds or more.

    redis-py's own `health_check_interval` is no help: the command fails along with the PING before it.
    """

    def __init__(self, *, trusted_for: float = TRUSTED_FOR, **options: Any) -> None:
        self._trusted_for = trusted_for
        self._taken_at = 0.0
        super().__init__(**options)

    def connect(self) -> None:
        """The pool calls this whenever it gives the connection to somebody."""
        now = time.monotonic()
        if now - self._taken_at >= self._trusted_for:
            self.disconnect()
        self._taken_at = now
        super().connect()


class _Tcp(_Fresh, Connection):
    pass


class _Tls(_Fresh, SSLConnection):
    pass


class _Unix(_Fresh, UnixDomainSocketConnection):
    pass


class _Primary(_Fresh, SentinelManagedConnection):
    pass


class _NodeTcp(Hasty, _Tcp):
    pass


class _NodeTls(Hasty, _Tls):
    pass


KINDS: Final[Mapping[str, type[Any]]] = {
    "redis": _Tcp,
    "rediss": _Tls,
    "unix": _Unix,
    "redis+cluster": _NodeTcp,
    "rediss+cluster": _NodeTls,
}
