"""Who did what, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flask import request, url_for
from flask.typing import ResponseReturnValue

from onboarding.ledger.audit import Action, Entries, Entry
from onboarding.model.errors import CursorMalformed
from onboarding.web.admin import audit_words, show, words
from onboarding.web.admin.door import admin_pages
from onboarding.web.admin.links import LINK_ID
from onboarding.web.context import wiring

PER_PAGE: Final = 50
Place = Callable[[str], str]


def _attempt(target: str) -> str:
    return url_for("admin.attempt", attempt_id=target)


def _connection(target: str) -> str:
    return url_for("admin.connection", identifier=target)


def _link(target: str) -> str:
    return url_for("admin.links", link=target)


def _event(target: str) -> str:
    return url_for("admin.event", event_id=target)


PLACES: Final[Mapping[Action, Place]] = {
    Action.MINTED: _link,
    Action.REVOKED: _link,
    Action.RETRIED: _attempt,
    Action.CLAIMED: _attempt,
    Action.RENAMED: _connection,
    Action.VERIFIED: _connection,
    Action.CHECKED: _connection,
    Action.RECONNECT_MINTED: _connection,
    Action.DISCONNECTED: _connection,
    Action.DESTINATION_SET: _connection,
    Action.DESTINATION_REMOVED: _connection,
    Action.TEST_SENT: _connection,
    Action.REDELIVERED: _event,
}


@admin_pages.get("/audit")
def audit() -> ResponseReturnValue:
    given, problem, page = request.args.get("action", "").strip(), "", Entries((), None)
    try:
        page = wiring().ledger.audit.read(PER_PAGE, request.args.get("after") or None, _action(given))
    except CursorMalformed:
        problem = words.BAD_FILTERS
    return show.page(
        "audit.html",
        "Audit log",
        400 if problem else 200,
        page=page,
        given={"action": given} if given else {},
        problem=problem,
        actions=audit_words.ACTIONS,
        place_of=_place,
    )


def _action(given: str) -> Action | None:
    """Raises `CursorMalformed` for one that there is not."""
    try:
        return Action(given) if given else None
    except ValueError:
        raise CursorMalformed(given) from None


def _place(entry: Entry) -> str:
    """The page of what it was done to; empty if there is none."""
    place = PLACES.get(entry.action)
    has_page = place and entry.target and (LINK_ID.fullmatch(entry.target) or place not in {_attempt, _link})
    return place(entry.target) if place and has_page else ""
