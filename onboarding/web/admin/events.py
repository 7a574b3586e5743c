"""The events for the host product: lists them with their deliveries, and sends them again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue

from onboarding.ephemeral.sessions import Role
from onboarding.ledger.audit import Action
from onboarding.ledger.events import HostEvent, WantedEvents
from onboarding.ledger.postgres import is_storable
from onboarding.model.errors import CursorMalformed
from onboarding.web import auditing
from onboarding.web.admin import door, event_words, filters, show, words
from onboarding.web.admin.door import admin_pages
from onboarding.web.context import wiring
from onboarding.web.pages import render

PER_PAGE: Final = 50
LONGEST: Final = 255
NAMES: Final = ("type", "connection", "integration")


@dataclass(frozen=True, slots=True)
class About:
    """Whom an event is about, by name if there is one, and that connection's or attempt's page, if there is one."""

    who: str
    account: str
    place: str
    workspace: str


@admin_pages.get("/events")
def events() -> ResponseReturnValue:
    given = {name: request.args.get(name, "").strip()[:LONGEST] for name in NAMES}
    found: list[HostEvent] = []
    after, problem = None, ""
    try:
        found, after = wiring().ledger.events.find(_wanted(given))
    except CursorMalformed:
        problem = words.BAD_FILTERS
    return show.page(
        "events.html",
        "Events",
        400 if problem else 200,
        problem=problem,
        given=_filled(given),
        apps=filters.apps(given["integration"]),
        listed=_with_names(found),
        next_page=after,
        paused_since=wiring().notify.paused_since(),
        kept_since=wiring().notify.kept_since(),
        host=_host(),
        told=event_words,
    )


@admin_pages.get("/events/<event_id>")
def event(event_id: str) -> ResponseReturnValue:
    found = wiring().ledger.events.get(event_id) or abort(404)
    return show.page(
        "event.html",
        event_words.TYPES.get(found.type, found.type),
        kind="Event",
        event=found,
        about=_with_names([found])[0][1],
        body=json.dumps(_body(found), indent=2, ensure_ascii=False),
        host=_host(),
        told=event_words,
        is_due=found.next_try_at is not None and found.next_try_at <= wiring().clock(),
    )


@admin_pages.post("/events/<event_id>/deliver")
def deliver_event(event_id: str) -> ResponseReturnValue:
    """Send it again under the same id."""
    found = wiring().ledger.events.get(event_id) or abort(404)
    hearer = wiring().notify.hearer_of(found)
    if hearer is None:
        return _done(Action.REDELIVERED, event_id, event_words.NOWHERE, "stop")
    was_paused = wiring().ledger.pauses.since(hearer.endpoint.name) is not None
    wiring().notify.redeliver(event_id)
    told = event_words.ALL_SENT_AGAIN if was_paused else event_words.SENT_AGAIN
    return _done(Action.REDELIVERED, event_id, told, "good")


@admin_pages.post("/events/resume")
def resume_events() -> ResponseReturnValue:
    """Send what was kept while the endpoint was gone, or before there was one."""
    was_paused = wiring().notify.paused_since() is not None
    number = wiring().notify.resume()
    if not was_paused and not number:
        return _done(Action.RESUMED, "", event_words.NOT_PAUSED, "wait")
    counted = f"{number} event{'s' if number != 1 else ''}"
    return _done(Action.RESUMED, "", event_words.RESUMED.format(number=counted), "good")


@admin_pages.post("/events/ping")
def ping() -> ResponseReturnValue:
    """Send a test event, and say what the endpoint answered."""
    answers = [wiring().notify.ping(hearer) for hearer in wiring().notify.hearers]
    # One that did not take it is what the operator has to know.
    worst = min(answers, key=lambda each: each.is_good, default=None)
    return _done(Action.PINGED, "", *event_words.pinged(worst))


def _filled(given: Mapping[str, str]) -> dict[str, str]:
    """The filters that stand in the address."""
    return {name: value for name, value in given.items() if value}


def _with_names(found: Sequence[HostEvent]) -> list[tuple[HostEvent, About]]:
    accounts = show.accounts({event.data["attemptId"] for event in found if event.data.get("attemptId")})
    return [(event, _about(event, accounts)) for event in found]


def _about(event: HostEvent, accounts: Mapping[str, str]) -> About:
    said: Mapping[str, Any] = event.data
    who = ", ".join(filter(None, (said.get("subscriberId"), *(said.get("contextKeys") or ()))))
    account = accounts.get(said.get("attemptId") or "", "")
    return About(who, account, _place(said), (said.get("workspace") or {}).get("name") or "")


def _place(said: Mapping[str, Any]) -> str:
    if identifier := said.get("connectionIdentifier"):
        return url_for("admin.connection", identifier=identifier)
    attempt_id = said.get("attemptId")
    return url_for("admin.attempt", attempt_id=attempt_id) if attempt_id else ""


def _wanted(given: Mapping[str, str]) -> WantedEvents:
    """Raises `CursorMalformed`, also for unknown filters."""
    if (given["type"] and given["type"] not in event_words.TYPES) or not all(map(is_storable, given.values())):
        raise CursorMalformed(given["type"])
    return WantedEvents(
        type=given["type"] or None,
        connection=given["connection"] or None,
        integration=given["integration"] or None,
        limit=PER_PAGE,
        after=request.args.get("after") or None,
    )


def _body(event: HostEvent) -> dict[str, Any]:
    """What is sent. Links are for operators only, here as everywhere."""
    body = wiring().notify.body(event)
    if body["data"]["reconnectUrl"] and door.me().role is not Role.OPERATOR:
        body["data"]["reconnectUrl"] = event_words.FOR_OPERATORS
    return body


def _host() -> str:
    """Where events go. The rest of the address may hold a secret."""
    return ", ".join(hearer.endpoint.host for hearer in wiring().notify.hearers)


def _done(action: Action, event_id: str, told: str, tone: str) -> ResponseReturnValue:
    auditing.record(door.me().name, action, event_id, told)
    flash(told, tone)
    return render.see_other(url_for("admin.event", event_id=event_id) if event_id else url_for("admin.events"))
