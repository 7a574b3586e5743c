"""The cookie that ties one attempt to the browser that made it: one per attempt, so that tabs don't fight."""

from __future__ import annotations

import re
from typing import Final

from flask import request
from werkzeug.wrappers import Response

from onboarding.flows.browsers import is_browser_of as _is_browser_of
from onboarding.flows.install import Started
from onboarding.model import STATE_LIFETIME, Attempt, Secret
from onboarding.web.context import wiring

MOST: Final = 10
MOST_DIRECT: Final = 5
"""Of attempts without a link: a landing page looks at each of them."""
ID: Final = r"[A-Za-z0-9_-]{22}"


def remember(response: Response, started: Started) -> None:
    """Bind a new attempt to this browser; the oldest bindings make room, those that can still be claimed last."""
    prefix, most = (_direct_prefix(), MOST_DIRECT) if started.is_direct else (_prefix(), MOST)
    _set(response, prefix + started.attempt_id, started.browser.reveal(), _lifetime())
    for name in _dispensable(prefix, most - 1):
        _set(response, name, "", 0)


def browser_of(attempt_id: str) -> Secret | None:
    value = request.cookies.get(_prefix() + attempt_id) or request.cookies.get(_direct_prefix() + attempt_id)
    return Secret(value) if value else None


def of_direct_attempts() -> dict[str, Secret]:
    """The cookies of attempts that this browser began without a link, by the attempts' ids."""
    prefix = _direct_prefix()
    return {name.removeprefix(prefix): Secret(request.cookies[name]) for name in _ours(prefix)[-MOST_DIRECT:]}


def is_direct(attempt_id: str) -> bool:
    """Whether this browser began the attempt without a link."""
    return _direct_prefix() + attempt_id in request.cookies


def is_browser_of(attempt_id: str) -> bool:
    """The same for an attempt that nobody has read yet."""
    if browser_of(attempt_id) is None:
        return False
    attempt = wiring().ledger.attempts.get(attempt_id)
    return attempt is not None and is_same_browser(attempt)


def is_same_browser(attempt: Attempt) -> bool:
    return _is_browser_of(attempt, browser_of(attempt.id))


def _lifetime() -> int:
    """As long as an attempt can live: it may wait for an approval until its link expires, and stays after that."""
    settings = wiring().settings
    return int((STATE_LIFETIME + settings.link_max_age + settings.attempt_retention).total_seconds())


def _prefix() -> str:
    return "__Host-attempt-" if wiring().settings.is_https else "attempt-"


def _direct_prefix() -> str:
    return f"{_prefix()}direct-"


def _ours(prefix: str) -> list[str]:
    """The names of our cookies that begin like that, oldest first."""
    name = re.compile(re.escape(prefix) + ID)
    return [each for each in request.cookies if name.fullmatch(each)]


def _dispensable(prefix: str, kept: int) -> list[str]:
    names = _ours(prefix)
    if len(names) > kept and prefix == _direct_prefix():
        waiting = wiring().ledger.unclaimed.among([name.removeprefix(prefix) for name in names])
        names.sort(key=lambda name: name.removeprefix(prefix) in waiting)
    return names[:-kept]


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
