"""`onboarding check-config --live`: each trouble is named by the setting behind it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import redis

from tests.stand_ins import LocalNovu


def check(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "onboarding.cli", "check-config", "--live"]
    full = {"PATH": os.environ["PATH"], **env}
    return subprocess.run(command, env=full, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def config_of_redis(store: redis.Redis) -> Iterator[redis.Redis]:
    yield store
    store.config_set("appendonly", "yes")
    store.config_set("maxmemory-policy", "noeviction")


def test_all_is_well(env: dict[str, str]) -> None:
    done = check(env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "The configuration works.\n", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "redis://127.0.0.1:9"),
        ("SLACK_CLIENT_ID", "1.1"),
        ("SLACK_CLIENT_SECRET", "another-secret"),
        ("SLACK_URL", "http://127.0.0.1:9"),
        ("NOVU_SECRET_KEY", "another-key"),
        ("NOVU_URL", "http://127.0.0.1:9"),
        ("NOVU_INTEGRATION_IDENTIFIER", "nothing"),
    ],
)
def test_a_wrong_setting_is_named(env: dict[str, str], name: str, value: str) -> None:
    done = check({**env, name: value})
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [name]
    assert env["NOVU_SECRET_KEY"] not in done.stderr


def test_troubles_are_named_together(env: dict[str, str], config_of_redis: redis.Redis) -> None:
    config_of_redis.config_set("appendonly", "no")
    config_of_redis.config_set("maxmemory-policy", "allkeys-lru")
    done = check({**env, "SLACK_URL": "http://127.0.0.1:9", "NOVU_SECRET_KEY": "another-key"})
    assert done.returncode == 1
    assert "appendonly is off" in done.stderr
    assert "maxmemory-policy is not noeviction" in done.stderr
    assert "SLACK_URL" in done.stderr
    assert "NOVU_SECRET_KEY" in done.stderr


def test_looking_leaves_nothing_behind(env: dict[str, str], store: redis.Redis, novu: LocalNovu) -> None:
    check(env)
    assert store.dbsize() == 0
    assert novu.state.connections == ()
