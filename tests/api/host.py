"""A host back end that holds a key. Checks everything that every answer has to keep."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from flask import Flask
from werkzeug.test import TestResponse

from tests.witness import Witness

KEY: Final = "key-of-one-host-0123456789abcdef0123"
OTHER_KEY: Final = "key-of-another-host-456789abcdef0123"
KEYS: Final = f"{KEY},{OTHER_KEY}"
NO_DATABASE: Final = "postgresql://nobody@/none?host=/nowhere"
NEW_LINK: Final = {"subscriberId": "subscriber-123", "account": "Acme Inc."}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def conflict(self) -> str:
        """Why a 409 could not be done."""
        assert self.status == 409, self.body
        reason: str = self.body["reason"]
        return reason

    @property
    def broken(self) -> list[str]:
        """The fields that a 422 names, in order."""
        assert self.status == 422, self.body
        return [each["field"] for each in self.body["errors"]]


class Host:
    def __init__(self, app: Flask, witness: Witness, key: str | None = KEY) -> None:
        self._client = app.test_client()
        self._witness = witness
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> Answer:
        response = self._client.open(path, method=method, headers={**self._headers, **(headers or {})}, **options)
        self._witness.saw(f"{response.headers} {response.text}")
        return _checked(response)

    def get(self, path: str, **query: object) -> Answer:
        return self.call("GET", path, query_string=query or None)

    def create(self, body: object = NEW_LINK, key: str | None = None) -> Answer:
        """Ask for a link; `key` is the Idempotency-Key."""
        return self.send(json.dumps(body).encode(), key=key)

    def send(self, raw: bytes, content_type: str = "application/json", key: str | None = None) -> Answer:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.call("POST", "/v1/links", headers, data=raw, content_type=content_type)

    def revoke(self, link_id: str) -> Answer:
        return self.call("DELETE", f"/v1/links/{link_id}")

    def post(self, path: str, body: object, key: str | None = None) -> Answer:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.call("POST", path, headers, data=json.dumps(body), content_type="application/json")

    def put(self, path: str, body: object) -> Answer:
        return self.call("PUT", path, data=json.dumps(body), content_type="application/json")

    def point(self, identifier: str, **target: object) -> Answer:
        """Let the notifications of a connection go there."""
        return self.put(f"/v1/connections/{quote(identifier, safe='')}/destination", target)

    def test(self, identifier: str, key: str | None = None) -> Answer:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.call("POST", f"/v1/connections/{quote(identifier, safe='')}/test", headers)

    def connection(self, identifier: str) -> Answer:
        return self.get(f"/v1/connections/{quote(identifier, safe='')}")

    def ask(self, identifier: str, what: str, key: str | None = None) -> Answer:
        """Ask for something about a connection that takes no body."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.call("POST", f"/v1/connections/{quote(identifier, safe='')}/{what}", headers)

    def end(self, identifier: str, **query: object) -> Answer:
        return self.call("DELETE", f"/v1/connections/{quote(identifier, safe='')}", query_string=query or None)

    def channels(self, identifier: str, **query: object) -> Answer:
        return self.get(f"/v1/connections/{quote(identifier, safe='')}/channels", **query)

    def link(self, **fields: object) -> dict[str, str]:
        answer = self.create({**NEW_LINK, **fields})
        assert answer.status == 201, answer.body
        body: dict[str, str] = answer.body
        return body


def path_of(link: dict[str, str]) -> str:
    """Where the link leads, without the origin."""
    return link["url"].removeprefix("http://127.0.0.1:8000")


def _checked(response: TestResponse) -> Answer:
    assert response.headers["Cache-Control"] == "no-store"
    assert re.fullmatch("[0-9a-f]{24}", response.headers["X-Request-ID"])
    assert "Set-Cookie" not in response.headers
    assert response.status_code != 500, response.text
    body = json.loads(response.text) if response.text else None
    if response.status_code >= 400:
        _check_problem(response, body)
    elif body is not None:
        assert response.headers["Content-Type"] == "application/json"
    return Answer(response.status_code, body, dict(response.headers))


def _check_problem(response: TestResponse, body: Any) -> None:
    assert response.headers["Content-Type"] == "application/problem+json"
    assert KEY not in response.text
    if response.request.method != "HEAD":
        assert {"type", "title", "status", "detail"} <= set(body)
        assert body["status"] == response.status_code
    assert ("WWW-Authenticate" in response.headers) == (response.status_code == 401)
    assert ("Retry-After" in response.headers) == (response.status_code == 429) or response.status_code == 503
    assert ("Allow" in response.headers) == (response.status_code == 405)
