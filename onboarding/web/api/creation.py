"""Creates install links for host back ends: the same link for the same request under the same Idempotency-Key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from onboarding.ledger.audit import Action
from onboarding.model import InstallLink
from onboarding.model.errors import LinkMalformed, Problem, StoreUnavailable
from onboarding.web import auditing
from onboarding.web.api import answers, bodies, repeats
from onboarding.web.api.callers import Caller
from onboarding.web.api.problems import Invalid
from onboarding.web.api.repeats import Keyed
from onboarding.web.context import wiring

LIFE: Final = "expiresIn"
FIELDS: Final = (
    "subscriberId",
    "context",
    "connectionMode",
    "integrationIdentifier",
    "identifier",
    "account",
    "returnUrl",
    "destination",
    "workspaceId",
)
TRACEPARENT: Final = "traceparent"

Body = Mapping[str, Any]


def create(body: Body, key: str | None, traceparent: str | None, caller: Caller) -> dict[str, Any]:
    """What to answer: what was answered before under the same key, else a new link."""
    problems = repeats.problems(key)
    keyed = Keyed(caller, key, repeats.fingerprint(bodies.canonical(body))) if key and not problems else None
    kept = keyed.find() if keyed else None
    return kept or _record(_mint(body, traceparent, problems), keyed, caller)


def _record(link: InstallLink, keyed: Keyed | None, caller: Caller) -> dict[str, Any]:
    """The answer that counts. The link is listed before anybody gets it; one that nobody will get is forgotten."""
    wiring().minting.record(link, caller.name)
    ours = answers.link(link, wiring().minting.url(link))
    try:
        kept = keyed.keep(ours) if keyed else None
    except StoreUnavailable:
        auditing.record(caller.name, Action.MINTED, link.id, "and perhaps never given to anybody: Redis did not answer")
        raise
    if keyed and kept and kept.content != ours:
        wiring().minting.forget(link)
        return keyed.same(kept)
    auditing.record(caller.name, Action.MINTED, link.id, f"for {link.subscriber_id or link.account or 'a context'}")
    return ours


def _mint(body: Body, traceparent: str | None, problems: Sequence[Problem]) -> InstallLink:
    """A link that nobody knows of yet. Names everything that is wrong at once, `problems` known before included."""
    most = int(wiring().settings.link_max_age.total_seconds())
    problems = [*problems, *unknown(body, FIELDS), *life_problems(body.get(LIFE), most)]
    said = {**body, TRACEPARENT: traceparent}
    return link_of(said, (*FIELDS, TRACEPARENT), None if problems else _life(body.get(LIFE)), problems)


def link_of(body: Body, names: Sequence[str], life: timedelta | None, problems: Sequence[Problem]) -> InstallLink:
    """A link that nobody knows of yet, from the fields of these names. Raises `Invalid` with all `problems`."""
    try:
        link = wiring().minting.mint({name: body[name] for name in names if name in body}, life)
    except LinkMalformed as error:
        raise Invalid([*problems, *error.problems]) from error
    if problems:
        raise Invalid(problems)
    return link


def unknown(body: Body, names: Sequence[str]) -> list[Problem]:
    """Fields that are none of these, nor how long it is to live."""
    return [Problem(name, "is not a field of this call") for name in body if name not in {*names, LIFE}]


def life_problems(value: object, most: int) -> list[Problem]:
    if value is None:
        return []
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= most and value % 1 == 0:
        return []
    return [Problem(LIFE, f"must be a whole number of seconds, from 1 to {most}")]


def _life(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
