"""How things are: what needs an operator, the health of every part, the numbers, and how far people get."""

from __future__ import annotations

from typing import Final

from flask import request, url_for
from flask.typing import ResponseReturnValue

from onboarding.ledger.lists import Standing
from onboarding.web.admin import charts, connection_words, health, health_words, needs, show
from onboarding.web.admin.door import admin_pages
from onboarding.web.context import wiring
from onboarding.web.pages import render

SPANS: Final = (7, 30)
MOST_NEEDS: Final = 5
NUMBERS: Final = (
    (Standing.CONNECTED, "connected"),
    (Standing.GRANTED, "finishing"),
    (Standing.AWAITING_APPROVAL, "awaiting approval"),
    (Standing.FAILED, "failed"),
    (Standing.WAITING, "need action"),
)


@admin_pages.get("/")
def with_a_slash() -> ResponseReturnValue:
    return render.see_other(url_for("admin.overview"))


@admin_pages.get("")
def overview() -> ResponseReturnValue:
    ledger = wiring().ledger
    ledger.attempts.expire()
    counts = ledger.lists.counts([*(standing for standing, _ in NUMBERS), Standing.UNCLAIMED])
    report = wiring().health.report(asks_again="again" in request.args)
    days = ledger.lists.days(_days())
    parts = health.parts(report, ledger.needs.failing())
    return show.page(
        "overview.html",
        "Overview",
        needs=needs.causes(),
        most_needs=MOST_NEEDS,
        number=counts[Standing.WAITING],
        told=health_words,
        broken=[(word, connection_words.why(word), number) for word, number in ledger.connections.broken()],
        unclaimed=needs.unclaimed() if counts[Standing.UNCLAIMED] else (),
        unclaimed_number=counts[Standing.UNCLAIMED],
        numbers=[(standing, label, counts[standing]) for standing, label in NUMBERS],
        well=[part for part in parts if part.is_well],
        unwell=[part for part in parts if not part.is_well],
        asked_at=report.remote.at,
        kept=render.in_words(wiring().settings.attempt_retention),
        days=_days(),
        spans=SPANS,
        funnel=charts.funnel(days),
        chart=charts.columns(days),
    )


def _days() -> int:
    return SPANS[0] if request.args.get("days") == str(SPANS[0]) else SPANS[1]
