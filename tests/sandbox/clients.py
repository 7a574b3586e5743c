"""One browser at the local Slack, one back end at the local Novu."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import requests

from onboarding.sandbox.novu import Novu
from onboarding.sandbox.slack import Slack

CLIENT: Final = ("1234567890.1234567890", "sandbox-slack-secret")
REDIRECT_URI: Final = "http://127.0.0.1:8000/slack/oauth_redirect"
KEY: Final = "sandbox-novu-key"


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class SlackSite:
    url: str
    state: Slack
    session: requests.Session

    @property
    def ask(self) -> dict[str, str]:
        scope = "chat:write,channels:read,users:read"
        return {"client_id": CLIENT[0], "redirect_uri": REDIRECT_URI, "scope": scope, "state": "state-1"}

    def show(self, **changes: str) -> requests.Response:
        return self.session.get(f"{self.url}/oauth/v2/authorize", params=self.ask | changes, allow_redirects=False)

    def decide(self, ask: dict[str, str] | None = None, **form: str) -> requests.Response:
        fields = (self.ask if ask is None else ask) | {"decision": "allow", **form}
        return self.session.post(f"{self.url}/oauth/v2/authorize", data=fields, allow_redirects=False)

    def code(self, outcome: str = "approved", workspace: str = "T9TK3CUKW", **changes: str) -> str:
        answer = self.decide(self.ask | changes, outcome=outcome, workspace=workspace)
        return query_of(answer.headers["Location"])["code"]

    def redeem(self, code: str, redirect_uri: str = REDIRECT_URI, **form: str) -> requests.Response:
        fields = {"code": code, "redirect_uri": redirect_uri, **form}
        return self.session.post(f"{self.url}/api/oauth.v2.access", data=fields, auth=CLIENT)

    def install(self, outcome: str = "approved", workspace: str = "T9TK3CUKW", **changes: str) -> dict[str, Any]:
        return answer_of(self.redeem(self.code(outcome, workspace, **changes)))

    def call(self, method: str, bearer: str = "", /, **form: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return answer_of(self.session.post(f"{self.url}/api/{method}", data=form, headers=headers))


class NovuRows:
    """Rows of one kind at a local Novu: channel connections, or channel endpoints."""

    def send(self, method: str, path: str = "", **options: Any) -> requests.Response:
        raise NotImplementedError

    def body(self, **changes: Any) -> dict[str, Any]:
        raise NotImplementedError

    def create(self, key: str = "", /, **changes: Any) -> requests.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.send("POST", json=self.body(**changes), headers=headers)

    def created(self, **changes: Any) -> dict[str, Any]:
        answer = self.create(**changes)
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["data"])

    def rows(self, **query: Any) -> list[str]:
        answer = self.send("GET", params=query)
        assert answer.status_code == 200, answer.text
        return [row["identifier"] for row in answer.json()["data"]]


@dataclass(frozen=True, slots=True)
class NovuSite(NovuRows):
    url: str
    state: Novu
    session: requests.Session
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"ApiKey {KEY}"})

    def send(self, method: str, path: str = "", **options: Any) -> requests.Response:
        options["headers"] = self.headers | options.get("headers", {})
        return self.session.request(method, f"{self.url}/v1/channel-connections{path}", **options)

    def body(self, **changes: Any) -> dict[str, Any]:
        return connection(**changes)

    def suffer(self, name: str, **form: str) -> requests.Response:
        return self.session.post(f"{self.url}/failure", data={"name": name, **form}, allow_redirects=False)


def connection(**changes: Any) -> dict[str, Any]:
    body = {
        "subscriberId": "subscriber-123",
        "integrationIdentifier": "slack-prod",
        "workspace": {"id": "T9TK3CUKW", "name": "Acme HQ"},
        "auth": {"accessToken": "xoxb-1-2-secret"},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


def answer_of(response: requests.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return dict(response.json())


def message_of(response: requests.Response) -> tuple[int, Any]:
    return response.status_code, response.json()["message"]


def complaints_of(response: requests.Response) -> list[str]:
    assert message_of(response) == (422, "Validation Error")
    return list(response.json()["errors"]["general"]["messages"])


def gets_no_answer(ask: Any) -> bool:
    with contextlib.suppress(requests.ConnectionError):
        ask()
        return False
    return True
