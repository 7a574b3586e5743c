"""Two Slack apps at one Slack: each request goes to the app that it names, or whose token it carries."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from onboarding.sandbox.serve import serving
from onboarding.sandbox.slack import Slack, SlackApp, create_slack
from tests.fakes import LocalSlack


class TwoSlacks:
    """A WSGI application in front of two local Slacks, and what each of them remembers."""

    def __init__(self) -> None:
        apps = [SlackApp(f"{number}.{number}", f"secret-{number}", id=f"A0APP{number}") for number in (1, 2)]
        self._sites = [create_slack(app) for app in apps]
        self.slacks: list[Slack] = [site.extensions["slack"] for site in self._sites]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self._sites[self._named(environ)](environ, start_response)

    def at(self, number: int, url: str) -> LocalSlack:
        return LocalSlack(url, self.slacks[number])

    def _named(self, environ: dict[str, Any]) -> int:
        scheme, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme == "Bearer":
            return int(any(grant.token == given for grant in self.slacks[1].grants))
        if scheme == "Basic":
            return int(base64.b64decode(given).startswith(b"2.2:"))
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        return int("client_id=2.2" in f"{environ['QUERY_STRING']}&{body.decode()}")


@contextmanager
def two_slacks() -> Iterator[tuple[TwoSlacks, str]]:
    both = TwoSlacks()
    with serving(both) as url:  # type: ignore[arg-type]
        yield both, url
