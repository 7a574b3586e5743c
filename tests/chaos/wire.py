"""The last stretch of wire before a fake: cuts connections, and lets something happen while an answer is on it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

READS: Final = frozenset({"GET", "HEAD"})


class Wire:
    """Wraps the app of a fake. Only its API is struck, never the pages that a browser sees.

    Cut before: the request never arrives. Cut after: it was carried out, and its answer is lost.
    """

    def __init__(self, app: Flask, api: str) -> None:
        self._app = app.wsgi_app
        self._api = api
        self._lock = threading.Lock()
        self._left = {"before": 0, "after": 0}
        self._trap: Callable[[], None] | None = None
        self.cuts: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        """How often each code was asked to be redeemed."""
        self.unanswered: set[str] = set()
        """Codes whose answer was cut off."""
        app.wsgi_app = self  # type: ignore[method-assign]

    def cut(self, side: str, times: int) -> None:
        with self._lock:
            self._left[side] = times

    def set_trap(self, action: Callable[[], None]) -> None:
        """Do this once, when the next write was carried out and before its answer leaves."""
        with self._lock:
            self._trap = action

    def mend(self) -> None:
        with self._lock:
            self._left = {"before": 0, "after": 0}
            self._trap = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(self._api):
            return self._app(environ, start_response)
        code = _code(environ)
        self.codes.update(filter(None, [code]))
        if self._strikes("before"):
            raise ConnectionAbortedError
        answer = list(self._app(environ, start_response))
        if environ["REQUEST_METHOD"] not in READS:
            self._spring()
        if self._strikes("after"):
            self.unanswered.update(filter(None, [code]))
            raise ConnectionAbortedError
        return answer

    def _strikes(self, side: str) -> bool:
        with self._lock:
            if not self._left[side]:
                return False
            self._left[side] -= 1
            self.cuts[side] += 1
            return True

    def _spring(self) -> None:
        with self._lock:
            action, self._trap = self._trap, None
        if action:
            action()


def _code(environ: WSGIEnvironment) -> str:
    """The code in the form that was sent, if there is one."""
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return ""
    body: bytes = environ["wsgi.input"].read()
    environ["wsgi.input"].seek(0)
    return parse_qs(body.decode("utf-8", "replace")).get("code", [""])[0]
