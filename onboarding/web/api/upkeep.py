"""The calls that look after connections: check one now, create a link to reconnect one, end one."""

from __future__ import annotations

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue

from onboarding.flows.check import Silence
from onboarding.flows.disconnect import Disconnected, Outcome
from onboarding.ledger.audit import Action
from onboarding.model.destinations import MadeConnection
from onboarding.settings.log import LOGGER
from onboarding.web import auditing
from onboarding.web.api import answers, bodies, callers, refusals, repeats, upkeep_asking
from onboarding.web.api.connections import living
from onboarding.web.api.problems import Refused
from onboarding.web.api.repeats import Content
from onboarding.web.api.upkeep_asking import WantedEnd
from onboarding.web.api.views import api_calls
from onboarding.web.context import request_id, wiring


@api_calls.post("/v1/connections/<identifier>/check", provide_automatic_options=False)
def check_connection(identifier: str) -> ResponseReturnValue:
    bodies.read_nothing()
    key = request.headers.get(repeats.KEY)
    return jsonify(repeats.once(callers.caller(), key, f"check {identifier}", lambda: _check(identifier)))


@api_calls.post("/v1/connections/<identifier>/reconnect", provide_automatic_options=False)
def reconnect(identifier: str) -> ResponseReturnValue:
    bodies.read_nothing()
    key = request.headers.get(repeats.KEY)
    return jsonify(repeats.once(callers.caller(), key, f"reconnect {identifier}", lambda: _reconnect(identifier))), 201


@api_calls.delete("/v1/connections/<identifier>", provide_automatic_options=False)
def end_connection(identifier: str) -> ResponseReturnValue:
    """A connection that has ended is left alone: what Novu holds under its identifier now may be another owner's."""
    wanted = upkeep_asking.end(request.args)
    connection = _known(identifier)
    if connection.is_ended:
        return answers.nothing(204)
    if wanted.revokes and not wanted.is_forced:
        _spare_others(connection)
    return answers.nothing(_end(connection, wanted))


def _known(identifier: str) -> MadeConnection:
    """Also one that has ended."""
    return wiring().ledger.connections.find(identifier) or abort(404)


def _check(identifier: str) -> Content:
    try:
        found = wiring().check.run(living(identifier))
    except Silence as silence:
        raise refusals.by_silence(silence) from None
    return answers.connection(found or abort(404))


def _reconnect(identifier: str) -> Content:
    connection = _known(identifier)
    link = wiring().minting.reconnect(connection)
    auditing.record(callers.caller().name, Action.RECONNECT_MINTED, connection.identifier, link.id)
    return answers.link(link, wiring().minting.url(link))


def _spare_others(connection: MadeConnection) -> None:
    """Raises `Refused` if revoking the token would end other connections."""
    workspace_id, owner, app_id = connection.workspace.id, connection.owner, connection.app_id
    if sharing := wiring().ledger.connection_lists.sharing(workspace_id, owner, app_id):
        raise refusals.conflict(refusals.SHARED_TOKEN, owners=[answers.sharer(each) for each in sharing])


def _end(connection: MadeConnection, wanted: WantedEnd) -> int:
    """Gives the status to answer with."""
    done = wiring().upkeep.disconnect(connection.identifier, revokes=wanted.revokes)
    is_over = done.is_done and done.is_noted
    auditing.record(callers.caller().name, Action.DISCONNECTED, connection.identifier, _told(done, wanted))
    if not (done.is_done or done.goes_on):
        LOGGER.error("not disconnected outcome=%s request=%s", done, request_id())
        raise Refused(503, refusals.NOT_REVOKED if done.slack is Outcome.FAILED else refusals.NOT_ENDED)
    return 204 if is_over else 202


def _told(done: Disconnected, wanted: WantedEnd) -> str:
    """For the audit: what happened at Slack, if it was asked, and at Novu."""
    asked = f"Slack: {done.slack}, Novu: {done.novu}" if wanted.revokes else f"Novu: {done.novu}"
    rest = f" ({done.detail})" if done.detail else ""
    return f"{asked}{rest}{', a worker goes on' if done.goes_on else ''}"
