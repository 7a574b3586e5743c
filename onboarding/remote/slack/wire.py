"""Reads Slack's JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from onboarding.model import Reason
from onboarding.model.errors import SlackRefused
from onboarding.remote.http import Answer, Call

SAYS_NO = re.compile(rb'"ok"\s*:\s*false')


def call(method: str) -> Call:
    return Call("slack", method, _is_yes)


def _is_yes(answer: Answer) -> bool:
    """Without reading all of it."""
    return answer.is_good and not SAYS_NO.search(answer.body)


def read_fields(answer: Answer) -> Mapping[str, Any]:
    """What Slack itself says; it does so in JSON, mostly with status 200."""
    if answer.status >= 500:
        raise SlackRefused(Reason.SLACK_UNAVAILABLE, f"http_{answer.status}")
    try:
        fields = answer.json()
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise SlackRefused(Reason.SLACK_UNAVAILABLE, "not_json" if answer.is_good else f"http_{answer.status}")
    return fields


def read_id(value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) else None


def read_text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
