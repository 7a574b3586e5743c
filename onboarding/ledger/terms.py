"""The words that lead to a customer: accounts, subscribers, contexts and workspaces, by every word's beginning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from onboarding.ledger.postgres import Postgres
from onboarding.model import InstallLink, Workspace

LONGEST_TERM: Final = 60
MOST_WORDS: Final = 4
MOST_AT_ONCE: Final = 500
LEARN: Final = """
    INSERT INTO term (folded, kind, value, name)
    SELECT t.* FROM made, unnest(%(folded)s::text[], %(kinds)s::text[], %(values)s::text[], %(names)s::text[]) t
    ON CONFLICT DO NOTHING
"""
"""Part of a statement that has a part named `made`, with a row if there is something to learn."""


@dataclass(frozen=True, slots=True)
class Match:
    """Something a search has found: its kind is the name of a filter, its value the filter's."""

    kind: str
    value: str
    name: str


@dataclass(frozen=True, slots=True)
class Term:
    folded: str
    match: Match


def of_link(link: InstallLink) -> list[Term]:
    """What an attempt from this link can be found by."""
    if link.subscriber_id:
        owners = [("subscriber", link.subscriber_id)]
    else:
        owners = [("context", context.key) for context in link.contexts]
    names = [Match(kind, value, value) for kind, value in owners]
    names += [Match(kind, value, link.account) for kind, value in owners if link.account]
    return [term for match in names for term in _terms(match)]


def of_workspace(workspace: Workspace) -> list[Term]:
    return list(_terms(Match("workspace", workspace.id, workspace.name)))


def of_created_link(link: InstallLink) -> list[Term]:
    """What a link can be found by before anybody has opened it."""
    names = (link.account, link.subscriber_id, *(context.key for context in link.contexts))
    return [term for name in names if name for term in _terms(Match("link", link.id, name))]


def parameters(terms: Iterable[Term]) -> dict[str, Any]:
    """What `LEARN` needs."""
    unique = list(dict.fromkeys(terms))
    return {
        "folded": [term.folded for term in unique],
        "kinds": [term.match.kind for term in unique],
        "values": [term.match.value for term in unique],
        "names": [term.match.name for term in unique],
    }


def fold(text: str) -> str:
    """Text as it is compared: without regard to case."""
    return text.casefold()[:LONGEST_TERM]


def forget(postgres: Postgres) -> int:
    """Forget the words of months whose attempts are gone, a bounded number at once. Those of links leave with them."""
    return postgres.run(
        """
        DELETE FROM term WHERE ctid IN (
            SELECT ctid FROM term WHERE kind <> 'link'
                AND month < (SELECT (min(ends) AT TIME ZONE 'UTC' - interval '1 month')::date FROM months('attempt'))
            LIMIT %(most)s)
        """,
        {"most": MOST_AT_ONCE},
    )


def _terms(match: Match) -> Iterator[Term]:
    words = [0] if match.name == match.value else [found.start() for found in re.finditer(r"\w+", match.name)]
    for start in words[:MOST_WORDS]:
        yield Term(fold(match.name[start:]), match)
