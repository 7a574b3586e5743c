"""What a browser does in each of the three apps, from the start page to Slack and back."""

from __future__ import annotations

import html
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from itsdangerous import URLSafeTimedSerializer

from bench.browser import Browser, UnexpectedAnswer

STATE: Final = re.compile(r"[?&]state=([A-Za-z0-9_-]+)")
CSRF: Final = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')
CONNECTED: Final = re.compile(r'"status": ?"connected"')


@dataclass(slots=True)
class Person:
    """One person with a browser, and what the browser learned on its way."""

    browser: Browser
    start_path: str
    csrf_token: str = ""
    state: str = ""
    outcome_path: str = ""


class Journey(Protocol):
    """`has_pages` if there are pages before the click and after the callback, apart from both."""

    has_pages: bool

    def start_path(self) -> str:
        """Where somebody new begins."""

    async def land(self, person: Person) -> None:
        """Open the page before the click, if there is one. Not part of what is measured."""

    async def start(self, person: Person) -> str:
        """Click, and give the state that goes to Slack."""

    async def come_back(self, person: Person, query: str) -> None:
        """Return from Slack with `query`, up to the app's answer."""

    async def see_outcome(self, person: Person) -> None:
        """Open the page the answer leads to, if it is a page of its own. Not part of what is measured."""


class OurJourney:
    """An install link of its own for everybody, the landing page, the button, the callback, the page of the attempt."""

    has_pages = True

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeTimedSerializer([secret_key], salt="install-link")

    def start_path(self) -> str:
        token = self._serializer.dumps(
            {
                "id": secrets.token_urlsafe(16),
                "subscriberId": f"subscriber-{secrets.token_hex(8)}",
                "account": "Acme Inc.",
                "expiresAt": (datetime.now(UTC) + timedelta(days=2)).isoformat(),
            }
        )
        return f"/install/{token if isinstance(token, str) else token.decode()}"

    async def land(self, person: Person) -> None:
        page = (await person.browser.get(person.start_path)).expect(200)
        person.csrf_token = html.unescape(_find(CSRF, page.body))

    async def start(self, person: Person) -> str:
        form = {"csrf_token": person.csrf_token}
        return _find(STATE, (await person.browser.post(person.start_path, form)).expect(303).location)

    async def come_back(self, person: Person, query: str) -> None:
        answer = (await person.browser.get(f"/slack/oauth_redirect?{query}")).expect(303)
        person.outcome_path = f"/{answer.location.split('/', 3)[3]}" if "://" in answer.location else answer.location

    async def see_outcome(self, person: Person) -> None:
        (await person.browser.get(person.outcome_path)).expect(200)
        status = (await person.browser.get(f"{person.outcome_path}/status")).expect(200)
        _find(CONNECTED, status.body)


class BoltJourney:
    """The page with the button carries the state; the answer to the callback is the last page."""

    has_pages = False

    def start_path(self) -> str:
        return "/slack/install"

    async def land(self, person: Person) -> None:
        pass

    async def start(self, person: Person) -> str:
        page = (await person.browser.get(person.start_path)).expect(200)
        return _find(STATE, html.unescape(page.body))

    async def come_back(self, person: Person, query: str) -> None:
        (await person.browser.get(f"/slack/oauth_redirect?{query}")).expect(200)

    async def see_outcome(self, person: Person) -> None:
        pass


class FloorJourney:
    """A redirect to Slack and a redirect afterwards; no page at all."""

    has_pages = False

    def start_path(self) -> str:
        return f"/slack/install?subscriber=subscriber-{secrets.token_hex(8)}"

    async def land(self, person: Person) -> None:
        pass

    async def start(self, person: Person) -> str:
        return _find(STATE, (await person.browser.get(person.start_path)).expect(303).location)

    async def come_back(self, person: Person, query: str) -> None:
        (await person.browser.get(f"/slack/oauth_redirect?{query}")).expect(303)

    async def see_outcome(self, person: Person) -> None:
        pass


def _find(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    if not found:
        raise UnexpectedAnswer(f"no {pattern.pattern} in {text[:1000]}")
    return found[1] if pattern.groups else found[0]
