"""Reads which connections a host asks a list for, and how it wants one to end. Empty values count as not given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from onboarding.ledger.connection_lists import WantedConnections
from onboarding.model.destinations import ConnectionState
from onboarding.model.errors import Problem
from onboarding.signing.links import MOST_CONTEXTS
from onboarding.web.api.asking import DEFAULT, Query, garbage, misnamed
from onboarding.web.api.problems import Invalid

CONTEXT: Final = "context"
PARAMETERS: Final = (
    "subscriberId",
    CONTEXT,
    "integrationIdentifier",
    "workspaceId",
    "state",
    "limit",
    "after",
)
KEY_PATTERN: Final = "[^\\x00-\\x1f\\x7f]{1,100}:[a-zA-Z0-9_-]{1,100}"
"""A context as type:id."""
END_PARAMETERS: Final = ("revoke", "force")
SWITCH: Final = ("true", "false")


@dataclass(frozen=True, slots=True)
class WantedEnd:
    """How a connection is to end: with its token revoked or not, even if others use the token."""

    revokes: bool
    is_forced: bool


def wanted(query: Query) -> WantedConnections:
    """Raises `Invalid` with every problem at once; a cursor shows whether it is one when it is used."""
    named = misnamed(query, PARAMETERS, repeatable=CONTEXT)
    if problems := [*named, *_garbled_contexts(query), *garbage(query, {"state": tuple(ConnectionState)})]:
        raise Invalid(problems)
    given = {name: query.get(name, "").strip() or None for name in PARAMETERS}
    return WantedConnections(
        subscriber_id=given["subscriberId"],
        context_keys=_contexts(query),
        integration=given["integrationIdentifier"],
        workspace_id=given["workspaceId"],
        state=given["state"],
        limit=int(given["limit"] or DEFAULT),
        after=query.get("after") or None,
    )


def end(query: Query) -> WantedEnd:
    """Raises `Invalid`."""
    if problems := [*misnamed(query, END_PARAMETERS), *garbage(query, dict.fromkeys(END_PARAMETERS, SWITCH))]:
        raise Invalid(problems)
    return WantedEnd(*(query.get(name) == "true" for name in END_PARAMETERS))


def _contexts(query: Query) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, query.getlist(CONTEXT))))


def _garbled_contexts(query: Query) -> Iterator[Problem]:
    keys = _contexts(query)
    if not all(re.fullmatch(KEY_PATTERN, key) for key in keys):
        yield Problem(CONTEXT, "must be type:id")
    elif len(keys) > MOST_CONTEXTS:
        yield Problem(CONTEXT, f"must be given at most {MOST_CONTEXTS} times")
