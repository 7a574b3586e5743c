"""`onboarding sandbox novu` and `issuer`: what they print, and that their switches switch."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from tests.sandbox.clients import connection

SANDBOX = [sys.executable, "-m", "onboarding.cli", "sandbox"]
COMMAND = [*SANDBOX, "novu", "--port", "0"]
ISSUER = [*SANDBOX, "issuer", "--port", "0"]


@contextmanager
def running(lines: int, *arguments: str, command: list[str] = COMMAND) -> Iterator[list[str]]:
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield [process.stdout.readline().rstrip("\n") for _ in range(lines)]
        finally:
            process.terminate()


def test_it_prints_where_it_is_and_its_key() -> None:
    with running(2) as (place, key):
        assert re.fullmatch(r"Local Novu: http://127\.0\.0\.1:\d+", place)
        assert key == "Secret key: sandbox-novu-key"


def test_every_switch_can_be_on_at_once() -> None:
    switches = ["--legacy-idempotency", "--rate-limit", "--redact"]
    with running(3, "--secret-key", "one", "--secret-key", "two", "--secret-key", "one", *switches) as printed:
        assert printed[1:] == ["Secret key: one", "Secret key: two"]
        url = printed[0].removeprefix("Local Novu: ") + "/v1/channel-connections"
        headers = {"Authorization": "ApiKey two", "Idempotency-Key": "key"}
        made = requests.post(url, json=connection(), headers=headers, timeout=5)
        assert made.json()["data"]["auth"] == {"accessToken": ""}
        assert made.headers["RateLimit-Remaining"] == "109"
        headers["Idempotency-Key"] = "another key"
        statuses = [requests.post(url, json=connection(), headers=headers, timeout=5).status_code for _ in range(2)]
        assert statuses == [409, 503]
        assert requests.get(url, headers={"Authorization": "ApiKey one"}, timeout=5).json()["data"] == []


@pytest.mark.parametrize("key", ["", " ", " key"])
def test_a_key_that_no_client_could_send_is_refused(key: str) -> None:
    done = subprocess.run([*COMMAND, "--secret-key", key], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "secret key" in done.stderr


def test_the_issuer_prints_what_its_client_must_know() -> None:
    with running(3, command=ISSUER) as (place, *client):
        url = place.removeprefix("Local issuer: ")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        assert client == ["Client ID: sandbox-admin", "Client secret: sandbox-issuer-secret"]
        assert requests.get(f"{url}/.well-known/openid-configuration", timeout=5).json()["issuer"] == url


def test_the_issuers_client_can_be_another_one() -> None:
    uris = [f"https://admin.example/{path}" for path in ("one", "two")]
    switches = ["--client-id", "me", "--client-secret", "mine", "--redirect-uri", uris[0], "--redirect-uri", uris[1]]
    with running(3, *switches, command=ISSUER) as (place, *client):
        assert client == ["Client ID: me", "Client secret: mine"]
        url, ask = place.removeprefix("Local issuer: ") + "/authorize", {"client_id": "me"}
        for uri in uris:
            answer = requests.get(url, params=ask | {"redirect_uri": uri}, allow_redirects=False, timeout=5)
            assert answer.headers["Location"].startswith(f"{uri}?error=invalid_request")
        uri = "http://127.0.0.1:8000/admin"
        assert requests.get(url, params=ask | {"redirect_uri": uri}, timeout=5).status_code == 400
