"""Lists channel connections: filters, order, cursors."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from onboarding.sandbox.novu.answer import Crash, NovuError, ValidationFailed
from onboarding.sandbox.novu.connections import view
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.model import Connection

MOST: Final = 100
CHOICES: Final = {
    "orderBy": ("createdAt", "updatedAt"),
    "orderDirection": ("ASC", "DESC"),
    "channel": ("in_app", "email", "sms", "chat", "push"),
    "connectionMode": ("subscriber", "shared"),
}
_ID: Final = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    """`context_keys` None filters nothing; the empty set asks for connections without context."""

    limit: int
    after: str
    before: str
    include_cursor: bool
    order_by: str
    descending: bool
    equal: dict[str, str]
    mode: str
    context_keys: frozenset[str] | None

    def admits(self, row: Connection) -> bool:
        if self.context_keys is not None and frozenset(row.context_keys) != self.context_keys:
            return False
        if self.mode and (row.subscriber_id is None) != (self.mode == "shared"):
            return False
        fields = view(row)
        return all(fields[name] == value for name, value in self.equal.items())

    def place(self, row: Connection) -> tuple[datetime, str]:
        return (row.created_at if self.order_by == "createdAt" else row.updated_at), row.id


def read_query(args: MultiDict[str, str]) -> Query:
    messages = [*_limit_complaints(args), *_choice_complaints(args)]
    if messages:
        raise ValidationFailed(messages)
    keys = frozenset(filter(None, args.getlist("contextKeys")))
    exact = ("subscriberId", "channel", "providerId", "integrationIdentifier")
    return Query(
        limit=int(float(args.get("limit") or 0)) or 10,
        after=args.get("after", ""),
        before=args.get("before", ""),
        include_cursor=args.get("includeCursor") == "true",
        order_by=args.get("orderBy") or "createdAt",
        descending=(args.get("orderDirection") or "DESC") == "DESC",
        equal={name: args[name] for name in exact if args.get(name)},
        mode=args.get("connectionMode", ""),
        context_keys=keys if "contextKeys" in args else None,
    )


def page(environment: Environment, query: Query) -> dict[str, Any]:
    if query.after and query.before:
        raise NovuError(400, 'Cannot specify both "before" and "after" cursors at the same time.')
    with environment.lock:
        everything = environment.connections
    cursor = query.after or query.before
    start = _find(everything, cursor) if cursor else None
    if cursor and start is None:
        return _body((), None, None, 0)
    rows = sorted(filter(query.admits, everything), key=query.place, reverse=query.descending)
    first, last = _span(rows, query, start)
    shown = rows[first:last]
    following = shown[-1].id if shown and last < len(rows) else None
    return _body(shown, following, shown[0].id if shown and first else None, len(rows))


def _find(rows: tuple[Connection, ...], cursor: str) -> Connection | None:
    """Novu hands the cursor to Mongo as it came; one that is no id fails there."""
    if not _ID.fullmatch(cursor):
        raise Crash
    return next((row for row in rows if row.id == cursor.lower()), None)


def _span(rows: list[Connection], query: Query, cursor: Connection | None) -> tuple[int, int]:
    if cursor is None:
        return 0, min(query.limit, len(rows))
    at = query.place(cursor)
    earlier = sum((query.place(row) > at) if query.descending else (query.place(row) < at) for row in rows)
    on_it = sum(row.id == cursor.id for row in rows)
    if query.after:
        first = earlier + (0 if query.include_cursor else on_it)
        return first, min(first + query.limit, len(rows))
    last = earlier + (on_it if query.include_cursor else 0)
    return max(0, last - query.limit), last


def _body(
    rows: list[Connection] | tuple[()], following: str | None, previous: str | None, total: int
) -> dict[str, Any]:
    return {
        "data": [view(row) for row in rows],
        "next": following,
        "previous": previous,
        "totalCount": total,
        "totalCountCapped": False,
    }


def _limit_complaints(args: MultiDict[str, str]) -> list[str]:
    """Clients send `10.0` too."""
    text = args.get("limit") or "0"
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        return ["limit must be a number conforming to the specified constraints"]
    if limit < 0:
        return ["limit must not be less than 1"]
    return [f"limit must not be greater than {MOST}"] if limit > MOST else []


def _choice_complaints(args: MultiDict[str, str]) -> list[str]:
    return [
        f"{name} must be one of the following values: {', '.join(choices)}"
        for name, choices in CHOICES.items()
        if args.get(name) and args[name] not in choices
    ]
