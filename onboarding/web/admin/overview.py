"""How things are: four numbers, the health of every part, and how far people get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import request, url_for
from flask.typing import ResponseReturnValue

from onboarding.flows.health import Report
from onboarding.ledger.lists import Standing
from onboarding.model.errors import Problem
from onboarding.web.admin import charts, show
from onboarding.web.admin.door import admin_pages
from onboarding.web.context import wiring
from onboarding.web.pages import render

DAYS: Final = 30
SHORT: Final = 7
NUMBERS: Final = (
    (Standing.CONNECTED, "connected"),
    (Standing.GRANTED, "finishing"),
    (Standing.FAILED, "failed"),
    (Standing.WAITING, "waiting for a person"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the service and how it is, in words."""

    name: str
    is_well: bool
    word: str
    detail: str


@admin_pages.get("/")
def with_a_slash() -> ResponseReturnValue:
    return render.see_other(url_for("admin.overview"))


@admin_pages.get("")
def overview() -> ResponseReturnValue:
    wiring().ledger.attempts.expire()
    days = wiring().ledger.lists.days(DAYS)
    counts = wiring().ledger.lists.counts([standing for standing, _ in NUMBERS])
    report = wiring().health.report(asks_again="again" in request.args)
    return show.page(
        "overview.html",
        "Overview",
        numbers=[(standing, label, counts[standing]) for standing, label in NUMBERS],
        parts=_parts(report),
        kept=render.in_words(wiring().settings.attempt_retention),
        asked_at=report.remote.at,
        funnels=[charts.funnel(days[-SHORT:]), charts.funnel(days)],
        columns=charts.columns(days),
        height=charts.COLUMNS_HEIGHT,
        width=charts.WIDTH,
    )


def _parts(report: Report) -> list[Part]:
    return [
        Part("PostgreSQL", True, "answers", ""),
        Part("Redis", True, "answers", ""),
        _remote("Slack", report.remote.slack),
        _remote("Novu", report.remote.novu),
        _workers(report),
        _queue(report),
    ]


def _remote(name: str, problems: tuple[Problem, ...]) -> Part:
    if not problems:
        return Part(name, True, "answers", "")
    return Part(name, False, "needs a look", "; ".join(map(str, problems)))


def _workers(report: Report) -> Part:
    if report.backlog.workers:
        return Part("Workers", True, "are there", "")
    return Part(
        "Workers", False, "none", "Nothing is delivered after the first try. Start “python -m onboarding.worker”."
    )


def _queue(report: Report) -> Part:
    waiting = (
        f"The oldest attempt on its way to Novu was started {show.ago(report.waiting_since)}."
        if report.waiting_since
        else ""
    )
    if not report.backlog.due:
        return Part("Queue", True, "nothing is due", waiting)
    oldest = f"The oldest job was put there {show.ago(report.backlog.oldest)}. " if report.backlog.oldest else ""
    jobs = "1 job is due" if report.backlog.due == 1 else f"{report.backlog.due} jobs are due"
    return Part("Queue", bool(report.backlog.workers), jobs, oldest + waiting)
