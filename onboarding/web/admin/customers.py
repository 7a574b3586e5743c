"""One page for each customer: what is connected now, where notifications go, and everything that led there."""

from __future__ import annotations

from typing import Final

from flask import abort
from flask.typing import ResponseReturnValue

from onboarding.ledger.events import WantedEvents
from onboarding.ledger.lists import Wanted
from onboarding.ledger.postgres import is_storable
from onboarding.model import Attempt
from onboarding.model.destinations import MadeConnection
from onboarding.web.admin import connection_words, destination_words, event_words, show
from onboarding.web.admin.door import admin_pages
from onboarding.web.context import wiring

SHOWN: Final = 20


@admin_pages.get("/customers/<path:owner>")
def customer(owner: str) -> ResponseReturnValue:
    if not is_storable(owner):
        abort(404)
    ledger = wiring().ledger
    connection = ledger.connections.by_owner(owner)
    attempts = ledger.lists.find(Wanted(owner=owner, limit=SHOWN)).attempts
    if connection is None and not attempts:
        abort(404)
    events, _ = ledger.events.find(WantedEvents(owner=owner, limit=SHOWN))
    return show.page(
        "customer.html",
        _name(connection, attempts),
        kind="Customer",
        connection=connection,
        goes_to=connection.destination if connection else None,
        where=destination_words.where_now(connection.destination) if connection else "",
        attempts=attempts,
        events=events,
        told=event_words,
        does=connection_words,
        most=SHOWN,
    )


def _name(connection: MadeConnection | None, attempts: tuple[Attempt, ...]) -> str:
    """As the newest link that names the customer does."""
    if attempts:
        named = next((attempt for attempt in attempts if attempt.link.account), attempts[0])
        return show.customer(named.link)
    return show.holder(connection) if connection else "Customer"
