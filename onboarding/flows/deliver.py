"""The story from the grant on: keep it sealed, carry it to Novu, erase it."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.flows.apps import Parties
from onboarding.flows.destination import Choosing
from onboarding.flows.patience import PATIENCE, patiently
from onboarding.flows.spans import About, Spans
from onboarding.ledger.attempts import Attempts
from onboarding.ledger.connected import Made
from onboarding.ledger.grants import Grants, Take
from onboarding.model import DISCONNECTED, Attempt, Grant, Reason, Status, Unrecorded, WhoChooses
from onboarding.model.destinations import Destination, EndpointType
from onboarding.model.errors import IdentifierTaken, NothingToRetry, NovuError, SealBroken, StoreUnavailable
from onboarding.settings.log import LOGGER
from onboarding.signing.vault import Vault

LONGEST_TRY: Final = 13.0
"""Seconds. Has to stay under the lease of a delivery."""
FIRST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(minutes=15)
LONGEST_RETRY_AFTER: Final = timedelta(hours=1)
GIVE_UP_AFTER: Final = timedelta(hours=24)
HELD: Final = timedelta(seconds=25)
"""How long a person's retry keeps workers away from what it is about to deliver."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one try to deliver came to: a connection, a later try, or an end; why, and Novu's `status` if it refused."""

    made: Made | None = None
    wait: timedelta | None = None
    reason: Reason | None = None
    detail: str = ""
    erases: bool = False
    status: int | None = None


class Delivery:
    def __init__(  # noqa: PLR0913, PLR0917 (everything that a grant goes through)
        self,
        parties: Parties,
        attempts: Attempts,
        grants: Grants,
        choosing: Choosing,
        vault: Vault,
        spans: Spans,
    ) -> None:
        self._parties = parties
        self._attempts = attempts
        self._grants = grants
        self._choosing = choosing
        self._vault = vault
        self._spans = spans

    def accept(self, attempt: Attempt, grant: Grant, back_for: timedelta, deadline: Deadline) -> Unrecorded | None:
        """Put a fresh grant where a crash cannot lose it, then deliver it. Gives what could not be recorded."""
        lease, sealed = _lease(), self._vault.seal(attempt.id, grant)

        def keep() -> bool | None:
            return self._grants.keep(attempt.id, grant, sealed, lease, back_for)

        is_ours = patiently(keep, deadline)
        if is_ours is None:
            LOGGER.error("grant not stored attempt=%s", attempt.id)
            return self._rescue(attempt, grant, keep, deadline)
        if is_ours:
            outcome = self._try(attempt, lambda: self._carry(attempt, grant, deadline))
            return self._record(attempt, lease, outcome, deadline)
        LOGGER.info("delivery left to a worker attempt=%s", attempt.id)
        return None

    def deliver(self, attempt_id: str) -> bool:
        """Deliver what is due. Tells whether there was anything to deliver."""
        lease = _lease()
        taken = self._grants.take(attempt_id, lease)
        match taken.take:
            case Take.SETTLED:
                return False
            case Take.BUSY:
                self._grants.wait(attempt_id)
            case _ if attempt := taken.attempt:
                outcome = self._try(attempt, lambda: self._outcome(taken.take, attempt, taken.sealed))
                self._record(attempt, lease, outcome, Deadline(PATIENCE))
        return True

    def retry(self, attempt_id: str) -> Attempt:
        """Deliver for a person: what failed again, what is on its way at once. Gives the attempt as it stands then."""
        attempt = self._reopen(attempt_id, HELD)
        self.deliver(attempt.id)
        return self._attempts.get(attempt_id) or attempt

    def retry_soon(self, attempt_id: str) -> None:
        """The same, but leave it to a worker."""
        self._reopen(attempt_id, timedelta(0))

    def _reopen(self, attempt_id: str, wait: timedelta) -> Attempt:
        """Let an attempt be delivered once more, or raise `NothingToRetry`."""
        attempt = self._attempts.get(attempt_id)
        if attempt is None:
            raise NothingToRetry("there is no such attempt")
        if attempt.status not in {Status.FAILED, Status.GRANTED}:
            raise NothingToRetry(f"it is {attempt.status}")
        if not self._grants.reopen(attempt, wait):
            return self._moved_meanwhile(attempt)
        return attempt

    def _moved_meanwhile(self, attempt: Attempt) -> Attempt:
        """Somebody else was faster, or there is no grant left."""
        found = self._attempts.get(attempt.id) or attempt
        if found.status in {Status.CONNECTED, Status.GRANTED} and found.status is not attempt.status:
            return found
        raise NothingToRetry("its grant is gone; a new install link is needed")

    def _try(self, attempt: Attempt, deliver: Callable[[], Outcome]) -> Outcome:
        """One try, and what is told of it."""
        link, tries = attempt.link, attempt.tries + 1
        with self._spans.span(
            "deliver", link.traceparent, attempt=attempt.id, integration=link.integration, tries=tries
        ) as span:
            outcome = deliver()
            span.note(is_error=_is_error(outcome), **_about(outcome))
            _log(attempt, outcome)
            return outcome

    def _outcome(self, take: Take, attempt: Attempt, sealed: str) -> Outcome:
        match take:
            case Take.TAKEN:
                return self._carry_sealed(attempt, sealed)
            case Take.BEHIND:
                return _later(attempt, Reason.NOVU_UNREACHABLE, "a newer approval goes first", None)
            case Take.SUPERSEDED:
                return Outcome(reason=Reason.SUPERSEDED, erases=True)
            case Take.DISCONNECTED:
                return Outcome(reason=Reason.SUPERSEDED, detail=DISCONNECTED, erases=True)
            case _:
                return Outcome(reason=Reason.GRANT_LOST, erases=True)

    def _carry_sealed(self, attempt: Attempt, sealed: str) -> Outcome:
        try:
            grant = self._vault.unseal(attempt.id, sealed)
        except SealBroken:
            return _later(attempt, Reason.GRANT_LOST, "no key of this process opens the grant", None)
        return self._carry(attempt, grant, Deadline(LONGEST_TRY))

    def _carry(self, attempt: Attempt, grant: Grant, deadline: Deadline) -> Outcome:
        """Take one grant to Novu. Safe to repeat: the key is the attempt's."""
        deadline = Deadline(min(deadline.remaining, LONGEST_TRY))
        try:
            novu = self._parties.novu(attempt.link.integration)
            connection = novu.connect(attempt.link, grant, attempt.idempotency_key, deadline)
        except IdentifierTaken as error:
            return Outcome(reason=Reason.IDENTIFIER_TAKEN, detail=f"{error} belongs to another owner")
        except NovuError as error:
            return replace(_refused(attempt, error), status=error.status)
        installer_id = grant.installer_id or attempt.installer_id
        made = Made(connection.identifier, grant.workspace, grant.app_id, installer_id)
        return Outcome(made=_with_wish(attempt, made))

    def _record(self, attempt: Attempt, lease: str, outcome: Outcome, deadline: Deadline) -> Unrecorded | None:
        """Record what has happened; gives a connection that PostgreSQL was not told about in the end."""
        if patiently(lambda: self._tell(attempt, lease, outcome), deadline):
            self._carry_out_wish(attempt, outcome, deadline)
            return None
        LOGGER.error("not recorded attempt=%s", attempt.id)
        return Unrecorded(Status.CONNECTED, outcome.made.workspace) if outcome.made else None

    def _carry_out_wish(self, attempt: Attempt, outcome: Outcome, deadline: Deadline) -> None:
        """Let Novu know where notifications go, at once. It is recorded: if this comes to nothing, a worker goes on."""
        if outcome.made and outcome.made.wish and deadline.remaining > 0:
            try:
                self._choosing.finish(attempt.link.owner.identifier, _lease(), deadline)
            except StoreUnavailable as error:
                LOGGER.warning("destination left to a worker attempt=%s error=%s", attempt.id, error)

    def _tell(self, attempt: Attempt, lease: str, outcome: Outcome) -> bool:
        if outcome.made:
            self._grants.connect(attempt, outcome.made, lease)
        elif outcome.wait is not None:
            self._grants.postpone(attempt, lease, outcome.wait, outcome.detail)
        elif outcome.reason and outcome.erases:
            self._grants.give_up(attempt, lease, outcome.reason, outcome.detail)
        elif outcome.reason:
            self._grants.reject(attempt, lease, outcome.reason, outcome.detail)
        return True

    def _rescue(
        self, attempt: Attempt, grant: Grant, keep: Callable[[], bool | None], deadline: Deadline
    ) -> Unrecorded | None:
        """Without PostgreSQL there is nobody else to do it: straight to Novu, and say what came of it."""
        outcome = self._try(attempt, lambda: self._carry(attempt, grant, deadline))
        if made := outcome.made:
            recorded = patiently(lambda: self._grants.connect(attempt, made, ""), deadline)
            return None if recorded else Unrecorded(Status.CONNECTED, grant.workspace)
        if patiently(keep, deadline) is not None:
            return None
        LOGGER.critical("grant lost attempt=%s workspace=%s", attempt.id, grant.workspace.id)
        return Unrecorded(Status.FAILED, grant.workspace)


