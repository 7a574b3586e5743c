"""Creates install links for host back ends: the same link for the same request under the same Idempotency-Key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from onboarding.ephemeral.answers import Answer
from onboarding.ledger.audit import Action
from onboarding.model import InstallLink
from onboarding.model.errors import LinkMalformed, Problem, StoreUnavailable
from onboarding.web import auditing
from onboarding.web.api import answers, bodies
from onboarding.web.api.callers import Caller
from onboarding.web.api.problems import Invalid
from onboarding.web.context import wiring

KEY: Final = "Idempotency-Key"
KEY_PATTERN: Final = r"[ -~]{1,255}"
LIFE: Final = "expiresIn"
FIELDS: Final = (
    "subscriberId",
    "context",
    "connectionMode",
    "integrationIdentifier",
    "identifier",
    "account",
    "returnUrl",
)

Body = Mapping[str, Any]


def create(body: Body, key: str | None, caller: Caller) -> dict[str, Any]:
    """What to answer: what was answered before under the same key, else a new link."""
    problems = _key_problems(key)
    kept = wiring().ephemeral.answers.find(caller.key, key) if key and not problems else None
    return _same(kept or _record(_mint(body, problems), body, key, caller), body)


def _record(link: InstallLink, body: Body, key: str | None, caller: Caller) -> Answer:
    """The answer that counts. The link is listed before anybody gets it; one that nobody will get is forgotten."""
    wiring().minting.record(link, caller.name)
    ours = Answer(_fingerprint(body), answers.link(link, wiring().minting.url(link)))
    try:
        kept = wiring().ephemeral.answers.keep(caller.key, key, ours) if key else ours
    except StoreUnavailable:
        auditing.record(caller.name, Action.MINTED, link.id, "and perhaps never given to anybody: Redis did not answer")
        raise
    if kept.content == ours.content:
        auditing.record(caller.name, Action.MINTED, link.id, f"for {link.subscriber_id or link.account or 'a context'}")
    else:
        wiring().minting.forget(link)
    return kept


def _same(answer: Answer, body: Body) -> dict[str, Any]:
    if answer.fingerprint != _fingerprint(body):
        raise Invalid([Problem(KEY, "was used with another body in the last 24 hours")])
    return answer.content


def _mint(body: Body, problems: Sequence[Problem]) -> InstallLink:
    """A link that nobody knows of yet. Names everything that is wrong at once, `problems` known before included."""
    problems = [*problems, *_unknown(body), *_life_problems(body.get(LIFE))]
    fields = {name: body[name] for name in FIELDS if name in body}
    try:
        link = wiring().minting.mint(fields, None if problems else _life(body.get(LIFE)))
    except LinkMalformed as error:
        raise Invalid([*problems, *error.problems]) from error
    if problems:
        raise Invalid(problems)
    return link


def _key_problems(key: str | None) -> list[Problem]:
    if key is None or re.fullmatch(KEY_PATTERN, key):
        return []
    return [Problem(KEY, "must be 1 to 255 printable ASCII characters")]


def _unknown(body: Body) -> list[Problem]:
    return [Problem(name, "is not a field of this call") for name in body if name not in {*FIELDS, LIFE}]


def _life_problems(value: object) -> list[Problem]:
    most = int(wiring().settings.link_max_age.total_seconds())
    if value is None:
        return []
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= most and value % 1 == 0:
        return []
    return [Problem(LIFE, f"must be a whole number of seconds, from 1 to {most}")]


def _life(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _fingerprint(body: Body) -> str:
    return hashlib.sha256(bodies.canonical(body).encode()).hexdigest()
