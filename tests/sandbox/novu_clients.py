"""One back end that keeps channel endpoints at the local Novu and triggers workflows there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import requests

from tests.sandbox.clients import NovuRows, NovuSite


@dataclass(frozen=True, slots=True)
class EndpointSite(NovuRows):
    novu: NovuSite

    def send(self, method: str, path: str = "", **options: Any) -> requests.Response:
        return self.call(method, f"/v1/channel-endpoints{path}", **options)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        options["headers"] = self.novu.headers | options.get("headers", {})
        return self.novu.session.request(method, f"{self.novu.url}{path}", **options)

    def body(self, **changes: Any) -> dict[str, Any]:
        return endpoint(**changes)

    def trigger(self, **changes: Any) -> requests.Response:
        return self.call("POST", "/v1/events/trigger", json=event(**changes))

    def triggered(self, **changes: Any) -> str:
        answer = self.trigger(**changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["transactionId"])

    def delivered(self, **changes: Any) -> dict[str, Any]:
        """The result of one notification for one subscriber."""
        transaction = self.triggered(**changes)
        [found] = self.activity(transaction)
        return found

    def activity(self, transaction: str, many: int = 1) -> list[dict[str, Any]]:
        """So many entries of one transaction, once they are there."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            every = self.novu.session.get(f"{self.novu.url}/sandbox/activity").json()["data"]
            found = [each for each in every if each["transactionId"] == transaction]
            if len(found) >= many:
                return found
            time.sleep(0.01)
        raise AssertionError("no result in time")


def endpoint(**changes: Any) -> dict[str, Any]:
    body = {
        "subscriberId": "subscriber-123",
        "integrationIdentifier": "slack-prod",
        "type": "slack_channel",
        "endpoint": {"channelId": "C0123"},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


def event(**changes: Any) -> dict[str, Any]:
    body = {"name": "greeting", "to": "subscriber-123", "payload": {"text": "Hello"}, **changes}
    return {name: value for name, value in body.items() if value is not ...}
