"""The story from the grant on: keep it sealed, carry it to Novu, erase it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from onboarding.ledger import Attempts, Take, Taken, steps
from onboarding.ledger.steps import Step
from onboarding.model import DISCONNECTED, Attempt, Connection, Grant, LastConnection, Reason, Status, Unrecorded
from onboarding.model.errors import IdentifierTaken, NothingToRetry, NovuError, SealBroken, StoreUnavailable
from onboarding.remote.http import Deadline
from onboarding.remote.novu import Novu
from onboarding.settings.log import LOGGER
from onboarding.signing.vault import Vault

SAFETY_NET: Final = timedelta(seconds=25)
"""When the worker looks after a grant that the request itself is about to deliver."""
LONGEST_TRY: Final = 13.0
"""Seconds. Has to stay under the lease of a delivery."""
PATIENCE: Final = 5.0
"""Seconds to wait for a store that comes back, when an approval would be lost otherwise."""
FIRST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(minutes=15)
LONGEST_RETRY_AFTER: Final = timedelta(hours=1)
BUSY_WAIT: Final = timedelta(seconds=1)
GIVE_UP_AFTER: Final = timedelta(hours=24)
SWEEP_PAUSE: Final = timedelta(seconds=60)
RETRIES: Final = {Status.FAILED: steps.reopened, Status.GRANTED: steps.hurried}

Schedule = Callable[[str, timedelta], None]
Clock = Callable[[], datetime]


class Delivery:
    def __init__(self, novu: Novu, attempts: Attempts, vault: Vault, schedule: Schedule, clock: Clock) -> None:
        self._novu = novu
        self._attempts = attempts
        self._vault = vault
        self._schedule = schedule
        self._clock = clock

    def accept(self, attempt: Attempt, grant: Grant, deadline: Deadline) -> Unrecorded | None:
        """Put a fresh grant where a crash cannot lose it, then deliver it. Gives what could not be recorded."""
        if not _patiently(lambda: self._keep(attempt, grant), deadline):
            LOGGER.error("grant not stored attempt=%s", attempt.id)
            return self._rescue(attempt, grant, deadline)
        try:
            return self._deliver(attempt, deadline)
        except StoreUnavailable as error:
            # The grant is stored and its delivery scheduled: the worker goes on.
            LOGGER.error("store in trouble after the grant attempt=%s error=%s", attempt.id, error)
            return None

    def deliver(self, attempt_id: str) -> None:
        """Deliver what is due, if it still is."""
        attempt = self._attempts.get(attempt_id, self._clock())
        if attempt and attempt.status is Status.GRANTED:
            self._deliver(attempt, Deadline(LONGEST_TRY))

    def retry(self, attempt_id: str) -> Attempt:
        """Deliver for a person: what failed again, what is on its way at once. Gives the attempt as it stands then."""
        attempt = self._reopen(attempt_id)
        self._deliver(attempt, Deadline(LONGEST_TRY))
        return self._attempts.get(attempt_id, self._clock()) or attempt

    def retry_soon(self, attempt_id: str) -> None:
        """The same, but leave it to the worker."""
        self._schedule(self._reopen(attempt_id).id, timedelta(0))

    def sweep(self) -> None:
        """Schedule what should have been delivered by now: a queue may lose a job, the attempts do not."""
        for attempt_id in self._attempts.overdue(SWEEP_PAUSE):
            LOGGER.warning("delivery overdue attempt=%s", attempt_id)
            self._schedule(attempt_id, timedelta(0))

    def _reopen(self, attempt_id: str) -> Attempt:
        """Let an attempt be delivered once more, or raise `NothingToRetry`."""
        attempt = self._attempts.get(attempt_id, self._clock())
        if attempt is None:
            raise NothingToRetry("there is no such attempt")
        if attempt.status not in RETRIES:
            raise NothingToRetry(f"it is {attempt.status}")
        self._schedule(attempt.id, SAFETY_NET)
        if not self._attempts.move(attempt, RETRIES[attempt.status](self._clock(), self._attempts.retention)):
            return self._moved_meanwhile(attempt)
        return attempt

    def _moved_meanwhile(self, attempt: Attempt) -> Attempt:
        """Somebody else was faster, or there is no grant left."""
        found = self._attempts.get(attempt.id, self._clock()) or attempt
        if found.status in {Status.CONNECTED, Status.GRANTED} and found.status is not attempt.status:
            return found
        raise NothingToRetry("its grant is gone; a new install link is needed")

    def _keep(self, attempt: Attempt, grant: Grant) -> bool:
        sealed = self._vault.seal(attempt.id, grant)
        self._schedule(attempt.id, SAFETY_NET)
        return self._attempts.move(attempt, steps.granted(grant, sealed, self._attempts.retention))

    def _deliver(self, attempt: Attempt, deadline: Deadline) -> Unrecorded | None:
        taken = self._attempts.take(attempt, self._clock())
        if taken.take is Take.BUSY:
            self._schedule(attempt.id, min(taken.wait, BUSY_WAIT))
        if taken.attempt is None:
            return None
        step = self._step(taken, taken.attempt, deadline)
        if step.due_in is not None:
            self._schedule(attempt.id, step.due_in)
        return self._record(taken.attempt, step, taken.lease)

    def _step(self, taken: Taken, attempt: Attempt, deadline: Deadline) -> Step:
        match taken.take:
            case Take.TAKEN:
                return self._carry_sealed(attempt, taken.sealed, deadline)
            case Take.BEHIND:
                return self._later(attempt, Reason.NOVU_UNREACHABLE, "a newer approval goes first", None)
            case Take.SUPERSEDED:
                return self._give_up(attempt, Reason.SUPERSEDED)
            case Take.DISCONNECTED:
                return self._give_up(attempt, Reason.SUPERSEDED, DISCONNECTED)
            case _:
                return self._give_up(attempt, Reason.GRANT_LOST)

    def _record(self, attempt: Attempt, step: Step, lease: str | None) -> Unrecorded | None:
        """Record a step that has happened; gives a connection that the store was not told about in the end."""
        if _patiently(lambda: self._attempts.move(attempt, step, lease) or True, Deadline(PATIENCE)):
            return None
        LOGGER.error("not recorded attempt=%s event=%s", attempt.id, step.event.name)
        return Unrecorded(Status.CONNECTED, step.connection.workspace) if step.connection else None

    def _carry_sealed(self, attempt: Attempt, sealed: str, deadline: Deadline) -> Step:
        try:
            grant = self._vault.unseal(attempt.id, sealed)
        except SealBroken:
            return self._later(attempt, Reason.GRANT_LOST, "no key of this process opens the grant", None)
        return self._carry(attempt, grant, deadline)

    def _carry(self, attempt: Attempt, grant: Grant, deadline: Deadline) -> Step:
        """Take one grant to Novu. Safe to repeat: the key is the attempt's."""
        deadline = Deadline(min(deadline.remaining, LONGEST_TRY))
        try:
            connection = self._novu.connect(attempt.link, grant, attempt.idempotency_key, deadline)
        except IdentifierTaken as error:
            return self._reject(attempt, Reason.IDENTIFIER_TAKEN, f"{error} belongs to another owner")
        except NovuError as error:
            if error.is_transient:
                return self._later(attempt, Reason.NOVU_UNREACHABLE, str(error), error.retry_after)
            return self._reject(attempt, _reason(error), str(error))
        return self._connected(attempt, grant, connection)

    def _connected(self, attempt: Attempt, grant: Grant, connection: Connection) -> Step:
        LOGGER.info("connected attempt=%s connection=%s", attempt.id, connection.identifier)
        made = LastConnection(attempt.id, grant.workspace, grant.app_id, self._clock())
        return steps.connected(made, connection.identifier, self._attempts.retention)

    def _later(self, attempt: Attempt, reason: Reason, detail: str, retry_after: float | None) -> Step:
        now = self._clock()
        if attempt.trying_since and now - attempt.trying_since >= GIVE_UP_AFTER:
            return self._reject(attempt, reason, detail)
        wait = _wait(attempt.tries, retry_after)
        LOGGER.warning("delivery postponed attempt=%s wait=%.0f error=%s", attempt.id, wait.total_seconds(), detail)
        return steps.postponed(detail, wait, now, self._attempts.retention)

    def _reject(self, attempt: Attempt, reason: Reason, detail: str) -> Step:
        LOGGER.error("delivery rejected attempt=%s reason=%s detail=%s", attempt.id, reason, detail)
        return steps.rejected(reason, detail, self._clock(), self._attempts.retention)

    def _give_up(self, attempt: Attempt, reason: Reason, detail: str = "") -> Step:
        LOGGER.warning("delivery given up attempt=%s reason=%s detail=%s", attempt.id, reason, detail)
        return steps.ended(reason, detail, self._clock(), self._attempts.retention)

    def _rescue(self, attempt: Attempt, grant: Grant, deadline: Deadline) -> Unrecorded | None:
        """Without a store there is nobody else to do it: straight to Novu, and say what came of it."""
        step = self._carry(attempt, grant, deadline)
        if step.connection:
            recorded = _patiently(lambda: self._attempts.move(attempt, step), Deadline(0))
            return None if recorded else Unrecorded(Status.CONNECTED, grant.workspace)
        if _patiently(lambda: self._keep(attempt, grant), Deadline(0)):
            return None
        LOGGER.critical("grant lost attempt=%s workspace=%s", attempt.id, grant.workspace.id)
        return Unrecorded(Status.FAILED, grant.workspace)


def _patiently(ask: Callable[[], bool], deadline: Deadline) -> bool:
    """What the store says in the end; no, when it says nothing."""
    ends = time.monotonic() + min(PATIENCE, deadline.remaining)
    while True:
        try:
            return ask()
        except StoreUnavailable:
            if time.monotonic() > ends:
                return False
            time.sleep(0.2)


def _wait(tries: int, retry_after: float | None) -> timedelta:
    """Exponential backoff with jitter; what Novu asks for is the least."""
    wait = min(FIRST_WAIT * (1 << min(tries, 20)), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
    asked = min(timedelta(seconds=retry_after or 0), LONGEST_RETRY_AFTER)
    return max(wait, asked)


def _reason(error: NovuError) -> Reason:
    """A name for the operator. Only this name depends on Novu's wording, never what happens next."""
    if error.status in {401, 403}:
        return Reason.NOVU_UNAUTHORIZED
    if error.status == 404 and error.message.startswith("Integration not found"):
        return Reason.INTEGRATION_NOT_FOUND
    if error.status == 404 and error.message.startswith("Subscriber not found"):
        return Reason.SUBSCRIBER_NOT_FOUND
    return Reason.NOVU_REJECTED
