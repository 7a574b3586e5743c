"""`onboarding webhook ping`: whether the host's endpoint takes what this service sends."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import pytest

from tests.aging import Database
from tests.hosting import NEW, OLD, Host, hosting
from tests.service import free_port
from tests.test_processes import onboarding


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


def signature(secret: str, headers: dict[str, str], body: bytes) -> str:
    """As Standard Webhooks describes it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_a_ping_arrives_signed_with_every_secret_and_says_what_was_answered(
    env: dict[str, str], host: Host, ledger_db: Database
) -> None:
    done = onboarding("webhook", "ping", env={**env, "WEBHOOK_URL": host.url, "WEBHOOK_SECRETS": f"{NEW},{OLD}"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "The endpoint answered 200.\n", "")
    [(headers, body)] = host.came
    assert headers["webhook-signature"] == " ".join(signature(secret, headers, body) for secret in (NEW, OLD))
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 30
    event = json.loads(body)
    assert event["type"] == "ping"
    assert set(event["data"].values()) == {None}
    [row] = ledger_db.execute("SELECT id, status FROM event").fetchall()
    assert (row["id"], row["status"]) == (headers["webhook-id"], "delivered")


@pytest.mark.parametrize("status", [301, 400, 410, 500])
def test_an_endpoint_that_does_not_take_it_is_named_with_its_answer(
    env: dict[str, str], host: Host, status: int
) -> None:
    host.answers = [(status, {"Location": host.url})]
    done = onboarding("webhook", "ping", env={**env, "WEBHOOK_URL": host.url, "WEBHOOK_SECRETS": NEW})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"The endpoint answered {status}; only 200 to 299 count as delivered.\n"
    assert len(host.came) == 1


def test_an_endpoint_that_does_not_answer_is_a_failure(env: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    done = onboarding("webhook", "ping", env={**env, "WEBHOOK_URL": url, "WEBHOOK_SECRETS": NEW})
    assert (done.returncode, done.stderr) == (1, "The endpoint did not answer: no_connection.\n")


def test_without_an_endpoint_there_is_nothing_to_ping(env: dict[str, str]) -> None:
    done = onboarding("webhook", "ping", env=env)
    assert (done.returncode, done.stderr) == (1, "No WEBHOOK_URL is set, so there is nothing to ping.\n")


def test_an_incomplete_configuration_is_wrong_usage(env: dict[str, str], host: Host) -> None:
    assert onboarding("webhook", "ping", env={**env, "WEBHOOK_URL": host.url}).returncode == 2
    assert onboarding("webhook", env=env).returncode == 2


def test_without_postgresql_nothing_is_sent(env: dict[str, str], host: Host) -> None:
    away = {"DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/x"}
    done = onboarding("webhook", "ping", env={**env, **away, "WEBHOOK_URL": host.url, "WEBHOOK_SECRETS": NEW})
    assert done.returncode == 1
    assert done.stderr.startswith("PostgreSQL does not answer: ")
    assert host.came == []
