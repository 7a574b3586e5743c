"""The local host product as its customers and the service see it. Signs events by a computation of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
import time
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from onboarding.sandbox.host import Host

KEY_BYTES: Final = bytes(range(32))
OLD_KEY_BYTES: Final = bytes(range(100, 124))
SECRET: Final = f"whsec_{base64.b64encode(KEY_BYTES).decode()}"
OLD_SECRET: Final = f"whsec_{base64.b64encode(OLD_KEY_BYTES).decode()}"
ABOUT: Final = {
    "subscriberId": "subscriber-123",
    "contextKeys": [],
    "integrationIdentifier": "slack-prod",
    "connectionIdentifier": "chconn_1",
    "workspace": {"id": "T1", "name": "Acme HQ"},
    "attemptId": "attempt-1",
}


def body_of(kind: str, sequence: int | None, **data: object) -> bytes:
    said = {**ABOUT, "sequence": sequence, **data}
    return json.dumps({"type": kind, "timestamp": "2026-11-28T20:00:00.000Z", "data": said}).encode()


def signature(key: bytes, event_id: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 by hand: https://www.rfc-editor.org/rfc/rfc2104#section-2."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(each ^ 0x36 for each in padded) + f"{event_id}.{timestamp}.".encode() + body)
    outer = hashlib.sha256(bytes(each ^ 0x5C for each in padded) + inner.digest())
    assert outer.digest() == hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(outer.digest()).decode()}"


def headers(event_id: str, body: bytes, *keys: bytes, age: int = 0) -> dict[str, str]:
    timestamp = str(int(time.time()) - age)
    signatures = " ".join(signature(key, event_id, timestamp, body) for key in keys or (KEY_BYTES,))
    return {"webhook-id": event_id, "webhook-timestamp": timestamp, "webhook-signature": signatures}


@dataclass(frozen=True, slots=True)
class Sprocket:
    app: Flask
    client: FlaskClient

    @property
    def host(self) -> Host:
        found: Host = self.app.extensions["host"]
        return found

    def post(self, body: bytes, sent: dict[str, str]) -> TestResponse:
        return self.client.post("/webhooks/slack", data=body, headers=sent)

    def tell(self, kind: str, sequence: int | None = None, event_id: str = "", **data: object) -> str:
        """Deliver an event. Gives what it did, or the status if it was not taken."""
        event_id = event_id or f"evt_{kind}_{sequence}"
        body = body_of(kind, sequence, **data)
        answer = self.post(body, headers(event_id, body))
        assert answer.is_json
        return str(answer.json["effect"]) if answer.status_code == 200 and answer.json else str(answer.status_code)

    def state(self, subscriber_id: str = "subscriber-123") -> dict[str, Any]:
        found: dict[str, Any] = self._json("/sandbox/state")["subscribers"][subscriber_id]
        return found

    @property
    def owners(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._json("/sandbox/state")["owners"]
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._json("/sandbox/events")["events"]
        return found

    def open(self, path: str = "/settings/notifications", status: int = 200) -> str:
        """The words of a page."""
        return words_of(self.see(path, status))

    def see(self, path: str = "/settings/notifications", status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        heading, title = (re.search(rf"<{tag}>(.*?)</{tag}>", answer.text) for tag in ("h1", "title"))
        assert heading
        assert title
        assert heading[1] == title[1]
        assert not re.search(r"<script(?! type=\"module\" src=\"[^\"]+\"></script>)| style=| on\w+=", answer.text)
        return answer.text

    def press(self, path: str, **fields: str) -> TestResponse:
        return self.client.post(path, data=fields)

    def be(self, customer_id: str) -> None:
        assert self.press("/sign-in", customer=customer_id).status_code == 303

    def _json(self, path: str) -> Any:
        return self.client.get(path).json


def words_of(source: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", source)).split()).replace(" ,", ",").replace(" .", ".")
