"""Novu's HTTP API for channel endpoints."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request

from onboarding.sandbox.novu import endpoints, listing
from onboarding.sandbox.novu.answer import Answer
from onboarding.sandbox.novu.endpoints import view
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.failures import Stage
from onboarding.sandbox.novu.gate import govern
from onboarding.sandbox.novu.state import local_novu
from onboarding.sandbox.novu.validation import check_endpoint_create, check_endpoint_update

blueprint: Final = Blueprint("endpoints", __name__)
ALL: Final = "/v1/channel-endpoints"
ONE: Final = f"{ALL}/<encoded:identifier>"


@blueprint.get(ALL)
def list_endpoints() -> Response:
    def handle(environment: Environment, _: Any) -> Answer:
        query = listing.read_query(request.args, listing.ENDPOINTS)
        return Answer(200, listing.page(environment.channel_endpoints, query, view))

    return govern("list_endpoints", handle)


@blueprint.post(ALL)
def create() -> Response:
    def handle(environment: Environment, body: Any) -> Answer:
        checked = check_endpoint_create(body)
        struck = local_novu().failures.strike(Stage.OPERATION, "create_endpoint")
        return Answer(201, {"data": view(endpoints.create(environment, checked, struck))})

    return govern("create_endpoint", handle)


@blueprint.get(ONE)
def retrieve(identifier: str) -> Response:
    def handle(environment: Environment, _: Any) -> Answer:
        return Answer(200, {"data": view(endpoints.retrieve(environment, identifier))})

    return govern("retrieve_endpoint", handle)


@blueprint.patch(ONE)
def update(identifier: str) -> Response:
    def handle(environment: Environment, body: Any) -> Answer:
        return Answer(200, {"data": view(endpoints.update(environment, identifier, check_endpoint_update(body)))})

    return govern("update_endpoint", handle)


@blueprint.delete(ONE)
def delete(identifier: str) -> Response:
    def handle(environment: Environment, _: Any) -> Answer:
        endpoints.delete(environment, identifier)
        return Answer(204, None)

    return govern("delete_endpoint", handle)
