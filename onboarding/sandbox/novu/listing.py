"""Lists channel connections and channel endpoints: filters, order, cursors."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from onboarding.sandbox.novu.answer import Crash, NovuError, ValidationFailed
from onboarding.sandbox.novu.index import ORDERS, Place, place
from onboarding.sandbox.novu.labels import Label
from onboarding.sandbox.novu.model import Kept, Row
from onboarding.sandbox.novu.table import Table

MOST: Final = 100
MOST_COUNTED: Final = 50_000
_CHOICES: Final = {
    "orderBy": ORDERS,
    "orderDirection": ("ASC", "DESC"),
    "channel": ("in_app", "email", "sms", "chat", "push"),
}
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ID: Final = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Filters:
    """What one list can be asked for: fields to be equal, and fields with a choice of values."""

    exact: tuple[str, ...]
    choices: Mapping[str, tuple[str, ...]]


_EXACT: Final = ("subscriberId", "channel", "providerId", "integrationIdentifier")
CONNECTIONS: Final = Filters((*_EXACT, "connectionMode"), {**_CHOICES, "connectionMode": ("subscriber", "shared")})
ENDPOINTS: Final = Filters((*_EXACT, "connectionIdentifier"), _CHOICES)


@dataclass(frozen=True, slots=True)
class Query:
    """`labels` are what a row must bear, each by field; the empty set of context keys is one of them."""

    limit: int
    after: str
    before: str
    include_cursor: bool
    order_by: str
    descending: bool
    labels: frozenset[Label]


def read_query(args: MultiDict[str, str], filters: Filters = CONNECTIONS) -> Query:
    messages = [*_limit_complaints(args), *_choice_complaints(args, filters)]
    if messages:
        raise ValidationFailed(messages)
    return Query(
        limit=int(float(args.get("limit") or 0)) or 10,
        after=args.get("after", ""),
        before=args.get("before", ""),
        include_cursor=args.get("includeCursor") == "true",
        order_by=args.get("orderBy") or "createdAt",
        descending=(args.get("orderDirection") or "DESC") == "DESC",
        labels=frozenset(_labels(args, filters)),
    )


def _labels(args: MultiDict[str, str], filters: Filters) -> Iterator[Label]:
    for name in filters.exact:
        if args.get(name):
            yield name, args[name]
    if "contextKeys" in args:
        yield "contextKeys", frozenset(filter(None, args.getlist("contextKeys")))


def page(table: Table[Row], query: Query, view: Callable[[Row], Any]) -> dict[str, Any]:
    if query.after and query.before:
        raise NovuError(400, 'Cannot specify both "before" and "after" cursors at the same time.')
    cursor = query.after or query.before
    with table.lock:
        start = _find(table, cursor) if cursor else None
        if cursor and start is None:
            return _body([], None, None, 0)
        places = table.index.select(query.labels, query.order_by)
        first, last = _span(places, query, start)
        rows = [table.index.find(id_) for _, id_ in _between(places, first, last, query)]
        shown = [row for row in rows if row is not None]
        following = shown[-1].id if shown and last < len(places) else None
        previous = shown[0].id if shown and first else None
        return _body([view(row) for row in shown], following, previous, len(places))


def _find(table: Table[Row], cursor: str) -> Row | None:
    """Novu hands the cursor to Mongo as it came; one that is no id fails there."""
    if not _ID.fullmatch(cursor):
        raise Crash
    return table.index.find(cursor.lower())


def _span(places: Sequence[Place], query: Query, cursor: Kept | None) -> tuple[int, int]:
    """The first row of the page and the one after its last, counted in the order that was asked for."""
    if cursor is None:
        return 0, min(query.limit, len(places))
    at = place(cursor, query.order_by)
    left, right = bisect_left(places, at), bisect_right(places, at)
    earlier, on_it = (len(places) - right if query.descending else left), right - left
    if query.after:
        first = earlier + (0 if query.include_cursor else on_it)
        return first, min(first + query.limit, len(places))
    last = earlier + (on_it if query.include_cursor else 0)
    return max(0, last - query.limit), last


def _between(places: Sequence[Place], first: int, last: int, query: Query) -> Sequence[Place]:
    if not query.descending:
        return places[first:last]
    return places[len(places) - last : len(places) - first][::-1]


def _body(rows: list[Any], following: str | None, previous: str | None, total: int) -> dict[str, Any]:
    return {
        "data": rows,
        "next": following,
        "previous": previous,
        "totalCount": min(total, MOST_COUNTED),
        "totalCountCapped": total > MOST_COUNTED,
    }


def _limit_complaints(args: MultiDict[str, str]) -> list[str]:
    """Clients send `10.0` too."""
    text = (args.get("limit") or "0").strip()
    limit = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(limit):
        return ["limit must be a number conforming to the specified constraints"]
    if limit < 0:
        return ["limit must not be less than 1"]
    return [f"limit must not be greater than {MOST}"] if limit > MOST else []


def _choice_complaints(args: MultiDict[str, str], filters: Filters) -> list[str]:
    return [
        f"{name} must be one of the following values: {', '.join(choices)}"
        for name, choices in filters.choices.items()
        if args.get(name) and args[name] not in choices
    ]
