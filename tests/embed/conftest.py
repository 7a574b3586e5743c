"""The service for a product whose pages show the element, and a browser that such a page sends to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from onboarding.wiring import Wiring

ORIGIN = "https://app.example.com"
OTHER = "http://localhost:3000"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(EMBED_ORIGINS=f"{ORIGIN}, {OTHER}")


@dataclass(frozen=True, slots=True)
class Embedding:
    """A page that holds a status token."""

    client: FlaskClient
    wiring: Wiring

    def token(self, life: timedelta = timedelta(hours=1), **owner: Any) -> str:
        fields = owner or {"subscriberId": "subscriber-123"}
        made = self.wiring.links.mint(fields, None, self.wiring.clock()).owner
        return self.wiring.status_tokens.issue(made, self.wiring.clock() + life).reveal()

    def ask(self, token: str | None = None, origin: str | None = ORIGIN, **headers: str) -> TestResponse:
        sent = {"Authorization": f"Bearer {token or self.token()}", **headers}
        return self.client.get("/embed/status", headers={**sent, "Origin": origin} if origin else sent)

    def status(self, **owner: Any) -> dict[str, Any]:
        answer = self.ask(self.token(**owner))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.get_json()
        return body

    def stands(self, **owner: Any) -> tuple[str, str | None, str | None]:
        """The state, the name of the workspace, and the reason."""
        told = self.status(**owner)
        assert set(told) == {"state", "workspace", "reason", "attemptId"}
        return told["state"], told["workspace"] and told["workspace"]["name"], told["reason"]


@pytest.fixture
def embedding(app: Flask, wiring: Wiring) -> Embedding:
    return Embedding(app.test_client(), wiring)
