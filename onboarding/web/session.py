"""The browser's session: a signed cookie, as Flask keeps it, but read only if somebody looks into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin


class LazySession(SecureCookieSession):
    """Flask notes that a session is accessed before it gives it to anybody: the moment to read the cookie."""

    def __init__(self, read: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__()
        self._read = read
        self._is_read = False

    @property
    def accessed(self) -> bool:
        return self._is_read

    @accessed.setter
    def accessed(self, is_accessed: bool) -> None:
        if is_accessed and not self._is_read:
            self._is_read = True
            self.update(self._read())
            self.modified = False


class LazySessions(SecureCookieSessionInterface):
    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        read = super().open_session
        return LazySession(lambda: read(app, request) or {})

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session.accessed:
            super().save_session(app, session, response)
