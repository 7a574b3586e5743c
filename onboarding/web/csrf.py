"""CSRF fields: signed with the key of today, good under any key that is not forgotten yet."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask
from flask_wtf.csrf import CSRFProtect, generate_csrf, validate_csrf
from wtforms import ValidationError

from onboarding.model import Secret


class Csrf(CSRFProtect):  # type: ignore[misc]
    """Flask-WTF knows one key. A field that an older one signed is exchanged for its like of today."""

    def __init__(self, app: Flask, older_keys: Sequence[Secret]) -> None:
        self._older_keys = [key.reveal() for key in older_keys]
        super().__init__(app)

    def _get_csrf_token(self) -> str | None:
        field: str | None = super()._get_csrf_token()
        if any(_is_good(field, key) for key in self._older_keys):
            return str(generate_csrf())
        return field


def _is_good(field: str | None, key: str) -> bool:
    try:
        validate_csrf(field, secret_key=key)
    except ValidationError:
        return False
    return True
