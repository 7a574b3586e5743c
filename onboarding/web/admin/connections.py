"""The channel connections, live from Novu: found, renamed, verified, led somewhere, disconnected."""

from __future__ import annotations

import secrets
from typing import Final

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue

from onboarding.clock.deadline import Deadline
from onboarding.ledger.audit import Action
from onboarding.ledger.postgres import is_storable
from onboarding.model.errors import NovuError
from onboarding.model.names import clean_name
from onboarding.remote.novu import Filter, Page
from onboarding.web import auditing
from onboarding.web.admin import destination, destination_words, door, show, words
from onboarding.web.admin.changed import Changed
from onboarding.web.admin.door import admin_pages
from onboarding.web.context import wiring
from onboarding.web.pages import render

SECONDS: Final = 8.0
PER_PAGE: Final = 20
LONGEST: Final = 255


@admin_pages.get("/connections")
def connections() -> ResponseReturnValue:
    given = {name: request.args.get(name, "").strip()[:LONGEST] for name in ("subscriber", "integration", "context")}
    page, problem = Page((), None, None, None), ""
    try:
        page = wiring().novu.list(_filter(given), Deadline(SECONDS))
    except NovuError as error:
        problem = words.novu_problem(error)
    return show.page("connections.html", "Connections", page=page, problem=problem, given=given)


@admin_pages.get("/connections/<path:identifier>")
def connection(identifier: str) -> ResponseReturnValue:
    try:
        found = wiring().novu.retrieve(identifier, Deadline(SECONDS))
    except NovuError as error:
        if error.status == 404:
            return show.page("refused.html", "This connection is gone", 404, problem=words.CONNECTION_GONE)
        return show.page("refused.html", "Connection", problem=words.novu_problem(error))
    neighbours = wiring().ledger.connections.neighbours(found.workspace.id, found.owner)
    return show.page(
        "connection.html",
        found.workspace.name,
        connection=found,
        neighbours=neighbours,
        where=destination.look(identifier),
        told=destination_words,
    )


@admin_pages.post("/connections/<path:identifier>")
def change_connection(identifier: str) -> ResponseReturnValue:
    """One address for everything, because an identifier may hold any character: the form says what to do."""
    change = CHANGES.get(request.form.get("action", "")) or abort(400)
    if not is_storable(identifier):
        abort(404)
    changed = change(identifier)
    auditing.record(door.me().name, changed.action, identifier, changed.outcome)
    flash(changed.outcome, changed.tone)
    return render.see_other(url_for("admin.connections") if changed.is_gone else _place(identifier))


def _rename(identifier: str) -> Changed:
    name = clean_name(request.form.get("name", ""))
    if not name:
        return Changed(Action.RENAMED, words.NAME_MISSING, "stop")
    try:
        wiring().novu.rename(identifier, name, _key(), Deadline(SECONDS))
    except NovuError as error:
        return Changed(Action.RENAMED, words.novu_problem(error), "stop")
    return Changed(Action.RENAMED, words.RENAMED.format(name=name), "good")


def _verify(identifier: str) -> Changed:
    found = wiring().upkeep.verify(identifier, _key())
    told = f"{words.VERIFIED_AT_NOVU[found.novu]} {words.VERIFIED_AT_SLACK[found.slack]}"
    return Changed(Action.VERIFIED, told.format(detail=found.detail), "good" if found.is_good else "stop")


def _disconnect(identifier: str) -> Changed:
    revokes = "revoke" in request.form
    done = wiring().upkeep.disconnect(identifier, revokes=revokes)
    told, tone = words.disconnected(done, revokes=revokes)
    return Changed(Action.DISCONNECTED, told, tone, is_gone=done.is_done)


CHANGES: Final = {
    "rename": _rename,
    "verify": _verify,
    "disconnect": _disconnect,
    "choose": destination.choose,
    "remove": destination.remove,
    "test": destination.test,
}


def _filter(given: dict[str, str]) -> Filter:
    context = tuple(part for part in given["context"].replace(",", " ").split() if part)
    after, before = (request.args.get(name, "")[:LONGEST] or None for name in ("after", "before"))
    return Filter(
        subscriber_id=given["subscriber"] or None,
        integration=given["integration"] or None,
        context_keys=context or None,
        limit=PER_PAGE,
        after=after,
        before=None if after else before,
    )


def _place(identifier: str) -> str:
    return url_for("admin.connection", identifier=identifier)


def _key() -> str:
    return f"onboarding-admin-{secrets.token_hex(8)}"
