"""Subscribers and integrations: what a channel connection needs to be there before it. Credentials never come out."""

from __future__ import annotations

import secrets
from typing import Any, Final

from onboarding.sandbox.novu.answer import Answer, NovuError
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.model import Integration, iso, made_at, new_id
from onboarding.sandbox.novu.validation import check_texts

ORGANIZATION: Final = "5f0000000000000000000001"


def add_subscriber(environment: Environment, body: Any) -> Answer:
    subscriber_id = check_texts(body, "subscriberId")["subscriberId"]
    if not subscriber_id:
        raise NovuError(400, "subscriberId should not be empty")
    id_ = environment.add_subscriber(subscriber_id)
    made = iso(made_at(id_))
    subscriber = {
        "_id": id_,
        **_place(environment),
        "subscriberId": subscriber_id,
        "createdAt": made,
        "updatedAt": made,
    }
    return Answer(201, {"data": subscriber})


def add_integration(environment: Environment, body: Any) -> Answer:
    given = check_texts(body, "providerId", "channel")
    identifier, credentials = given.get("identifier"), given.get("credentials")
    if not isinstance(identifier, str) or not identifier:
        identifier = f"{given['providerId']}-{secrets.token_hex(3)}"
    if not isinstance(credentials, dict):
        credentials = {}
    integration = Integration(new_id(), identifier, given["providerId"], given["channel"], credentials)
    if not environment.add_integration(integration):
        raise NovuError(409, "Integration with identifier already exists")
    return Answer(201, {"data": _view(environment, integration)})


def list_integrations(environment: Environment) -> Answer:
    return Answer(200, {"data": [_view(environment, each) for each in environment.integrations]})


def _view(environment: Environment, integration: Integration) -> dict[str, Any]:
    return {
        "_id": integration.id,
        **_place(environment),
        "identifier": integration.identifier,
        "name": integration.identifier,
        "providerId": integration.provider_id,
        "channel": integration.channel,
        "credentials": {},
        "active": True,
        "primary": False,
    }


def _place(environment: Environment) -> dict[str, Any]:
    return {"_organizationId": ORGANIZATION, "_environmentId": environment.id, "deleted": False}
