"""The local Slack and Novu as tests see them: across HTTP, and from behind to count and compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import requests

from onboarding.sandbox.novu import Novu
from onboarding.sandbox.slack import Slack

SECRET_KEY: Final = "a key for tests that is long enough to be one"
CLIENT_SECRET: Final = "0123456789abcdef-client-secret"
NOVU_KEY: Final = "novu-key-for-tests"


@dataclass(frozen=True, slots=True)
class LocalSlack:
    url: str
    state: Slack

    def answer(
        self, authorize_url: str, *, decision: str = "allow", workspace: str = "T9TK3CUKW", outcome: str = "approved"
    ) -> str:
        """Press a button on the consent page. Gives the address Slack sends the browser to."""
        asked = dict(parse_qsl(urlsplit(authorize_url).query))
        form = {**asked, "decision": decision, "workspace": workspace, "outcome": outcome}
        response = requests.post(f"{self.url}/oauth/v2/authorize", data=form, allow_redirects=False, timeout=5)
        assert response.status_code == 302, response.text
        return response.headers["Location"]

    def secrets(self) -> set[str]:
        return {secret for grant in self.state.grants for secret in (grant.code, grant.token)}


@dataclass(frozen=True, slots=True)
class LocalNovu:
    url: str
    state: Novu

    def suffer(self, failure: str, **options: int) -> None:
        """Choose what goes wrong next at Novu."""
        form = {"name": failure, **options}
        requests.post(f"{self.url}/failure", data=form, timeout=5, allow_redirects=False).raise_for_status()
