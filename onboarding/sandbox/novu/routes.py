"""Novu's HTTP API for channel connections, subscribers, integrations and triggers."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from onboarding.sandbox.novu import connections, description, directory, events, listing
from onboarding.sandbox.novu.answer import Answer
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.failures import Stage
from onboarding.sandbox.novu.gate import answer_or_error, authenticate, govern, read_body
from onboarding.sandbox.novu.model import Connection
from onboarding.sandbox.novu.state import local_novu
from onboarding.sandbox.novu.validation import check_create, check_trigger, check_update

blueprint: Final = Blueprint("api", __name__)
ONE: Final = "/v1/channel-connections/<encoded:identifier>"


@blueprint.get("/v1/channel-connections")
def list_connections() -> Response:
    def handle(environment: Environment, _: Any) -> Answer:
        return Answer(
            200, listing.page(environment.channel_connections, listing.read_query(request.args), connections.view)
        )

    return govern("list", handle)


@blueprint.post("/v1/channel-connections")
def create() -> Response:
    def handle(environment: Environment, body: Any) -> Answer:
        checked = check_create(body)
        struck = local_novu().failures.strike(Stage.OPERATION, "create")
        return _wrapped(201, connections.create(environment, checked, struck))

    return govern("create", handle)


@blueprint.get(ONE)
def retrieve(identifier: str) -> Response:
    return govern("retrieve", lambda environment, _: _wrapped(200, connections.retrieve(environment, identifier)))


@blueprint.patch(ONE)
def update(identifier: str) -> Response:
    def handle(environment: Environment, body: Any) -> Answer:
        return _wrapped(200, connections.update(environment, identifier, check_update(body)))

    return govern("update", handle)


@blueprint.delete(ONE)
def delete(identifier: str) -> Response:
    def handle(environment: Environment, _: Any) -> Answer:
        connections.delete(environment, identifier)
        return Answer(204, None)

    return govern("delete", handle)


@blueprint.post(f"{ONE}/verify")
def verify(identifier: str) -> Response:
    def handle(environment: Environment, _: Any) -> Answer:
        struck = local_novu().failures.strike(Stage.OPERATION, "verify")
        return _wrapped(200, connections.verify(environment, identifier, struck))

    return govern("verify", handle)


@blueprint.post("/v1/events/trigger")
def trigger() -> Response:
    def handle(environment: Environment, body: Any) -> Answer:
        return events.trigger(local_novu(), environment, check_trigger(body))

    return govern("trigger", handle)


@blueprint.post("/v2/subscribers")
def add_subscriber() -> Response:
    return answer_or_error(lambda: directory.add_subscriber(authenticate(local_novu()), read_body())).response()


@blueprint.route("/v1/integrations", methods=["GET", "POST"])
def integrations() -> Response:
    def produce() -> Answer:
        environment = authenticate(local_novu())
        if request.method == "POST":
            return directory.add_integration(environment, read_body())
        return directory.list_integrations(environment)

    return answer_or_error(produce).response()


@blueprint.get("/openapi.json")
def describe() -> Response:
    return jsonify(description.document())


def _wrapped(status: int, connection: Connection) -> Answer:
    return Answer(status, {"data": connections.view(connection)})
