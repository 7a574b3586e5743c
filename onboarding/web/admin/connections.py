"""The channel connections, live from Novu: lists them, and does what the forms on a connection's page ask for."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Final

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue

from onboarding.clock.deadline import Deadline
from onboarding.ledger.audit import Action
from onboarding.ledger.connection_lists import WantedConnections
from onboarding.ledger.postgres import is_storable
from onboarding.model import Connection
from onboarding.model.destinations import MadeConnection
from onboarding.model.errors import CursorMalformed, NovuError
from onboarding.model.names import clean_name
from onboarding.remote.novu import Filter, Novu
from onboarding.web import auditing
from onboarding.web.admin import (
    checking,
    connection,
    connection_words,
    destination,
    door,
    filters,
    show,
    upkeep_words,
    words,
)
from onboarding.web.admin.changed import Changed
from onboarding.web.admin.door import admin_pages
from onboarding.web.context import wiring
from onboarding.web.pages import render

SECONDS: Final = 8.0
PER_PAGE: Final = 20
NAMES: Final = ("subscriber", "integration", "context", "state", "reason")
LONGEST: Final = 255


@dataclass(frozen=True, slots=True)
class Row:
    """A connection as the list shows it, what this service knows of it, and what its customer is called."""

    connection: Connection
    made: MadeConnection | None
    account: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of the list. Only Novu's own list has a previous page."""

    rows: tuple[Row, ...] = ()
    next: str | None = None
    previous: str | None = None


@admin_pages.get("/connections")
def connections() -> ResponseReturnValue:
    """Novu's own list; with a filter for state or reason, the ledger's, because Novu does not know which ones work."""
    given = {name: request.args.get(name, "").strip()[:LONGEST] for name in NAMES}
    page, problem = Rows(), ""
    try:
        page = _named(_remembered(given) if given["state"] or given["reason"] else _live(given))
    except NovuError as error:
        problem = upkeep_words.novu_problem(error)
    except CursorMalformed:
        problem = words.BAD_FILTERS
    return show.page(
        "connections.html",
        "Connections",
        400 if problem == words.BAD_FILTERS else 200,
        page=page,
        problem=problem,
        given={name: value for name, value in given.items() if value},
        apps=filters.apps(given["integration"]),
        states=connection_words.STATES,
        ends=connection_words.reasons(given["reason"]),
        marks=connection_words.MARKS,
        why=connection_words.in_short,
    )


def _live(given: dict[str, str]) -> Rows:
    """Raises `NovuError`."""
    page = _novu(given["integration"]).list(_filter(given), Deadline(SECONDS))
    made = wiring().ledger.connections.by_owners([each.owner.identifier for each in page.connections])
    rows = tuple(Row(each, _same(each, made.get(each.owner.identifier))) for each in page.connections)
    return Rows(rows, page.next, page.previous)


def _named(page: Rows) -> Rows:
    """With the names that the links behind the connections gave their customers."""
    accounts = show.accounts(row.made.attempt_id for row in page.rows if row.made)
    named = (replace(row, account=accounts.get(row.made.attempt_id, "") if row.made else "") for row in page.rows)
    return replace(page, rows=tuple(named))


def _novu(integration: str) -> Novu:
    """Raises `AppMissing`. Several apps have several lists: without a filter, it is the first one's."""
    parties = wiring().parties
    return parties.novu(integration) if integration else parties.first.novu


def _same(live: Connection, made: MadeConnection | None) -> MadeConnection | None:
    return made if made and made.identifier == live.identifier else None


def _remembered(given: dict[str, str]) -> Rows:
    """Raises `CursorMalformed`, also for an unknown state."""
    if given["state"] and given["state"] not in connection_words.STATES:
        raise CursorMalformed(given["state"])
    wanted = WantedConnections(
        subscriber_id=given["subscriber"] or None,
        context_keys=_context(given),
        integration=given["integration"] or None,
        state=given["state"] or None,
        reason=given["reason"] or None,
        limit=PER_PAGE,
        after=request.args.get("after") or None,
    )
    found, after = wiring().ledger.connection_lists.find(wanted)
    return Rows(tuple(Row(connection.remember(made), made) for made in found), after)


@admin_pages.post("/connections/<path:identifier>")
def change_connection(identifier: str) -> ResponseReturnValue:
    """One address for everything, because an identifier may hold any character: the form says what to do."""
    change = CHANGES.get(request.form.get("action", "")) or abort(400)
    if not is_storable(identifier):
        abort(404)
    changed = change(identifier)
    auditing.record(door.me().name, changed.action, identifier, changed.noted or changed.outcome)
    flash(changed.outcome, changed.tone)
    return render.see_other(changed.place or (url_for("admin.connections") if changed.is_gone else _place(identifier)))


def _rename(identifier: str) -> Changed:
    name = clean_name(request.form.get("name", ""))
    if not name:
        return Changed(Action.RENAMED, upkeep_words.NAME_MISSING, "stop")
    try:
        novu = connection.novu_of(identifier, wiring().ledger.connections.find(identifier), Deadline(SECONDS))
        novu.rename(identifier, name, _key(), Deadline(SECONDS))
    except NovuError as error:
        return Changed(Action.RENAMED, upkeep_words.novu_problem(error), "stop")
    return Changed(Action.RENAMED, upkeep_words.RENAMED.format(name=name), "good")


def _verify(identifier: str) -> Changed:
    found = wiring().upkeep.verify(identifier, _key())
    told = f"{upkeep_words.VERIFIED_AT_NOVU[found.novu]} {upkeep_words.VERIFIED_AT_SLACK[found.slack]}"
    return Changed(Action.VERIFIED, told.format(detail=found.detail), "good" if found.is_good else "stop")


def _disconnect(identifier: str) -> Changed:
    revokes = "revoke" in request.form
    done = wiring().upkeep.disconnect(identifier, revokes=revokes)
    told, tone = upkeep_words.disconnected(done, revokes=revokes)
    return Changed(Action.DISCONNECTED, told, tone, is_gone=done.is_done)


CHANGES: Final = {
    "check": checking.check,
    "reconnect": checking.reconnect,
    "rename": _rename,
    "verify": _verify,
    "disconnect": _disconnect,
    "choose": destination.choose,
    "remove": destination.remove,
    "test": destination.test,
}


def _filter(given: dict[str, str]) -> Filter:
    after, before = (request.args.get(name, "")[:LONGEST] or None for name in ("after", "before"))
    return Filter(
        subscriber_id=given["subscriber"] or None,
        integration=given["integration"] or None,
        context_keys=_context(given) or None,
        limit=PER_PAGE,
        after=after,
        before=None if after else before,
    )


def _context(given: dict[str, str]) -> tuple[str, ...]:
    return tuple(part for part in given["context"].replace(",", " ").split() if part)


def _place(identifier: str) -> str:
    return url_for("admin.connection", identifier=identifier)


def _key() -> str:
    return f"onboarding-admin-{secrets.token_hex(8)}"
