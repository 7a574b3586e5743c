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
LEARN: Final = """
    INSERT INTO term
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


def forget(postgres: Postgres, gone: Iterable[tuple[str | None, list[str], str | None]]) -> None:
    """Forget the words that led only to attempts that are gone: their subscribers, contexts and workspaces."""
    values: set[tuple[str, str]] = set()
    for subscriber_id, context_keys, workspace_id in gone:
        values |= {("subscriber", subscriber_id)} if subscriber_id else set()
        values |= {("context", key) for key in context_keys}
        values |= {("workspace", workspace_id)} if workspace_id else set()
    if values:
        kinds, named = zip(*sorted(values), strict=True)
        postgres.run(
            """
            DELETE FROM term t USING unnest(%(kinds)s::text[], %(values)s::text[]) g (kind, value)
            WHERE t.kind = g.kind AND t.value = g.value AND NOT CASE g.kind
                WHEN 'subscriber' THEN EXISTS (SELECT FROM attempt WHERE subscriber_id = g.value)
                WHEN 'context' THEN EXISTS (SELECT FROM attempt_context WHERE context = g.value)
                ELSE EXISTS (SELECT FROM attempt WHERE workspace_id = g.value) END
            """,
            {"kinds": list(kinds), "values": list(named)},
        )


def _terms(match: Match) -> Iterator[Term]:
    words = [0] if match.name == match.value else [found.start() for found in re.finditer(r"\w+", match.name)]
    for start in words[:MOST_WORDS]:
        yield Term(fold(match.name[start:]), match)
