"""Reads a request's body, up to a limit."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge


def read(most: int) -> bytes:
    """A body that comes in chunks is cut off at the limit, silently; so the limit is one more than may come."""
    request.max_content_length = most + 1
    raw = request.get_data()
    if len(raw) > most:
        raise RequestEntityTooLarge
    return raw
