"""How things are: the numbers, what is broken, the health of every part, and how far people get."""

from __future__ import annotations

from typing import Final

from flask import request, url_for
from flask.typing import ResponseReturnValue

from onboarding.ledger.lists import Standing
from onboarding.web.admin import charts, connection_words, health, show
from onboarding.web.admin.door import admin_pages
from onboarding.web.context import wiring
from onboarding.web.pages import render

DAYS: Final = 30
SHORT: Final = 7
NUMBERS: Final = (
    (Standing.CONNECTED, "connected"),
    (Standing.GRANTED, "finishing"),
    (Standing.AWAITING_APPROVAL, "awaiting approval"),
    (Standing.FAILED, "failed"),
    (Standing.WAITING, "waiting for a person"),
)


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
        broken=[(word, connection_words.why(word), number) for word, number in wiring().ledger.connections.broken()],
        parts=health.parts(report),
        kept=render.in_words(wiring().settings.attempt_retention),
        asked_at=report.remote.at,
        funnels=[charts.funnel(days[-SHORT:]), charts.funnel(days)],
        columns=charts.columns(days),
        height=charts.COLUMNS_HEIGHT,
        width=charts.WIDTH,
    )
