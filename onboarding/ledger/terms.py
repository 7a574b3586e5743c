"""The words that lead to a customer: accounts, subscribers, contexts and workspaces, by every word's beginning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from onboarding.ledger.scripts import PREFIX
from onboarding.model import InstallLink, Workspace

TERMS: Final = f"{PREFIX}:terms"
LONGEST_STORY: Final = timedelta(days=16)
"""From the click to the end: a day or so, a week for a person to retry, and the same again."""
LONGEST_TERM: Final = 60
MOST_WORDS: Final = 4
SEPARATOR: Final = "\0"


@dataclass(frozen=True, slots=True)
class Match:
    """Something a search has found: its kind is the name of a filter, its value the filter's."""

    kind: str
    value: str
    name: str

    @property
    def list(self) -> str:
        return f"{self.kind}:{self.value}"


def period(retention: timedelta) -> int:
    """Seconds that one set of terms gathers them for. The set of today and the one before lead to every attempt."""
    return int((retention + LONGEST_STORY).total_seconds())


def sets(now: datetime, retention: timedelta) -> list[str]:
    """The sets that a search has to look into."""
    number = int(now.timestamp()) // period(retention)
    return [f"{TERMS}:{number}", f"{TERMS}:{number - 1}"]


def of_link(link: InstallLink) -> list[str]:
    if link.subscriber_id:
        owners = [("subscriber", link.subscriber_id)]
    else:
        owners = [("context", context.key) for context in link.contexts]
    names = [(kind, value, value) for kind, value in owners]
    names += [(kind, value, link.account) for kind, value in owners if link.account]
    return [term for kind, value, name in names for term in _terms(Match(kind, value, name))]


def of_workspace(workspace: Workspace) -> list[str]:
    return list(_terms(Match("workspace", workspace.id, workspace.name)))


def fold(text: str) -> str:
    """Text as it is compared: without regard to case."""
    return text.casefold()[:LONGEST_TERM]


def read(term: str) -> Match:
    _, kind, value, name = term.split(SEPARATOR)
    return Match(kind, value, name)


def _terms(match: Match) -> Iterator[str]:
    words = [0] if match.name == match.value else [found.start() for found in re.finditer(r"\w+", match.name)]
    for start in words[:MOST_WORDS]:
        yield SEPARATOR.join((fold(match.name[start:]), match.kind, match.value, match.name))
