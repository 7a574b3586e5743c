"""What creating a connection and creating an endpoint have in common."""

from __future__ import annotations

import secrets
import string
from typing import Any, Final

from onboarding.sandbox.novu import contexts
from onboarding.sandbox.novu.answer import NovuError
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.model import Integration

_LETTERS: Final = string.digits + string.ascii_lowercase


def find_integration(environment: Environment, identifier: str, misfortune: str | None) -> Integration:
    integration = environment.integration(identifier)
    if integration is None or misfortune == "integration_missing":
        raise NovuError(404, f"Integration not found: {identifier}")
    return integration


def keep_contexts(environment: Environment, context: Any) -> tuple[str, ...]:
    """Found or created, whatever becomes of the rest. Gives their keys."""
    keyed = contexts.keyed(context)
    environment.keep_contexts(keyed)
    return tuple(keyed)


def no_subscriber(subscriber_id: str | None, hint: str = "") -> NovuError:
    return NovuError(404, f"Subscriber not found: {subscriber_id}{hint}")


def taken(noun: str, environment: Environment, identifier: str) -> NovuError:
    message = f'Channel {noun} with identifier "{identifier}" already exists in environment'
    return NovuError(409, f'{message} "{environment.id}"')


def not_found(noun: str, identifier: str) -> NovuError:
    """As retrieving and deleting word it; updating has other quotes."""
    return NovuError(404, f"Channel {noun} with identifier '{identifier}' not found")


def new_identifier(prefix: str) -> str:
    return f"{prefix}_" + "".join(secrets.choice(_LETTERS) for _ in range(12))
