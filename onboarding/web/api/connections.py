"""The calls about connections: list and read them, list channels, set the destination, send a test message."""

from __future__ import annotations

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue

from onboarding.flows.channels import Listed
from onboarding.flows.listing import TEAM, Place
from onboarding.ledger.audit import Action
from onboarding.model import Workspace
from onboarding.model.destinations import Destination, MadeConnection
from onboarding.model.errors import ConnectionChanged, NotRecorded, Problem, Remedy, SlackSaysNo, TeamUnknown, TooOften
from onboarding.web import auditing
from onboarding.web.api import answers, asking, bodies, callers, destinations, refusals, repeats, upkeep_asking
from onboarding.web.api.asking import Search
from onboarding.web.api.destinations import Named
from onboarding.web.api.problems import Invalid, Refused
from onboarding.web.api.repeats import Content
from onboarding.web.api.views import api_calls
from onboarding.web.context import wiring

TOO_MANY_TESTS = "More than 3 test messages within a minute; the Retry-After header says how many seconds to wait."


@api_calls.get("/v1/connections", provide_automatic_options=False)
def list_connections() -> ResponseReturnValue:
    return jsonify(answers.connections(*wiring().ledger.connection_lists.find(upkeep_asking.wanted(request.args))))


@api_calls.get("/v1/connections/<identifier>", provide_automatic_options=False)
def read_connection(identifier: str) -> ResponseReturnValue:
    """Also one that has ended."""
    found = wiring().ledger.connections.find(identifier) or abort(404)
    return jsonify(answers.connection(found))


@api_calls.get("/v1/connections/<identifier>/channels", provide_automatic_options=False)
def list_channels(identifier: str) -> ResponseReturnValue:
    search = asking.search(request.args)
    connection = living(identifier)
    with refusals.translated():
        return jsonify(answers.channels(_channels(connection, search)))


@api_calls.put("/v1/connections/<identifier>/destination", provide_automatic_options=False)
def set_destination(identifier: str) -> ResponseReturnValue:
    named = destinations.read(bodies.read_object())
    with refusals.translated():
        try:
            connection, chosen = _choose(identifier, named)
        except ConnectionChanged:
            # Ended, or made anew meanwhile: in another workspace, what was named may not be there.
            connection, chosen = _choose(identifier, named)
    return jsonify(answers.destination(connection, chosen))


@api_calls.post("/v1/connections/<identifier>/test", provide_automatic_options=False)
def send_test(identifier: str) -> ResponseReturnValue:
    bodies.read_nothing()
    key = request.headers.get(repeats.KEY)
    return jsonify(repeats.once(callers.caller(), key, f"test {identifier}", lambda: _send_test(identifier)))


def living(identifier: str) -> MadeConnection:
    found = wiring().ledger.connections.find(identifier)
    if found is None or found.is_ended:
        raise Refused(404, refusals.GONE)
    return found


def _channels(connection: MadeConnection, search: Search) -> Listed:
    place = _place(connection, search.team)
    try:
        return wiring().channels.page(place, search.text, search.start)
    except TeamUnknown as error:
        if place.team:
            raise _which_team(connection) from error
        raise


def _place(connection: MadeConnection, team: str) -> Place:
    """The workspace that is meant. Only an organisation has several."""
    if connection.workspace.is_organisation:
        if not TEAM.fullmatch(team):
            raise _which_team(connection)
        return Place(connection, team)
    if team not in {"", connection.workspace.id}:
        raise _not_among([connection.workspace])
    return Place(connection)


def _which_team(connection: MadeConnection) -> Invalid:
    return _not_among(wiring().channels.workspaces(connection))


def _not_among(workspaces: list[Workspace]) -> Invalid:
    ids = ", ".join(workspace.id for workspace in workspaces)
    message = f"must be one of {ids}" if ids else "is none yet: the app has to be added to a workspace in Slack first"
    return Invalid([Problem("team", message)])


def _choose(identifier: str, named: Named) -> tuple[MadeConnection, Destination]:
    connection = living(identifier)
    if connection.subscriber_id is None:
        raise refusals.conflict(refusals.NO_SUBSCRIBER)
    chosen = destinations.find(connection, named)
    try:
        wiring().choosing.choose(connection, chosen)
    except NotRecorded:
        _audit(connection, f"{chosen.told}, and not recorded yet")
        raise
    _audit(connection, chosen.told)
    return connection, chosen


def _audit(connection: MadeConnection, outcome: str) -> None:
    auditing.record(callers.caller().name, Action.DESTINATION_SET, connection.identifier, outcome)


def _send_test(identifier: str) -> Content:
    connection = living(identifier)
    with refusals.translated():
        try:
            wiring().proof.send(connection)
        except TooOften as error:
            raise Refused(429, TOO_MANY_TESTS, retry_after=error.retry_after) from error
        except SlackSaysNo as error:
            if error.remedy is Remedy.RECONNECT:
                # Whoever tests wants to know what Slack says.
                raise refusals.by_slack(error, refusals.MAYBE_SENT) from error
            raise
    return {"ok": True}
