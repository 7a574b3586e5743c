"""The attempts: found by filter or by search, one of them in full, and what can be done about it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue

from onboarding.attempts import Found, Match, Standing, Wanted
from onboarding.errors import CursorMalformed, NothingToRetry
from onboarding.links import to_payload
from onboarding.model import Attempt, Event, Reason, Status
from onboarding.records.audit import Action
from onboarding.web import auditing, pages
from onboarding.web.admin import bundle, door, filters, show, words
from onboarding.web.admin.door import admin_pages
from onboarding.web.admin.filters import LONGEST_SEARCH, Filters
from onboarding.web.context import wiring

MOST_AT_ONCE: Final = 100


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
        problem=problem,
        chosen=chosen,
        standings=words.STANDINGS,
        reasons={reason: words.REASONS[reason].short for reason in Reason},
        now=wiring().clock(),
    )


@admin_pages.get("/attempts/<attempt_id>")
def attempt(attempt_id: str) -> ResponseReturnValue:
    found = _get(attempt_id)
    return show.page(
        "attempt.html",
        f"Attempt of {found.link.account or show.owner(found.link)}",
        support_code=found.id,
        attempt=found,
        summary=words.summary(found),
        todo=words.todo(found),
        steps=_steps(found),
        can_retry=found.can_be_retried(wiring().clock()),
        bundle=bundle.write(found),
    )


@admin_pages.post("/attempts/<attempt_id>/retry")
def retry(attempt_id: str) -> ResponseReturnValue:
    try:
        outcome, tone = words.retried(wiring().delivery.retry(attempt_id))
    except NothingToRetry as error:
        outcome, tone = words.NOT_RETRIED.format(why=error), "stop"
    auditing.record(door.me().name, Action.RETRIED, attempt_id, outcome)
    flash(outcome, tone)
    return pages.see_other(url_for("admin.attempt", attempt_id=attempt_id))


@admin_pages.post("/attempts/retry")
def retry_all() -> ResponseReturnValue:
    """Everything that waits for a person, as much of it as fits into one click; the worker delivers it."""
    waiting = wiring().lists.find(Wanted(standing=Standing.WAITING, limit=MOST_AT_ONCE), wiring().clock()).attempts
    reopened = [attempt.id for attempt in waiting if _reopen(attempt.id)]
    auditing.record(door.me().name, Action.RETRIED, f"{len(reopened)} attempts", "everything that waits for a person")
    flash(words.RETRIED_ALL.format(number=len(reopened)), "wait")
    return pages.see_other(url_for("admin.attempts", status=Standing.WAITING.value))


@admin_pages.post("/attempts/<attempt_id>/link")
def renew_link(attempt_id: str) -> ResponseReturnValue:
    """A new link for the same owner, with everything the old one said."""
    fields = to_payload(_get(attempt_id).link)
    fields = {name: value for name, value in fields.items() if name not in {"id", "expiresAt"}}
    link = wiring().minting.mint(fields, None)
    wiring().minting.record(link, door.me().name)
    auditing.record(door.me().name, Action.MINTED, link.id, f"for {show.owner(link)}")
    flash(words.MINTED, "good")
    return pages.see_other(url_for("admin.links", link=link.id))


def _reopen(attempt_id: str) -> bool:
    try:
        wiring().delivery.retry_soon(attempt_id)
    except NothingToRetry:
        return False
    return True


def _find(chosen: Filters) -> tuple[Found, str]:
    """What was asked for, or nothing and why."""
    nothing = Found((), None, None)
    if chosen.problems:
        return nothing, words.BAD_FILTERS
    try:
        return wiring().lists.find(chosen.wanted, wiring().clock()), ""
    except CursorMalformed:
        return nothing, words.BAD_FILTERS


def _search(text: str) -> ResponseReturnValue:
    """Straight to what the text names where that is one thing, else to a choice."""
    if len(text) > LONGEST_SEARCH:
        return show.page("search.html", "Search", 400, searched="", matches=[], links=[], problem=words.SEARCH_TOO_LONG)
    matches = wiring().lists.search(text, wiring().clock())
    if len(matches) == 1:
        return pages.see_other(_place(matches[0]))
    if not matches and (noted := wiring().records.problems.find(text)):
        return show.page("problem.html", "What this support code stands for", noted=noted, code=text)
    places = [(match, _place(match)) for match in matches]
    links = [] if matches else wiring().minting.search(text)
    return show.page("search.html", "Search", searched=text, matches=places, links=links, problem="")


def _place(match: Match) -> str:
    if match.kind == "attempt":
        return url_for("admin.attempt", attempt_id=match.value)
    return f"{url_for('admin.attempts')}?{urlencode({match.kind: match.value})}"


def _get(attempt_id: str) -> Attempt:
    return wiring().attempts.get(attempt_id, wiring().clock()) or abort(404)


def _steps(found: Attempt) -> list[tuple[str, str, str, str, str]]:
    """The timeline: its tone, what happened, its detail, when, and how long after the step before."""
    steps, before = [], None
    for event in found.timeline:
        passed = show.span(event.at - before) if before else ""
        told = words.EVENTS.get(event.name, event.name)
        steps.append((event.name, told, _detail(event), show.moment(event.at), passed))
        before = event.at
    if found.status is Status.EXPIRED:
        steps.append(("expired", words.REASONS[Reason.TIMED_OUT].short, "", "", ""))
    return steps


def _detail(event: Event) -> str:
    """A reason in words, anything else as it is."""
    if event.detail in set(Reason):
        return words.REASONS[Reason(event.detail)].short
    return event.detail or ""
