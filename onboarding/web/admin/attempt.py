"""One attempt in full, and what can be done about it."""

from __future__ import annotations

from flask import Response, abort, flash, url_for
from flask.typing import ResponseReturnValue

from onboarding.ledger.audit import Action
from onboarding.model import Attempt, Event, Reason, Status
from onboarding.model.errors import NothingToRetry
from onboarding.signing.links import to_payload
from onboarding.web import auditing
from onboarding.web.admin import (
    attempt_words,
    bundle,
    connection_words,
    destination_words,
    door,
    link_form,
    link_words,
    reason_words,
    show,
)
from onboarding.web.admin.door import admin_pages
from onboarding.web.admin.link_form import EMPTY, Form
from onboarding.web.context import wiring
from onboarding.web.pages import render


@admin_pages.get("/attempts/<attempt_id>")
def attempt(attempt_id: str) -> ResponseReturnValue:
    return page(find(attempt_id))


def page(found: Attempt, form: Form = EMPTY, status: int = 200) -> Response:
    """All about an attempt, and the form that connects it to a customer if it belongs to nobody yet."""
    return show.page(
        "attempt.html",
        show.customer(found.link),
        status,
        kind="Attempt",
        support_code=found.id,
        form=form,
        destinations=link_words.DESTINATIONS,
        attempt=found,
        summary=attempt_words.summary(found),
        todo=attempt_words.todo(found),
        refused=_refused(found),
        steps=_steps(found),
        can_retry=found.can_be_retried,
        bundle=bundle.write(found),
    )


@admin_pages.post("/attempts/<attempt_id>/retry")
def retry(attempt_id: str) -> ResponseReturnValue:
    find(attempt_id)
    try:
        outcome, tone = attempt_words.retried(wiring().delivery.retry(attempt_id))
    except NothingToRetry as error:
        outcome, tone = attempt_words.NOT_RETRIED.format(why=error), "stop"
    auditing.record(door.me().name, Action.RETRIED, attempt_id, outcome)
    flash(outcome, tone)
    return render.see_other(url_for("admin.attempt", attempt_id=attempt_id))


@admin_pages.post("/attempts/<attempt_id>/link")
def renew_link(attempt_id: str) -> ResponseReturnValue:
    """A new link for the same owner, with everything the old one said."""
    found = find(attempt_id)
    if found.link.is_direct:
        abort(404)
    fields = to_payload(found.link)
    fields = {name: value for name, value in fields.items() if name not in {"id", "expiresAt"}}
    link = wiring().minting.mint(fields, None)
    wiring().minting.record(link, door.me().name)
    link_id = link_form.once(link)
    if link_id == link.id:
        auditing.record(door.me().name, Action.MINTED, link.id, f"for {show.owner(link)}")
    flash(link_words.LINK_READY, "good")
    return render.see_other(url_for("admin.links", link=link_id))


def find(attempt_id: str) -> Attempt:
    return wiring().ledger.attempts.get(attempt_id) or abort(404)


def _steps(found: Attempt) -> list[tuple[str, str, str, str, str]]:
    """The timeline: the event's name, what happened in words, its detail, when, and how long after the step before."""
    steps, before = [], None
    for event in found.timeline:
        passed = show.span(event.at - before) if before else ""
        told = attempt_words.EVENTS.get(event.name, event.name)
        steps.append((event.name, told, _detail(event), show.moment(event.at), passed))
        before = event.at
    if found.status is Status.EXPIRED and steps[-1][0] != "expired":
        why = reason_words.REASONS[found.reason or Reason.TIMED_OUT].short
        steps.append(("expired", attempt_words.EVENTS["expired"], why, "", ""))
    return steps


def _refused(found: Attempt) -> str:
    """Why notifications go nowhere, if the link asked for direct messages and that was refused."""
    told = [event for event in found.timeline if event.name.startswith("destination_")]
    if not told or told[-1].name != "destination_refused":
        return ""
    made = wiring().choosing.open_to(found)
    if made is None or made.destination:
        return ""
    return destination_words.REFUSED_WITH_CONNECTION.format(why=told[-1].detail)


def _detail(event: Event) -> str:
    """A reason or a destination in words, anything else as it is."""
    if event.name == "destination_set":
        return destination_words.told(event.detail or "")
    if event.name == "broken":
        return connection_words.why(event.detail)
    if event.detail in set(Reason):
        return reason_words.REASONS[Reason(event.detail)].short
    return event.detail or ""
