"""What the local host product makes of the service's answers, from a service that answers as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request

from onboarding.sandbox.host import create_host
from onboarding.sandbox.serve import serving
from tests.sandbox.sprocket import SECRET, Sprocket

MADE = {"identifier": "chconn_1", "integrationIdentifier": "slack-prod", "contextKeys": []}
CONNECTED = {
    "id": "attempt-1",
    "subscriberId": "subscriber-123",
    "status": "connected",
    "reason": None,
    "workspace": {"id": "T1", "name": "Acme HQ"},
    "connection": MADE,
}
CANCELLED = {**CONNECTED, "id": "attempt-2", "status": "cancelled", "reason": "denied_by_person", "connection": None}
WORKING = {
    **MADE,
    "workspace": {"id": "T1", "name": "Acme HQ"},
    "state": "working",
    "reason": None,
    "attemptId": "attempt-1",
    "endpoints": [],
}


@dataclass
class Service:
    attempts: list[dict[str, Any]] = field(default_factory=list)
    connection: dict[str, Any] | None = None
    answers: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    calls: list[tuple[str, str, str | None]] = field(default_factory=list)

    def answer(self, path: str) -> Response:
        self.calls.append((request.method, path, request.headers.get("Idempotency-Key")))
        if request.method in self.answers:
            status, body = self.answers[request.method]
        elif path == "v1/attempts":
            status, body = 200, {"data": self.attempts, "next": None}
        else:
            status, body = (200, self.connection) if self.connection else (404, {"title": "Not found"})
        response = Response(status=204) if status in {202, 204} else jsonify(body)
        response.status_code = status
        return response


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def sprocket(service: Service) -> Iterator[Sprocket]:
    fake = Flask(__name__)
    fake.add_url_rule("/<path:path>", "answer", service.answer, methods=["GET", "POST", "DELETE"])
    with serving(fake) as url:
        app = create_host(url, "a key", SECRET)
        yield Sprocket(app, app.test_client())


@pytest.mark.parametrize(
    ("attempts", "connection", "said"),
    [
        ([], None, "Slack: not connected"),
        ([CONNECTED], WORKING, "Connected to Acme HQ. Nobody has chosen"),
        ([CONNECTED], None, "Connected to Acme HQ"),
        ([CONNECTED], {**WORKING, "state": "unknown", "reason": "token_hidden"}, "Connected to Acme HQ"),
        ([CONNECTED], {**WORKING, "state": "broken", "reason": "invalid_auth"}, "Slack no longer accepts our access."),
        ([CONNECTED], {**WORKING, "state": "broken", "reason": "new_word"}, "Slack says new_word."),
        ([CONNECTED], {**WORKING, "state": "ended", "reason": "deleted_at_novu"}, "The connection was deleted."),
        ([{**CONNECTED, "reason": "replaced"}], None, "Another workspace has been connected since."),
        ([CANCELLED], None, "not connected You chose Cancel"),
        ([CANCELLED, CONNECTED], WORKING, "Connected to Acme HQ"),
        ([CANCELLED, CONNECTED], {**WORKING, "state": "ended", "reason": "disconnected"}, "You chose Cancel"),
        ([{**CANCELLED, "status": "pending", "reason": None}], None, "Somebody began to connect Slack"),
        ([{**CANCELLED, "status": "failed", "reason": "new_word"}], None, "The reason is new_word."),
        ([{**CONNECTED, "connection": {**MADE, "contextKeys": ["a:b"]}}], None, "Slack: not connected"),
    ],
)
def test_the_page_says_what_the_service_answers(
    sprocket: Sprocket, service: Service, attempts: list[Any], connection: dict[str, Any] | None, said: str
) -> None:
    service.attempts, service.connection = attempts, connection
    assert said in sprocket.open()


def test_reconnecting_goes_by_the_events_link_and_else_by_a_new_one(sprocket: Sprocket, service: Service) -> None:
    service.attempts, service.connection = [CONNECTED], {**WORKING, "state": "broken", "reason": "token_revoked"}
    assert 'formaction="/slack/connect">Reconnect</button>' in sprocket.see()
    sprocket.tell("connection.broken", 1, reason="token_revoked", reconnectUrl="http://127.0.0.1/install/x")
    assert 'href="http://127.0.0.1/install/x">Reconnect</a>' in sprocket.see()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (204, "Slack is disconnected."),
        (202, "takes a little longer"),
        (404, "does not know this connection"),
        (405, "cannot disconnect by its API yet (405)"),
        (409, "Slack was not disconnected: 409 Used by others"),
    ],
)
def test_what_came_of_disconnecting_is_said_once(sprocket: Sprocket, service: Service, status: int, said: str) -> None:
    service.attempts, service.connection = [CONNECTED], WORKING
    service.answers["DELETE"] = (status, {"detail": "Used by others"})
    sprocket.open()
    assert sprocket.press("/slack/disconnect").location == "/settings/notifications"
    assert ("DELETE", "v1/connections/chconn_1", None) in service.calls
    assert said in sprocket.open()
    assert said not in sprocket.open()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, {"ok": True}, "Slack took the test message."),
        (409, {"reason": "no_destination"}, "nowhere to send it"),
        (409, {"reason": "is_archived"}, "Slack did not take the test message: is_archived."),
        (429, {}, "Too many test messages."),
        (503, {"detail": "Slack is away."}, "not sent: 503 Slack is away."),
    ],
)
def test_what_came_of_a_test_is_said(
    sprocket: Sprocket, service: Service, status: int, body: dict[str, Any], said: str
) -> None:
    service.attempts, service.connection = [CONNECTED], WORKING
    service.answers["POST"] = (status, body)
    sprocket.open()
    sprocket.press("/slack/test", once="a" * 22)
    assert ("POST", "v1/connections/chconn_1/test", f"test-subscriber-123-{'a' * 22}") in service.calls
    assert said in sprocket.open()


def test_a_link_that_is_refused_is_explained(sprocket: Sprocket, service: Service) -> None:
    service.answers["POST"] = (422, {"detail": "Some fields are wrong."})
    answer = sprocket.press("/slack/connect")
    assert answer.status_code == 502
    assert "422 Some fields are wrong." in answer.text
