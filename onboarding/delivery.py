"""The story from the grant on: keep it sealed, carry it to Novu, erase it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from onboarding.attempts import Attempts
from onboarding.errors import IdentifierTaken, NovuError, StoreUnavailable
from onboarding.http import Deadline
from onboarding.log import LOGGER
from onboarding.model import Attempt, Connection, Grant, LastConnection, Reason
from onboarding.novu import Novu
from onboarding.vault import Vault

REASONS: Final = {401: Reason.NOVU_UNAUTHORIZED, 403: Reason.NOVU_UNAUTHORIZED}


class Delivery:
    def __init__(self, novu: Novu, attempts: Attempts, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._novu = novu
        self._attempts = attempts
        self._vault = vault
        self._clock = clock

    def keep(self, attempt: Attempt, grant: Grant) -> None:
        """Put the grant where a crash cannot lose it; without a store, delivering at once is all that is left."""
        with recording(attempt):
            self._attempts.grant(attempt, grant, self._vault.seal(attempt.id, grant))

    def deliver(self, attempt: Attempt, grant: Grant, deadline: Deadline) -> None:
        """Carry one grant to Novu and record what became of it. Safe to repeat: the key is the attempt's."""
        try:
            connection = self._novu.connect(attempt.link, grant, attempt.id, deadline)
        except IdentifierTaken as error:
            self._reject(attempt, Reason.IDENTIFIER_TAKEN, f"{error} belongs to another owner")
        except NovuError as error:
            if error.is_transient:
                self._postpone(attempt, error)
            else:
                self._reject(attempt, _reason(error), str(error))
        else:
            self._connect(attempt, grant, connection)

    def _connect(self, attempt: Attempt, grant: Grant, connection: Connection) -> None:
        LOGGER.info("connected attempt=%s connection=%s", attempt.id, connection.identifier)
        made = LastConnection(attempt.id, grant.workspace, grant.app_id, self._clock())
        with recording(attempt):
            self._attempts.connect(attempt, made)

    def _postpone(self, attempt: Attempt, error: NovuError) -> None:
        LOGGER.warning("delivery postponed attempt=%s error=%s", attempt.id, error)
        with recording(attempt):
            self._attempts.postpone(attempt, str(error), self._clock())

    def _reject(self, attempt: Attempt, reason: Reason, detail: str) -> None:
        LOGGER.error("delivery rejected attempt=%s reason=%s detail=%s", attempt.id, reason, detail)
        with recording(attempt):
            self._attempts.reject(attempt, reason, detail, self._clock())


@contextmanager
def recording(attempt: Attempt) -> Iterator[None]:
    """Once the code is spent a store in trouble must not stop the rest: say so in the log and go on."""
    try:
        yield
    except StoreUnavailable as error:
        LOGGER.error("not recorded attempt=%s error=%s", attempt.id, error)


def _reason(error: NovuError) -> Reason:
    """A name for the operator. Only this name depends on Novu's wording, never what happens next."""
    if error.status == 404 and error.message.startswith("Integration not found"):
        return Reason.INTEGRATION_NOT_FOUND
    if error.status == 404 and error.message.startswith("Subscriber not found"):
        return Reason.SUBSCRIBER_NOT_FOUND
    return REASONS.get(error.status or 0, Reason.NOVU_REJECTED)
