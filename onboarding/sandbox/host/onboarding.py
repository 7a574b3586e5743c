"""Sprocket's client of the service: its public HTTP API, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import requests

CONNECT_SECONDS: Final = 3.05
LOOK_SECONDS: Final = 5
DO_SECONDS: Final = 25
"""A page that somebody waits for rather shows what was known before."""


class Unreachable(Exception):
    """The service did not answer, or not in its own words."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    retry_after: str = ""

    @property
    def reason(self) -> str:
        return str(self.body.get("reason") or "")

    @property
    def detail(self) -> str:
        return str(self.body.get("detail") or self.body.get("title") or "")


class Onboarding:
    def __init__(self, url: str, api_key: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {api_key}"

    def create_link(self, fields: dict[str, str], key: str) -> Answer:
        return self._ask("POST", "/v1/links", json=fields, headers={"Idempotency-Key": key})

    def status_token(self, subscriber_id: str) -> str:
        """With which a browser may read this customer's status, and nothing else; empty if there is none."""
        answer = self._ask("POST", "/v1/status-tokens", json={"subscriberId": subscriber_id})
        return str(answer.body.get("token") or "") if answer.status == 201 else ""

    def attempts(self, subscriber_id: str, limit: int) -> list[dict[str, Any]]:
        """The newest ones, newest first."""
        answer = self._ask("GET", "/v1/attempts", params={"subscriberId": subscriber_id, "limit": str(limit)})
        if answer.status != 200:
            raise Unreachable(answer.detail)
        return [each for each in answer.body.get("data") or [] if isinstance(each, dict)]

    def attempt(self, attempt_id: str) -> dict[str, Any] | None:
        return self._find(f"/v1/attempts/{quote(attempt_id, safe='')}")

    def connection(self, identifier: str) -> dict[str, Any] | None:
        return self._find(_path(identifier))

    def disconnect(self, identifier: str) -> Answer:
        return self._ask("DELETE", _path(identifier))

    def send_test(self, identifier: str, key: str) -> Answer:
        return self._ask("POST", f"{_path(identifier)}/test", headers={"Idempotency-Key": key})

    def _find(self, path: str) -> dict[str, Any] | None:
        answer = self._ask("GET", path)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise Unreachable(answer.detail)
        return answer.body

    def _ask(self, method: str, path: str, **options: Any) -> Answer:
        timeout = CONNECT_SECONDS, LOOK_SECONDS if method == "GET" else DO_SECONDS
        try:
            response = self._session.request(
                method, f"{self.url}{path}", timeout=timeout, allow_redirects=False, **options
            )
            body = response.json() if response.content else {}
        except (requests.RequestException, ValueError) as error:
            raise Unreachable(str(error)) from error
        if not isinstance(body, dict):
            raise Unreachable("not an object")
        return Answer(response.status_code, body, response.headers.get("Retry-After", ""))


def _path(identifier: str) -> str:
    return f"/v1/connections/{quote(identifier, safe='')}"
