"""Reads the arguments of a Web API call: a form, multipart or JSON.

Query strings are not read: tokens and codes don't belong there.
"""

from __future__ import annotations

from typing import Final

from flask import request
from werkzeug.exceptions import HTTPException

from onboarding.sandbox.slack.model import SlackError
from onboarding.sandbox.stand_in import parse_json

FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def read() -> dict[str, str]:
    """By name; values that are not text are left out, as unknown arguments are."""
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
    return {key: item for key, item in value.items() if isinstance(item, str)}
