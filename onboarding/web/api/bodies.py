"""Reads JSON objects, and refuses whatever two parsers could understand in two ways."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from flask import request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from onboarding.model.errors import Problem
from onboarding.web import body
from onboarding.web.api.problems import Invalid

LARGEST: Final = 65_536
MOST_NESTED: Final = 32
"""How many objects and arrays may lie inside each other."""


def read_object() -> dict[str, Any]:
    """The body of this call."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    value = parse(body.read(LARGEST))
    if not isinstance(value, dict):
        raise Invalid([Problem("body", "must be an object")])
    return value


def read_nothing() -> None:
    """For calls that take no body. An empty object is none."""
    if body.read(LARGEST).strip() not in {b"", b"{}"}:
        raise Invalid([Problem("body", "must be empty")])


def parse(raw: bytes) -> Any:
    try:
        value = json.loads(raw.decode(), parse_constant=_refuse, object_pairs_hook=_once_each)
        canonical(value).encode()
    except (ValueError, RecursionError) as error:
        raise BadRequest from error
    if _is_nested(value, MOST_NESTED):
        raise BadRequest
    return value


def canonical(value: object) -> str:
    """The same text for the same JSON, however it was written."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError("a key twice")
    return named


def _is_nested(value: object, levels: int) -> bool:
    """Whether more than so many objects and arrays lie inside each other."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_nested(each, levels - 1) for each in inner)
