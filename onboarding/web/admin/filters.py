"""Reads the filters in an address, says what is wrong with them, and writes them back into addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from onboarding.ledger.lists import Standing, Wanted
from onboarding.model import Reason
from onboarding.settings.rules import is_text
from onboarding.web.context import wiring

NAMES: Final = ("status", "reason", "subscriber", "context", "workspace", "integration", "from", "to")
LONGEST: Final = 255
LONGEST_SEARCH: Final = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Filters:
    """`given` are the filters as they were written; `problems` says which of them make no sense."""

    given: Mapping[str, str]
    wanted: Wanted
    problems: Mapping[str, str]


def read(args: Mapping[str, str]) -> Filters:
    given = {name: args.get(name, "").strip() for name in NAMES if args.get(name, "").strip()}
    read = _Reader(given)
    until = read.day("to")
    wanted = Wanted(
        standing=read.choice("status", Standing),
        reason=read.choice("reason", Reason),
        subscriber_id=read.text("subscriber"),
        context=read.text("context"),
        workspace_id=read.text("workspace"),
        integration=read.text("integration"),
        since=read.day("from"),
        until=until + timedelta(days=1, microseconds=-1) if until else None,
        after=args.get("after") or None,
    )
    return Filters(given, wanted, read.problems)


def apps(chosen: str = "") -> dict[str, str]:
    """The integrations to choose from if there are several Slack apps, and the chosen one if it is none of theirs."""
    settings = wiring().settings.apps
    known = [app.integration for app in settings.all] if settings.is_from_file else []
    return {each: each for each in (*known, *([chosen] if chosen else []))} if len(known) > 1 else {}


def everything(filters: Filters, limit: int) -> Wanted:
    """The same from the beginning, in larger pages."""
    return replace(filters.wanted, after=None, limit=limit)


class _Reader:
    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.problems: dict[str, str] = {}

    def choice(self, name: str, kind: type[T]) -> T | None:
        value = self._given.get(name)
        try:
            return kind(value) if value else None  # type: ignore[call-arg]
        except ValueError:
            self.problems[name] = "is none of the choices"
            return None

    def text(self, name: str) -> str | None:
        value = self._given.get(name)
        if value and (len(value) > LONGEST or not is_text(value)):
            self.problems[name] = f"must be at most {LONGEST} characters of text"
            return None
        return value

    def day(self, name: str) -> datetime | None:
        value = self._given.get(name)
        if not value:
            return None
        try:
            moment = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) and 1970 <= moment.year < 9999:
                return moment
        except ValueError:
            pass
        self.problems[name] = "must be a day like 2026-11-21"
        return None
