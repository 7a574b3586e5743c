"""The parts of the service and how each of them is, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import url_for

from onboarding.flows.health import Report
from onboarding.ledger.work import MOST_COUNTED, Backlog, Kind, Stuck
from onboarding.model.errors import Problem
from onboarding.web.admin import event_words, show, words
from onboarding.web.context import wiring

LATE: Final = timedelta(minutes=5)
"""Work that is due for longer is not being done, even if there are workers."""


@dataclass(frozen=True, slots=True)
class StuckWork:
    """Work that was started several times and never finished. `place` is the page on which to do something about it."""

    label: str
    place: str
    happened: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the service: whether it is well, in a word or two, and more about it."""

    name: str
    is_well: bool
    word: str
    detail: str = ""
    stuck: tuple[StuckWork, ...] = ()


def parts(report: Report) -> list[Part]:
    """Without PostgreSQL or Redis there is no page that could say so."""
    return [
        Part("PostgreSQL", True, "answers"),
        Part("Redis", True, "answers"),
        _remote("Slack", report.remote.slack),
        _remote("Novu", report.remote.novu),
        _workers(report.backlog),
        _work(report),
        *_events(),
    ]


def _remote(name: str, problems: tuple[Problem, ...]) -> Part:
    if problems:
        return Part(name, False, "needs a look", "; ".join(map(str, problems)))
    return Part(name, True, "answers")


def _workers(backlog: Backlog) -> Part:
    return Part("Workers", True, "are there") if backlog.workers else Part("Workers", False, "none", words.NO_WORKERS)


def _work(report: Report) -> Part:
    backlog, due = report.backlog, _due(report.backlog.due)
    waits = _waits(report)
    if backlog.stuck:
        stuck = tuple(map(_stuck, backlog.stuck))
        return Part("Work", False, "is stuck", " ".join([words.STUCK_TODO, f"{due.capitalize()}.", *waits]), stuck)
    is_late = backlog.oldest is not None and wiring().clock() - backlog.oldest > LATE
    is_well = not backlog.due or (bool(backlog.workers) and not is_late)
    return Part("Work", is_well, due, " ".join(waits))


def _events() -> list[Part]:
    """Shown only while sending to the host's endpoint is paused."""
    since = wiring().notify.paused_since()
    return [Part("Events", False, "paused", event_words.PAUSED_IN_SHORT.format(ago=show.ago(since)))] if since else []


def _due(number: int) -> str:
    if number == 0:
        return "nothing is due"
    if number == 1:
        return "1 delivery is due"
    return f"{number}{' or more' if number == MOST_COUNTED else ''} deliveries are due"


def _waits(report: Report) -> list[str]:
    """Since when the oldest work is due, and since when the first customer waits."""
    oldest, since = report.backlog.oldest, report.waiting_since
    told = [words.OLDEST_DUE.format(ago=show.ago(oldest))] if oldest else []
    return [*told, *([words.OLDEST_UNDELIVERED.format(ago=show.ago(since))] if since else [])]


def _stuck(work: Stuck) -> StuckWork:
    error = work.last_error or words.NO_ERROR_NOTED
    happened = words.BROKE.format(tries=work.tries, error=error)
    if work.kind == Kind.WEBHOOK:
        return StuckWork(words.WORK[work.kind], _event(work.subject), happened)
    who, place = _customer(work)
    if not who:
        return StuckWork(words.WORK.get(work.kind, work.kind), "", happened)
    return StuckWork(words.WORK_FOR[work.kind].format(who=who), place, happened)


def _customer(work: Stuck) -> tuple[str, str]:
    """Whose work it is, and the page about it; both empty if that is not known."""
    if work.kind == Kind.DELIVER:
        return _name(work.subject), url_for("admin.attempt", attempt_id=work.subject)
    if work.kind not in {Kind.DESTINATION, Kind.DISCONNECT, Kind.CHECK}:
        return "", ""
    made = wiring().ledger.connections.by_owner(work.subject)
    if made is None:
        return "", ""
    return _name(made.attempt_id) or show.holder(made), url_for("admin.connection", identifier=made.identifier)


def _event(event_id: str) -> str:
    return url_for("admin.event", event_id=event_id) if wiring().ledger.events.get(event_id) else ""


def _name(attempt_id: str) -> str:
    found = wiring().ledger.attempts.get(attempt_id)
    return show.customer(found.link) if found else ""
