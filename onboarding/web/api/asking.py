"""Reads what a host asks lists for. Empty values count as not given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from werkzeug.datastructures import MultiDict

from onboarding.ledger.lists import Standing, Wanted
from onboarding.model import Attempt
from onboarding.model.errors import Problem
from onboarding.web.api.problems import Invalid

PARAMETERS: Final = ("status", "subscriberId", "linkId", "limit", "after")
STANDINGS: Final = tuple(standing.value for standing in Standing if standing is not Standing.WAITING)
MOST: Final = 100
DEFAULT: Final = 50

SEARCH_PARAMETERS: Final = ("q", "after", "team")
CURSOR: Final = re.compile(r"c(0|[1-9][0-9]{0,6})")
"""The cursor of a list of channels: how many of Slack's channels to skip."""

Query = MultiDict[str, str]


@dataclass(frozen=True, slots=True)
class Search:
    """Which channels to list, in which workspace, and how many of Slack's to skip."""

    text: str
    start: int
    team: str


def search(query: Query) -> Search:
    """Raises `Invalid`."""
    after = query.get("after", "")
    place = CURSOR.fullmatch(after)
    problems = [*misnamed(query, SEARCH_PARAMETERS)]
    if after and not place:
        problems.append(Problem("after", "must be the `next` of an earlier page"))
    if problems:
        raise Invalid(problems)
    return Search(query.get("q", ""), int(place[1]) if place else 0, query.get("team", "").strip())


def cursor(start: int | None) -> str | None:
    """What `search` reads again."""
    return None if start is None else f"c{start}"


def wanted(query: Query) -> Wanted:
    """Raises `Invalid` with every problem at once; a cursor shows whether it is one when it is used."""
    among = {"status": STANDINGS}
    if problems := [*misnamed(query, PARAMETERS), *garbage(query, among)]:
        raise Invalid(problems)
    status, subscriber_id, link_id, limit, after = (query.get(name, "") for name in PARAMETERS)
    return Wanted(
        standing=Standing(status) if status else None,
        # As in links: white space at the ends belongs to no id.
        subscriber_id=subscriber_id.strip() or None,
        link_id=link_id.strip() or None,
        limit=int(limit or DEFAULT),
        after=after or None,
    )


def still_stands(attempt: Attempt, standing: Standing | None) -> bool:
    """Whether the attempt still has the status that was asked for: time alone may have changed it."""
    if standing is Standing.PENDING:
        return attempt.status.is_pending
    return standing is None or attempt.status.value == standing.value


def misnamed(query: Query, parameters: Sequence[str], repeatable: str = "") -> Iterator[Problem]:
    for name, values in query.lists():
        if name not in parameters:
            yield Problem(name, "is not a parameter of this call")
        elif len(values) > 1 and name != repeatable:
            yield Problem(name, "must be given once")


def garbage(query: Query, among: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """`among` names the words that a parameter can be."""
    for name, words in among.items():
        if query.get(name) and query[name] not in words:
            yield Problem(name, f"must be one of {', '.join(words)}")
    if query.get("limit") and not re.fullmatch("[1-9][0-9]?|100", query["limit"]):
        yield Problem("limit", f"must be a whole number from 1 to {MOST}")
