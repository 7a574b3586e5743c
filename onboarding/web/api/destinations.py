"""Reads which channel or person a host names as the destination, and looks them up in Slack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from onboarding.flows.channels import ANYBODY, PERSON
from onboarding.flows.listing import Place
from onboarding.flows.pasted import CHANNEL, Pasted
from onboarding.model.destinations import Destination, MadeConnection
from onboarding.model.errors import DestinationRefused, Problem, Remedy, SlackSaysNo
from onboarding.web.api import refusals
from onboarding.web.api.problems import Invalid
from onboarding.web.context import wiring

CHANNEL_FIELD: Final = "channelId"
PERSON_FIELD: Final = "userId"
FIELDS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    CHANNEL_FIELD: (CHANNEL, "must be the id of a channel in Slack, like C024BE91L"),
    PERSON_FIELD: (PERSON, "must be the id of a person in Slack, like U0G9QF9C6"),
}


@dataclass(frozen=True, slots=True)
class Named:
    """What a host names, and the field it used."""

    field: str
    id: str


def read(body: Mapping[str, Any]) -> Named:
    """Null counts as not given. Raises `Invalid`."""
    given = {name: body[name] for name in FIELDS if body.get(name) is not None}
    if problems := [*_unknown(body), *_malformed(given), *_miscounted(given)]:
        raise Invalid(problems)
    [(field, id_)] = given.items()
    return Named(field, id_)


def find(connection: MadeConnection, named: Named) -> Destination:
    """Raises `Invalid` if notifications cannot go there."""
    try:
        return _ask(connection, named)
    except DestinationRefused as refused:
        raise Invalid([Problem(named.field, refusals.NOT_THERE[refused.why])]) from refused
    except SlackSaysNo as error:
        if error.remedy not in {Remedy.CHOOSE_AGAIN, Remedy.ASK_IN_SLACK}:
            raise
        raise Invalid([Problem(named.field, f"is refused by Slack: {error.word}")]) from error


def _ask(connection: MadeConnection, named: Named) -> Destination:
    if named.field == PERSON_FIELD:
        return wiring().channels.person(connection, named.id)
    return wiring().channels.channel(Place(connection), ANYBODY, Pasted(named.id))


def _unknown(body: Mapping[str, Any]) -> Iterator[Problem]:
    return (Problem(name, "is not a field of this call") for name in body if name not in FIELDS)


def _malformed(given: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in given.items():
        pattern, message = FIELDS[name]
        if not isinstance(value, str) or not pattern.fullmatch(value):
            yield Problem(name, message)


def _miscounted(given: Mapping[str, Any]) -> Iterator[Problem]:
    if not given:
        yield Problem(CHANNEL_FIELD, f"or {PERSON_FIELD} is required")
    if len(given) > 1:
        yield Problem(PERSON_FIELD, f"must not be given together with {CHANNEL_FIELD}")
