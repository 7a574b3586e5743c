"""Reads the arguments of a Web API call: a form, multipart or JSON.

Query strings are read too, but for tokens and codes, which don't belong there.
"""

from __future__ import annotations

import json
from typing import Any, Final

from flask import request
from werkzeug.exceptions import HTTPException

from onboarding.sandbox.fake import parse_json
from onboarding.sandbox.slack.model import SlackError

FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
SECRET: Final = frozenset({"token", "code", "client_secret", "refresh_token"})


def read() -> dict[str, str]:
    """By name, as text: JSON's numbers, booleans and lists as it writes them."""
    asked = {key: value for key, value in request.args.items() if key not in SECRET}
    return asked | _body()


def is_true(given: dict[str, str], name: str) -> bool:
    return given.get(name) in {"1", "true", "True"}


def _body() -> dict[str, str]:
    try:
        if request.mimetype in FORMS:
            return {key: value for key, value in request.form.items() if isinstance(key, str)}
        # Slack's own clients call a method without arguments as JSON, and send none.
        if not request.get_data():
            return {}
        if request.mimetype == "application/json":
            return _from_json(request.get_data())
    except HTTPException as error:
        raise SlackError("invalid_form_data") from error
    raise SlackError("invalid_post_type" if request.mimetype else "missing_post_type")


def _from_json(body: bytes) -> dict[str, str]:
    try:
        value = parse_json(body)
    except ValueError as error:
        raise SlackError("invalid_json") from error
    if not isinstance(value, dict):
        raise SlackError("json_not_object")
    return {key: _text(item) for key, item in value.items() if item is not None}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
