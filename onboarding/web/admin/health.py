"""The parts of the service and how each of them is, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import request, url_for

from onboarding.flows.health import Report
from onboarding.ledger.needs import Failing
from onboarding.ledger.work import MOST_COUNTED, Backlog, Kind, Stuck
from onboarding.model.errors import Problem
from onboarding.web.admin import event_words, health_words, show
from onboarding.web.context import wiring

LATE: Final = timedelta(minutes=5)
"""Work that is due for longer is not being done, even if there are workers."""
SIGNS: Final = {"good": "✓", "wait": "▲", "stop": "!"}


@dataclass(frozen=True, slots=True)
class StuckWork:
    """Work that was started several times and never finished. `place` is the page on which to do something about it."""

    label: str
    place: str
    happened: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the service: whether it is well (good), fails now and then (wait) or is broken (stop), and more."""

    name: str
    tone: str
    word: str
    detail: str = ""
    stuck: tuple[StuckWork, ...] = ()

    @property
    def is_well(self) -> bool:
        return self.tone == "good"

    @property
    def sign(self) -> str:
        return SIGNS[self.tone]


def parts(report: Report, failing: Failing) -> list[Part]:
    """Without PostgreSQL or Redis there is no page that could say so."""
    novu = [
        _told(health_words.DELIVERIES_FAIL, failing.deliveries, "deliveries", "delivery"),
        _checks("Novu", failing.checks_at_novu),
    ]
    return [
        Part("PostgreSQL", "good", health_words.WORKING),
        Part("Redis", "good", health_words.WORKING),
        _remote("Slack", report.remote.slack, [_checks("Slack", failing.checks_at_slack)]),
        _remote("Novu", report.remote.novu, novu),
        _workers(report.backlog),
        _queue(report),
        *_events(failing),
        *_proxy(),
    ]


def _remote(name: str, problems: tuple[Problem, ...], failures: list[str]) -> Part:
    told = " ".join(filter(None, failures))
    if problems:
        return Part(name, "stop", health_words.PROBLEM, f"{'; '.join(map(str, problems))}. {told}".strip())
    return Part(name, "wait", health_words.FAILING, told) if told else Part(name, "good", health_words.WORKING)


def _checks(who: str, number: int) -> str:
    return _told(health_words.CHECKS_FAIL.replace("{who}", who), number, "checks", "check")


def _told(sentence: str, number: int, many: str, one: str) -> str:
    """The sentence with its number of things; empty if there are none."""
    return sentence.format(**{many: f"{number} {one if number == 1 else many}"}) if number else ""


def _workers(backlog: Backlog) -> Part:
    if backlog.workers:
        return Part("Workers", "good", f"{backlog.workers} running")
    return Part("Workers", "stop", "none", health_words.NO_WORKERS)


def _queue(report: Report) -> Part:
    backlog, due = report.backlog, _due(report.backlog.due)
    waits = _waits(report)
    if backlog.stuck:
        stuck = tuple(map(_stuck, backlog.stuck))
        told = " ".join([health_words.STUCK_TODO, f"Queue: {due}.", *waits])
        return Part("Queue", "stop", "stuck", told, stuck)
    is_late = backlog.oldest is not None and wiring().clock() - backlog.oldest > LATE
    is_well = not backlog.due or (bool(backlog.workers) and not is_late)
    return Part("Queue", "good" if is_well else "stop", due, " ".join(waits))


def _events(failing: Failing) -> list[Part]:
    """Shown only while sending to the host's endpoint is paused, or fails."""
    if since := wiring().notify.paused_since():
        return [Part("Events", "stop", "paused", event_words.PAUSED_IN_SHORT.format(ago=show.ago(since)))]
    told = _told(health_words.EVENTS_FAIL, failing.events, "events", "event")
    return [Part("Events", "wait", health_words.FAILING, told)] if told else []


def _proxy() -> list[Part]:
    """Shown only while nobody's own address is known."""
    is_forwarded = "X-Forwarded-For" in request.headers and not wiring().settings.trusted_proxy_count
    return [Part("Proxy", "wait", "not trusted", health_words.PROXY)] if is_forwarded else []


def _due(number: int) -> str:
    if number == 0:
        return "empty"
    if number == 1:
        return "1 delivery due"
    return f"{number}{' or more' if number == MOST_COUNTED else ''} deliveries due"


def _waits(report: Report) -> list[str]:
    """Since when the oldest work is due, and since when the first customer waits."""
    oldest, since = report.backlog.oldest, report.waiting_since
    told = [health_words.OLDEST_DUE.format(ago=show.ago(oldest))] if oldest else []
    return [*told, *([health_words.OLDEST_UNDELIVERED.format(ago=show.ago(since))] if since else [])]


def _stuck(work: Stuck) -> StuckWork:
    error = work.last_error or health_words.NO_ERROR_NOTED
    happened = health_words.BROKE.format(tries=work.tries, error=error)
    if work.kind == Kind.WEBHOOK:
        return StuckWork(health_words.WORK[work.kind], _event(work.subject), happened)
    who, place = _customer(work)
    if not who:
        return StuckWork(health_words.WORK.get(work.kind, work.kind), "", happened)
    return StuckWork(health_words.WORK_FOR[work.kind].format(who=who), place, happened)


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
