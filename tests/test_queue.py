"""The worker's connection to Redis speaks to Dramatiq in errors that all of its steps expect."""

from __future__ import annotations

import dramatiq
import pytest
import redis

from onboarding.ledger.queue import _connect_steadily
from onboarding.model import Secret


@pytest.mark.parametrize("address", ["unix:///nowhere/redis.sock", "redis://127.0.0.1:9"])
def test_a_lost_connection_is_lost_in_both_languages(address: str) -> None:
    with pytest.raises(redis.ConnectionError) as caught:
        _connect_steadily(Secret(address)).ping()
    assert isinstance(caught.value, dramatiq.BrokerConnectionError | dramatiq.ConnectionClosed)


def test_a_refusal_counts_as_lost(store: redis.Redis, env: dict[str, str]) -> None:
    store.config_set("maxmemory", 1)
    try:
        with pytest.raises(dramatiq.ConnectionClosed):
            _connect_steadily(Secret(env["REDIS_URL"])).set("onboarding:probe", "x")
    finally:
        store.config_set("maxmemory", 0)
