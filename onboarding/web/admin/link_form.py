"""The form that says whom a link is for: read, and what is wrong with it said by field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from flask import request

from onboarding.model import InstallLink
from onboarding.model.errors import LinkMalformed, Problem
from onboarding.web.admin import door
from onboarding.web.context import wiring

UNITS: Final = {"days": 86_400, "hours": 3_600, "minutes": 60}
FIELDS: Final = {
    "subscriber": "subscriberId",
    "context": "context",
    "shared": "connectionMode",
    "integration": "integrationIdentifier",
    "account": "account",
    "return_url": "returnUrl",
    "destination": "destination",
    "workspace": "workspaceId",
    "lasts": "expiresIn",
}
"""The fields of the form, and what each is called in a link."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form as it was filled in, and what is wrong with it, by field."""

    given: Mapping[str, str]
    problems: Mapping[str, str]


EMPTY: Final = Form({}, {})


class FormRefused(Exception):
    """The link cannot be created like that."""

    def __init__(self, form: Form) -> None:
        self.form = form
        super().__init__(", ".join(form.problems))


def mint(**fixed: str) -> InstallLink:
    """A new link as the form says, and as the fields say that are `fixed`. Raises `FormRefused`."""
    given = {name: request.form.get(name, "").strip() for name in (*FIELDS, "unit")} | fixed
    try:
        return wiring().minting.mint(_payload(given), _lasts(given))
    except LinkMalformed as error:
        raise FormRefused(Form(given, _by_field(error.problems))) from None


def once(link: InstallLink) -> str:
    """The id of the link that this form made first within a minute: this one's, unless the form was sent twice.

    The link has been recorded. It is forgotten if it is one too many.
    """
    form = json.dumps([door.me().name, request.path, sorted(_fields().items())])
    first = wiring().ephemeral.repeats.first(form, link.id)
    if first == link.id:
        return link.id
    found = wiring().minting.find(first)
    if found is None or found.created.is_revoked or found.created.is_expired:
        wiring().ephemeral.repeats.replace(form, link.id)
        return link.id
    wiring().minting.forget(link)
    return first


def _fields() -> dict[str, str]:
    return {name: value for name, value in request.form.items() if name != "csrf_token"}


def _payload(given: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "subscriberId": given["subscriber"],
        "context": _context(given["context"]),
        "connectionMode": "shared" if given["shared"] else None,
        "integrationIdentifier": given["integration"],
        "account": given["account"],
        "returnUrl": given["return_url"],
        "destination": given["destination"],
        "workspaceId": given["workspace"],
    }
    return {name: value or None for name, value in fields.items()}


def _context(text: str) -> dict[str, str]:
    """One `type=id` a line."""
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    if len({type_.strip() for type_, _, _ in pairs}) < len(pairs):
        raise LinkMalformed([Problem("context", "names one type twice")])
    return {type_.strip(): context_id.strip() for type_, _, context_id in pairs}


def _lasts(given: Mapping[str, str]) -> timedelta | None:
    if not given["lasts"]:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,6}", given["lasts"]) or given["unit"] not in UNITS:
        raise LinkMalformed([Problem("expiresIn", "must be a whole number of days, hours or minutes")])
    return timedelta(seconds=int(given["lasts"]) * UNITS[given["unit"]])


def _by_field(problems: tuple[Problem, ...]) -> dict[str, str]:
    fields = {name: field for field, name in FIELDS.items()}
    return {fields.get(problem.name, problem.name): problem.message for problem in problems}
