"""The attempts: found by filter or by search, and delivered again all at once."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Final
from urllib.parse import urlencode

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue

from onboarding.ledger.audit import Action
from onboarding.ledger.lists import Found, Standing
from onboarding.ledger.terms import Match
from onboarding.model import Reason
from onboarding.model.errors import CursorMalformed, NothingToRetry, StoreUnavailable
from onboarding.web import auditing
from onboarding.web.admin import attempt_words, door, filters, link_words, reason_words, show, words
from onboarding.web.admin.door import admin_pages
from onboarding.web.admin.filters import LONGEST_SEARCH, Filters
from onboarding.web.context import wiring
from onboarding.web.pages import render

MOST_AT_ONCE: Final = 1000
CAUSE: Final = ("reason", "integration")
"""The filters of attempts that may be retried together."""


@admin_pages.get("/attempts")
def attempts() -> ResponseReturnValue:
    if searched := request.args.get("q", "").strip():
        return _search(searched)
    chosen = filters.read(request.args)
    found, problem = _find(chosen)
    return show.page(
        "attempts.html",
        "Attempts",
        400 if problem else 200,
        found=found,
        total=0 if problem else wiring().ledger.lists.total(chosen.wanted),
        problem=problem,
        chosen=chosen,
        standings=attempt_words.STANDINGS,
        ends={reason: reason_words.REASONS[reason].short for reason in Reason},
        apps=filters.apps(chosen.given.get("integration", "")),
    )


@admin_pages.post("/attempts/retry")
def retry_all() -> ResponseReturnValue:
    """What waits for a person, all of it or for one cause, as much as fits into one click; the worker delivers it."""
    chosen = filters.read({name: request.form.get(name, "") for name in CAUSE})
    if chosen.problems:
        abort(400)
    waiting = list(islice(wiring().ledger.lists.each(replace(chosen.wanted, standing=Standing.WAITING)), MOST_AT_ONCE))
    reopened = sum(_reopen(attempt.id) for attempt in waiting)
    cause = " ".join(chosen.given.values()) or attempt_words.EVERYTHING
    auditing.record(door.me().name, Action.RETRIED, show.counted(reopened, "attempt"), cause)
    flash(attempt_words.RETRIED_ALL.format(attempts=show.counted(reopened, "attempt")), "wait")
    return render.see_other(url_for("admin.attempts", status=Standing.GRANTED.value))


def _reopen(attempt_id: str) -> bool:
    try:
        wiring().delivery.retry_soon(attempt_id)
    except (NothingToRetry, StoreUnavailable):
        return False
    return True


def _find(chosen: Filters) -> tuple[Found, str]:
    """What was asked for, or nothing and why."""
    nothing = Found((), None)
    if chosen.problems:
        return nothing, words.BAD_FILTERS
    try:
        wiring().ledger.attempts.expire()
        return wiring().ledger.lists.find(chosen.wanted), ""
    except CursorMalformed:
        return nothing, words.BAD_FILTERS


def _search(text: str) -> ResponseReturnValue:
    """Straight to what the text names if that is one thing, otherwise to a choice."""
    if len(text) > LONGEST_SEARCH:
        return show.page("search.html", "Search", 400, searched="", matches=[], links=[], problem=words.SEARCH_TOO_LONG)
    matches = wiring().ledger.lists.search(text)
    if len(matches) == 1:
        return render.see_other(_place(matches[0]))
    if not matches and (noted := wiring().ledger.problems.find(text)):
        heading = "What this support code stands for"
        return show.page("problem.html", heading, todo=link_words.SEND_NEW_LINK, noted=noted, code=text)
    places = [(match, _place(match)) for match in matches]
    links = [] if matches else wiring().minting.search(text)
    return show.page("search.html", "Search", searched=text, matches=places, links=links, problem="")


def _place(match: Match) -> str:
    if match.kind == "attempt":
        return url_for("admin.attempt", attempt_id=match.value)
    return f"{url_for('admin.attempts')}?{urlencode({match.kind: match.value})}"
