"""The page of one connection: what Novu holds, and its state as this service last found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask.typing import ResponseReturnValue

from onboarding.clock.deadline import Deadline
from onboarding.model import Connection
from onboarding.model.destinations import MadeConnection
from onboarding.model.errors import NovuError
from onboarding.remote.novu import Novu
from onboarding.web.admin import connection_words, destination, destination_words, show, upkeep_words
from onboarding.web.admin.door import admin_pages
from onboarding.web.context import wiring

SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class Known:
    """A connection as Novu holds it (`is_live`) or as this service remembers it, and what is odd about that."""

    connection: Connection
    made: MadeConnection | None
    is_live: bool
    note: str = ""


@admin_pages.get("/connections/<path:identifier>")
def connection(identifier: str) -> ResponseReturnValue:
    made, problem = wiring().ledger.connections.find(identifier), ""
    try:
        deadline = Deadline(SECONDS)
        known = _live(novu_of(identifier, made, deadline).retrieve(identifier, deadline), made)
    except NovuError as error:
        is_gone = error.status == 404
        problem = "" if is_gone else upkeep_words.novu_problem(error)
        if made is None:
            return _refuse(problem)
        known = _remembered(made, is_gone=is_gone)
    return _page(known, problem)


def novu_of(identifier: str, made: MadeConnection | None, deadline: Deadline) -> Novu:
    """Where a connection is held. Raises `NovuError`."""
    parties = wiring().parties
    return parties.novu(made.integration) if made else parties.holding(identifier, deadline).novu


def _page(known: Known, problem: str) -> ResponseReturnValue:
    found = known.connection
    return show.page(
        "connection.html",
        found.workspace.name or found.identifier,
        kind="Connection",
        problem=problem,
        known=known,
        connection=found,
        made=known.made,
        customer_name=_customer(known.made) if known.made else "",
        why=connection_words.reason(known.made) if known.made else "",
        marks=connection_words.MARKS,
        sharers=_sharers(known) if known.is_live else [],
        where=destination.look(found.identifier) if known.is_live else None,
        told=destination_words,
    )


def _customer(made: MadeConnection) -> str:
    return show.accounts([made.attempt_id]).get(made.attempt_id, "") or show.holder(made)


def _sharers(known: Known) -> list[str]:
    """Who else would lose the token, by subscriber and contexts."""
    found, app_id = known.connection, known.made.app_id if known.made else None
    sharing = wiring().ledger.connection_lists.sharing(found.workspace.id, found.owner.identifier, app_id)
    return sorted(", ".join(filter(None, (each.subscriber_id, *each.context_keys))) for each in sharing)


def _refuse(problem: str) -> ResponseReturnValue:
    if problem:
        return show.page("refused.html", "Connection", problem=problem)
    return show.page("refused.html", "There is no such connection", 404, problem=upkeep_words.CONNECTION_GONE)


def _live(found: Connection, made: MadeConnection | None) -> Known:
    if made is None:
        return Known(found, None, True, connection_words.NOT_OURS)
    return Known(found, made, True, connection_words.ENDED_HERE if made.is_ended else "")


def _remembered(made: MadeConnection, *, is_gone: bool) -> Known:
    note = connection_words.ONLY_REMEMBERED if made.is_ended else connection_words.NOT_AT_NOVU
    return Known(remember(made), made, False, note if is_gone else "")


def remember(made: MadeConnection) -> Connection:
    """What Novu held, as far as this service knows."""
    return Connection(
        identifier=made.identifier,
        integration=made.integration,
        subscriber_id=None if made.is_shared else made.subscriber_id,
        context_keys=made.context_keys,
        workspace=made.workspace,
        channel="",
        provider="",
        created_at=made.connected_at,
        updated_at=None,
    )
