"""The cookie that ties one attempt to the browser that made it: one per attempt, so that tabs don't fight."""

from __future__ import annotations

import re
from typing import Final

from flask import request
from werkzeug.wrappers import Response

from onboarding.flows.install import Started, browser_hash
from onboarding.model import STATE_LIFETIME, Attempt, Secret
from onboarding.web.context import wiring

MOST: Final = 10


def remember(response: Response, started: Started) -> None:
    """Bind a new attempt to this browser; the oldest bindings make room."""
    _set(response, _prefix() + started.attempt_id, started.browser.reveal(), _lifetime())
    ours = re.compile(re.escape(_prefix()) + r"[A-Za-z0-9_-]{22}")
    for name in [name for name in request.cookies if ours.fullmatch(name)][: -MOST + 1]:
        _set(response, name, "", 0)


def browser_of(attempt_id: str) -> Secret | None:
    value = request.cookies.get(_prefix() + attempt_id)
    return Secret(value) if value else None


def is_browser_of(attempt_id: str) -> bool:
    """The same for an attempt that nobody has read yet."""
    if browser_of(attempt_id) is None:
        return False
    attempt = wiring().ledger.attempts.get(attempt_id)
    return attempt is not None and is_same_browser(attempt)


def is_same_browser(attempt: Attempt) -> bool:
    return browser_hash(browser_of(attempt.id)) == attempt.browser_hash


def _lifetime() -> int:
    """As long as an attempt can live: it may wait for an approval until its link expires, and stays after that."""
    settings = wiring().settings
    return int((STATE_LIFETIME + settings.link_max_age + settings.attempt_retention).total_seconds())


def _prefix() -> str:
    return "__Host-attempt-" if wiring().settings.is_https else "attempt-"


def _set(response: Response, name: str, value: str, max_age: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        secure=wiring().settings.is_https,
        httponly=True,
        samesite="Lax",
    )
