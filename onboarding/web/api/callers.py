"""Lets host back ends in: by one of the API keys, and only so often. Nothing is stored before a key is recognised."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, cast

from flask import g, request
from werkzeug.exceptions import NotFound, Unauthorized

from onboarding.ephemeral.limits import API_CALLS, Limit
from onboarding.model import Secret
from onboarding.model.errors import StoreUnavailable
from onboarding.settings.log import LOGGER
from onboarding.web.context import wiring

CALLS: Final = "/v1/"
DESCRIPTIONS: Final = {"/openapi.json", "/reference"}


@dataclass(frozen=True, slots=True)
class Caller:
    """A host back end, known by its key."""

    key: Secret

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.key.reveal().encode()).hexdigest()[:8]

    @property
    def name(self) -> str:
        return f"API key {self.fingerprint}"


def admit() -> None:
    """Runs before every request of the whole service, so that wrong addresses and methods need a key as well."""
    is_call = request.path.startswith(CALLS)
    if (is_call or request.path in DESCRIPTIONS) and not wiring().settings.api_keys:
        raise NotFound
    if is_call:
        g.caller = _recognised(request.headers.get("Authorization", ""))
        _count(caller())


def _count(caller: Caller) -> None:
    """Without Redis nothing is counted: reading needs PostgreSQL only."""
    try:
        wiring().ephemeral.limits.spend(Limit(API_CALLS, caller.fingerprint))
    except StoreUnavailable as error:
        LOGGER.warning("call not counted caller=%s error=%s", caller.name, error)


def caller() -> Caller:
    """Who makes this call."""
    return cast("Caller", g.caller)


def _recognised(authorization: str) -> Caller:
    """Compares with every key, each in constant time."""
    scheme, _, token = authorization.partition(" ")
    given = Secret(token.strip())
    matching = [key for key in wiring().settings.api_keys if key == given]
    if scheme.lower() != "bearer" or not matching:
        raise Unauthorized
    return Caller(matching[0])
