"""Where the notifications of a connection go: shown, changed, tested and removed by operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import request

from onboarding.clock.deadline import Deadline
from onboarding.flows.channels import ANYBODY, PERSON
from onboarding.flows.listing import Place
from onboarding.ledger.audit import Action
from onboarding.model.destinations import Destination, MadeConnection
from onboarding.model.errors import NotRecorded, NovuError, OnboardingError
from onboarding.web.admin import destination_words as words
from onboarding.web.admin.changed import Changed
from onboarding.web.context import wiring
from onboarding.web.pages.about import About

SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class Held:
    """A channel endpoint as Novu holds it, in words. `is_ours`: this service made it, and changes no other."""

    kind: str
    target: str
    subscriber: str
    identifier: str
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Where:
    """What the page of a connection says: where notifications go as the ledger has it, and what Novu holds.

    If there is an `obstacle`, nothing can be chosen. `problem` is why Novu's part is missing, `can_remove` whether
    there is anything of ours to remove.
    """

    told: str = ""
    name: str = ""
    id: str = ""
    obstacle: str = ""
    held: tuple[Held, ...] = ()
    problem: str = ""
    note: str = ""
    can_remove: bool = False


def look(identifier: str) -> Where:
    """From the ledger, and from Novu in one call."""
    made = wiring().ledger.connections.find(identifier)
    try:
        held, problem = _held(identifier, made), ""
    except NovuError as error:
        held, problem = None, words.NOT_LISTED.format(error=error)
    try:
        return _where(_check(made), held, problem)
    except words.Impossible as error:
        return Where(obstacle=error.why, held=held or (), problem=problem)


def choose(identifier: str) -> Changed:
    """Set the destination that the form names."""

    def do(connection: MadeConnection) -> str:
        chosen = _chosen(connection, request.form.get("place", "").strip())
        wiring().choosing.choose(connection, chosen)
        return words.CHOSEN.format(where=words.where(chosen))

    return _doing(Action.DESTINATION_SET, identifier, do, words.CHANGE)


def remove(identifier: str) -> Changed:
    """Remove the destination."""

    def do(connection: MadeConnection) -> str:
        wiring().choosing.choose(connection, None)
        return words.REMOVED

    return _doing(Action.DESTINATION_REMOVED, identifier, do, words.CHANGE)


def test(identifier: str) -> Changed:
    """Send a test message to where notifications go."""

    def do(connection: MadeConnection) -> str:
        wiring().proof.send(connection)
        return words.TEST_SENT.format(where=words.where(connection.destination)) if connection.destination else ""

    return _doing(Action.TEST_SENT, identifier, do, words.TEST)


def _doing(action: Action, identifier: str, do: Callable[[MadeConnection], str], attempted: words.Attempted) -> Changed:
    """Do it, or say in plain words why it did not work."""
    made = wiring().ledger.connections.find(identifier)
    try:
        told = do(_check(made))
    except OnboardingError as error:
        tone = "wait" if isinstance(error, NotRecorded) else "stop"
        return Changed(action, words.problem(error, attempted, About(connection=made).brand), tone)
    return Changed(action, told, "good")


def _check(made: MadeConnection | None) -> MadeConnection:
    """A connection whose destination can be set here. Raises `Impossible`."""
    if made is None or made.is_ended:
        raise words.Impossible(words.UNKNOWN)
    if made.subscriber_id is None:
        raise words.Impossible(words.NO_SUBSCRIBER)
    return made


def _chosen(connection: MadeConnection, text: str) -> Destination:
    """A person if it looks like one's id, in capitals: a word of a channel's name must not become one."""
    channels = wiring().channels
    if PERSON.fullmatch(text):
        return channels.person(connection, text)
    return channels.pasted(Place(connection), ANYBODY, text)


def _where(made: MadeConnection, held: tuple[Held, ...] | None, problem: str) -> Where:
    now = made.destination
    ours = [(each.kind, each.target) for each in held or () if each.is_ours]
    expected = [(words.KINDS[now.type.value], now.id)] if now else []
    return Where(
        told=words.where_now(now),
        name=f"#{now.name}" if now and now.name else "",
        id=now.id if now else "",
        held=held or (),
        problem=problem,
        note=words.NOT_AS_SAID if held is not None and ours != expected else "",
        can_remove=bool(now or ours),
    )


def _held(identifier: str, made: MadeConnection | None) -> tuple[Held, ...]:
    """Everybody's. Raises `NovuError`."""
    parties, deadline = wiring().parties, Deadline(SECONDS)
    novu = parties.novu(made.integration) if made else parties.holding(identifier, deadline).novu
    listed = novu.endpoints.list(identifier, deadline)
    ours = made.endpoint_identifier if made else ""
    return tuple(
        Held(
            kind=words.KINDS.get(each.type, each.type),
            target=each.target or "",
            subscriber=each.subscriber_id or "",
            identifier=each.identifier,
            is_ours=each.identifier == ours,
        )
        for each in listed
        if each.connection == identifier
    )
