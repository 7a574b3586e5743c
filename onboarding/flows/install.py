"""The story up to the grant: start an attempt, let the right browser complete or decline it, once."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from onboarding.clock.deadline import Deadline
from onboarding.ephemeral.states import Claim, States
from onboarding.flows.apps import Parties
from onboarding.flows.browsers import attempt_id, browser_hash, code_hash, is_browser_of
from onboarding.flows.claim import Claims
from onboarding.flows.deliver import Delivery
from onboarding.flows.spans import Spans
from onboarding.ledger.attempts import Attempts, Ending
from onboarding.model import (
    CLAIM_GRACE,
    GRANT_KEPT,
    Attempt,
    ConnectionMode,
    Grant,
    InstallLink,
    Reason,
    Secret,
    Status,
    Unrecorded,
)
from onboarding.model.errors import (
    AppMissing,
    ApprovalUnused,
    LinkRevoked,
    OtherBrowser,
    SlackRefused,
    StateExpired,
    StateUnknown,
    StoreUnavailable,
    TooManyStarts,
)
from onboarding.remote.slack import error_word, reason_of_return
from onboarding.settings.log import LOGGER


@dataclass(frozen=True, slots=True)
class Started:
    """A new attempt, the secret that binds it to this browser, and where Slack asks the person."""

    attempt_id: str
    browser: Secret
    authorize_url: str
    is_direct: bool = False


class Install:
    def __init__(  # noqa: PLR0913, PLR0917 (everything that an attempt goes through)
        self,
        parties: Parties,
        states: States,
        attempts: Attempts,
        delivery: Delivery,
        claims: Claims,
        spans: Spans,
        clock: Callable[[], datetime],
    ) -> None:
        self._parties = parties
        self._states = states
        self._attempts = attempts
        self._delivery = delivery
        self._claims = claims
        self._spans = spans
        self._clock = clock

    def start(self, link: InstallLink) -> Started:
        """Raises `TooManyStarts` and `LinkRevoked`."""
        return self._start(link, link.id)

    def start_direct(self, integration: str, workspace_id: str | None, address: str) -> Started:
        """For somebody who has no link. Raises `TooManyStarts` if that network address has started too many."""
        return self._start(_placeholder(integration, workspace_id, self._clock() + GRANT_KEPT), f"direct:{address}")

    def _start(self, link: InstallLink, counted: str) -> Started:
        state, browser = Secret(secrets.token_urlsafe(32)), Secret(secrets.token_urlsafe(32))
        started = Started(
            attempt_id(state),
            browser,
            self._parties.slack(link.integration).authorize_url(state, link.workspace_id),
            link.is_direct,
        )
        try:
            self._states.begin(started.attempt_id, browser_hash(browser), counted)
        except TooManyStarts as error:
            raise TooManyStarts(error.retry_after, link) from None
        self._attempts.start(started.attempt_id, link, browser_hash(browser))
        LOGGER.info("attempt started attempt=%s link=%s", started.attempt_id, link.id)
        return started

    def decline(self, attempt_id: str, browser: Secret | None, error: str, *, is_described: bool) -> None:
        """Slack sent the person back with an error instead of a code."""
        if self._claim(attempt_id, browser):
            reason = reason_of_return(error, is_described=is_described)
            self._end(attempt_id, Ending(reason, error_word(error)))

    def complete(self, attempt_id: str, browser: Secret | None, code: Secret, deadline: Deadline) -> Unrecorded | None:
        """Redeem the code and hand the grant over, once; coming back again changes nothing.

        Raises `ApprovalUnused` if another approval was first.
        """
        attempt = self._claim(attempt_id, browser, code_hash(code))
        if attempt is None:
            self._refuse_another(attempt_id, code)
            return None
        claimed_at = time.monotonic()
        grant = self._redeem(attempt, code, claimed_at)
        if grant is None:
            return None
        if attempt.link.is_direct:
            return self._claims.keep(attempt, grant, _since(claimed_at), deadline)
        LOGGER.info("granted attempt=%s workspace=%s", attempt_id, grant.workspace.id)
        return self._delivery.accept(attempt, grant, _since(claimed_at), deadline)

    def find(self, attempt_id: str) -> Attempt | None:
        """An attempt for its own page: whether somebody came back for it, before anything came of that, Redis knows."""
        attempt = self._attempts.get(attempt_id)
        if attempt is None or attempt.is_claimed or attempt.status not in {Status.STARTED, Status.EXPIRED}:
            return attempt
        try:
            claimed_for = self._states.claimed_for(attempt_id)
        except StoreUnavailable:
            return attempt
        if claimed_for is None:
            return attempt
        if claimed_for < CLAIM_GRACE:
            return replace(attempt, status=Status.STARTED, reason=None, is_claimed=True)
        return replace(attempt, status=Status.EXPIRED, reason=Reason.TIMED_OUT, is_claimed=True)

    def _redeem(self, attempt: Attempt, code: Secret, claimed_at: float) -> Grant | None:
        """The grant behind the code. None if this was the attempt's end."""
        link = attempt.link
        with self._spans.span("redeem", link.traceparent, attempt=attempt.id, integration=link.integration) as span:
            try:
                grant = self._parties.slack(link.integration).redeem(code)
            except SlackRefused as refusal:
                ending = Ending(refusal.reason, refusal.detail, _since(claimed_at))
            except AppMissing as error:
                ending = Ending(Reason.SLACK_MISCONFIGURED, error.message, _since(claimed_at))
            else:
                if link.is_direct or link.workspace_id in {None, grant.workspace.id}:
                    span.note(outcome="granted")
                    return grant
                ending = Ending(Reason.WRONG_WORKSPACE, "", _since(claimed_at), grant.workspace)
            span.note(is_error=ending.reason is not Reason.WRONG_WORKSPACE, outcome="refused", reason=ending.reason)
            self._end(attempt.id, ending)
            return None

    def _refuse_another(self, attempt_id: str, code: Secret) -> None:
        """Somebody who allowed something else than what counts has to be told."""
        try:
            first = self._states.claimed_with(attempt_id)
        except StoreUnavailable:
            return
        if first is not None and first != code_hash(code):
            LOGGER.info("approval not used attempt=%s", attempt_id)
            raise ApprovalUnused(attempt_id)

    def _claim(self, attempt_id: str, browser: Secret | None, came_with: str = "") -> Attempt | None:
        """The attempt, if this return is the one that may bring it to an end; None if another was first."""
        found = self._attempts.returned(attempt_id)
        if found is None:
            raise StateUnknown
        attempt, is_revoked = found
        if attempt.reason is Reason.TIMED_OUT:
            raise StateExpired(attempt_id)
        if not is_browser_of(attempt, browser):
            raise OtherBrowser(attempt)
        if attempt.status is not Status.STARTED:
            return None
        if is_revoked:
            raise LinkRevoked(attempt.link, attempt_id)
        match self._states.claim(attempt_id, attempt.browser_hash, came_with):
            case Claim.CLAIMED:
                return attempt
            case Claim.ALREADY_CLAIMED:
                return None
            case Claim.OTHER_BROWSER:
                raise OtherBrowser(attempt)
            case Claim.UNKNOWN:
                # Redis has forgotten it: nobody can tell any more whether the code has been used.
                raise StateExpired(attempt_id)

    def _end(self, attempt_id: str, ending: Ending) -> None:
        level = logging.ERROR if ending.reason is Reason.SLACK_MISCONFIGURED else logging.INFO
        LOGGER.log(level, "ended attempt=%s reason=%s detail=%s", attempt_id, ending.reason, ending.detail)
        try:
            self._attempts.end(attempt_id, ending)
        except StoreUnavailable as error:
            # Nothing was granted: the attempt reads as expired in a minute, and the link stays good.
            LOGGER.error("outcome not recorded attempt=%s error=%s", attempt_id, error)


def _placeholder(integration: str, workspace_id: str | None, expires_at: datetime) -> InstallLink:
    """What an attempt without a link carries, until somebody claims it."""
    return InstallLink(
        id=secrets.token_urlsafe(16),
        subscriber_id=None,
        contexts=(),
        mode=ConnectionMode.SUBSCRIBER,
        integration=integration,
        identifier="",
        account=None,
        return_url=None,
        expires_at=expires_at,
        workspace_id=workspace_id,
    )


def _since(moment: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - moment)
