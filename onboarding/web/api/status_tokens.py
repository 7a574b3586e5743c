"""Gives hosts tokens that let a browser read one owner's status, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from onboarding.model import Owner
from onboarding.model.errors import Problem
from onboarding.web.api import answers, bodies, creation, repeats
from onboarding.web.api.callers import Caller
from onboarding.web.api.creation import LIFE, Body
from onboarding.web.api.repeats import Keyed
from onboarding.web.context import wiring

FIELDS: Final = ("subscriberId", "context", "connectionMode", "integrationIdentifier")
MOST: Final = 86_400
DEFAULT: Final = 3_600


def create(body: Body, key: str | None, caller: Caller) -> dict[str, Any]:
    """What to answer: what was answered before under the same key, else a new token."""
    problems = repeats.problems(key)
    keyed = Keyed(caller, key, repeats.fingerprint(_asked(body))) if key and not problems else None
    kept = keyed.find() if keyed else None
    return kept or _issue(body, problems, keyed)


def _asked(body: Body) -> str:
    """A key that was used for a link cannot be used for the same fields here."""
    return f"status token {bodies.canonical(body)}"


def _issue(body: Body, problems: Sequence[Problem], keyed: Keyed | None) -> dict[str, Any]:
    owner = _owner(body, problems)
    expires_at = wiring().clock() + timedelta(seconds=body.get(LIFE) or DEFAULT)
    token = wiring().status_tokens.issue(owner, expires_at)
    ours = {"token": token.reveal(), "expiresAt": answers.moment(expires_at)}
    return keyed.same(keyed.keep(ours)) if keyed else ours


def _owner(body: Body, problems: Sequence[Problem]) -> Owner:
    """Whose status is meant, by the rules of links. Names everything that is wrong at once."""
    problems = [*problems, *creation.unknown(body, FIELDS), *creation.life_problems(body.get(LIFE), MOST)]
    return creation.link_of(body, FIELDS, None, problems).owner