def _with_wish(attempt: Attempt, made: Made) -> Made:
    """Where the link wants notifications to go, unless somebody has chosen: to whoever approved."""
    if attempt.link.destination is not WhoChooses.INSTALLER:
        return made
    if made.installer_id is None:
        return replace(made, refused="Slack did not say who approved")
    return replace(made, wish=Destination(EndpointType.PERSON, made.installer_id))


def _lease() -> str:
    return secrets.token_hex(8)


def _refused(attempt: Attempt, error: NovuError) -> Outcome:
    if error.is_transient:
        return _later(attempt, Reason.NOVU_UNREACHABLE, str(error), error.retry_after)
    return Outcome(reason=_reason(error), detail=str(error))


def _later(attempt: Attempt, reason: Reason, detail: str, retry_after: float | None) -> Outcome:
    """Another try after a while, or an end if it has been tried for long enough."""
    if attempt.tried_for >= GIVE_UP_AFTER:
        return Outcome(reason=reason, detail=detail)
    return Outcome(wait=_wait(attempt.tries, retry_after), reason=reason, detail=detail)


def _wait(tries: int, retry_after: float | None) -> timedelta:
    """Exponential backoff with jitter; what Novu asks for is the least."""
    wait = min(FIRST_WAIT * (1 << min(tries, 20)), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
    asked = min(timedelta(seconds=retry_after or 0), LONGEST_RETRY_AFTER)
    return max(wait, asked)


def _is_error(outcome: Outcome) -> bool:
    """A newer decision of the owner's is none."""
    return outcome.made is None and outcome.reason is not Reason.SUPERSEDED


def _about(outcome: Outcome) -> About:
    if outcome.made:
        return {"outcome": "connected"}
    end = "given_up" if outcome.erases else "rejected"
    word = "postponed" if outcome.wait is not None else end
    return {"outcome": word, "reason": outcome.reason, "status": outcome.status}


def _log(attempt: Attempt, outcome: Outcome) -> None:
    if outcome.made:
        LOGGER.info("connected attempt=%s connection=%s", attempt.id, outcome.made.identifier)
        if outcome.made.refused:
            LOGGER.error("destination refused attempt=%s detail=%s", attempt.id, outcome.made.refused)
    elif outcome.wait is not None:
        seconds = outcome.wait.total_seconds()
        LOGGER.warning("delivery postponed attempt=%s wait=%.0f error=%s", attempt.id, seconds, outcome.detail)
    elif outcome.erases:
        LOGGER.warning("delivery given up attempt=%s reason=%s detail=%s", attempt.id, outcome.reason, outcome.detail)
    else:
        LOGGER.error("delivery rejected attempt=%s reason=%s detail=%s", attempt.id, outcome.reason, outcome.detail)


def _reason(error: NovuError) -> Reason:
    """A name for the operator. Only this name depends on Novu's wording, never what happens next."""
    if error.status in {401, 403}:
        return Reason.NOVU_UNAUTHORIZED
    if error.status == 404 and error.message.startswith("Integration not found"):
        return Reason.INTEGRATION_NOT_FOUND
    if error.status == 404 and error.message.startswith("Subscriber not found"):
        return Reason.SUBSCRIBER_NOT_FOUND
    return Reason.NOVU_REJECTED
