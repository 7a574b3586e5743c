"""What channel connections and channel endpoints have in common: finding one, and the checks before creating one."""

from __future__ import annotations

import secrets
import string
from typing import Any, Final

from onboarding.sandbox.novu import contexts
from onboarding.sandbox.novu.answer import NovuError
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.model import Integration, Row
from onboarding.sandbox.novu.table import Table

PREFIXES: Final = {"connection": "chconn", "endpoint": "chendp"}
_LETTERS: Final = string.digits + string.ascii_lowercase


def find_integration(environment: Environment, identifier: str, failure: str | None) -> Integration:
    integration = environment.integration(identifier)
    if integration is None or failure == "integration_missing":
        raise NovuError(404, f"Integration not found: {identifier}")
    return integration


def keep_contexts(environment: Environment, context: Any) -> tuple[str, ...]:
    """Found or created, even if the rest is refused then. Gives their keys."""
    keyed = contexts.keyed(context)
    environment.keep_contexts(keyed)
    return tuple(keyed)


def no_subscriber(subscriber_id: str | None, hint: str = "") -> NovuError:
    return NovuError(404, f"Subscriber not found: {subscriber_id}{hint}")


def free_identifier(environment: Environment, table: Table[Row], wanted: str | None, failure: str | None) -> str:
    """The one that was wanted, unless it is taken; a new one if none was."""
    identifier = wanted or f"{PREFIXES[table.noun]}_" + "".join(secrets.choice(_LETTERS) for _ in range(12))
    if failure == "conflict" or table.get(identifier):
        message = f'Channel {table.noun} with identifier "{identifier}" already exists in environment'
        raise NovuError(409, f'{message} "{environment.id}"')
    return identifier


def existing(table: Table[Row], identifier: str) -> Row:
    """Retrieving and deleting word it like this if there is none; updating has other quotes."""
    row = table.get(identifier)
    if row is None:
        raise NovuError(404, f"Channel {table.noun} with identifier '{identifier}' not found")
    return row
