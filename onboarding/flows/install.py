"""The story up to the grant: start an attempt, let the right browser complete or decline it, once."""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from onboarding.flows.deliver import Delivery
from onboarding.ledger import Attempts, Claim, steps
from onboarding.model import Attempt, Event, InstallLink, Reason, Secret, Status, Unrecorded
from onboarding.model.errors import (
    LinkRevoked,
    OtherBrowser,
    SlackRefused,
    StateExpired,
    StateUnknown,
    StoreUnavailable,
)
from onboarding.remote.http import Deadline
from onboarding.remote.slack import Slack, error_word
from onboarding.settings.log import LOGGER


@dataclass(frozen=True, slots=True)
class Started:
    """A new attempt, the secret that binds it to this browser, and where Slack asks the person."""

    attempt_id: str
    browser: Secret
    authorize_url: str


class Flow:
    def __init__(self, slack: Slack, attempts: Attempts, delivery: Delivery, clock: Callable[[], datetime]) -> None:
        self._slack = slack
        self._attempts = attempts
        self._delivery = delivery
        self._clock = clock

    def start(self, link: InstallLink) -> Started:
        state, browser = Secret(secrets.token_urlsafe(32)), Secret(secrets.token_urlsafe(32))
        now = self._clock()
        attempt = Attempt(
            id=attempt_id(state),
            link=link,
            status=Status.STARTED,
            started_at=now,
            browser_hash=browser_hash(browser),
            timeline=(Event(now, "started"),),
        )
        self._attempts.start(attempt)
        LOGGER.info("attempt started attempt=%s link=%s", attempt.id, link.id)
        return Started(attempt.id, browser, self._slack.authorize_url(state))

    def decline(self, attempt_id: str, browser: Secret | None, error: str, *, is_described: bool) -> None:
        """Slack sent the person back with an error instead of a code."""
        if attempt := self._claim(attempt_id, browser):
            self._end(attempt, _decline_reason(error, is_described=is_described), error_word(error))

    def complete(self, attempt_id: str, browser: Secret | None, code: Secret, deadline: Deadline) -> Unrecorded | None:
        """Redeem the code and hand the grant over, once; coming back again changes nothing."""
        attempt = self._claim(attempt_id, browser)
        if attempt is None:
            return None
        try:
            grant = self._slack.redeem(code)
        except SlackRefused as refusal:
            self._end(attempt, refusal.reason, refusal.detail)
            return None
        LOGGER.info("granted attempt=%s workspace=%s", attempt.id, grant.workspace.id)
        return self._delivery.accept(attempt, grant, deadline)

    def _claim(self, attempt_id: str, browser: Secret | None) -> Attempt | None:
        """The attempt, if this return is the one that may bring it to an end; None if another was first."""
        claim, attempt = self._attempts.claim(attempt_id, browser_hash(browser), self._clock())
        if claim is Claim.UNKNOWN:
            raise StateUnknown
        if claim is Claim.EXPIRED:
            raise StateExpired(attempt_id)
        if claim is Claim.REVOKED:
            raise LinkRevoked(attempt_id=attempt_id)
        if claim is Claim.OTHER_BROWSER:
            raise OtherBrowser(attempt_id)
        return attempt

    def _end(self, attempt: Attempt, reason: Reason, detail: str) -> None:
        level = logging.ERROR if reason is Reason.SLACK_MISCONFIGURED else logging.INFO
        LOGGER.log(level, "ended attempt=%s reason=%s detail=%s", attempt.id, reason, detail)
        try:
            self._attempts.move(attempt, steps.ended(reason, detail, self._clock(), self._attempts.retention))
        except StoreUnavailable as error:
            # Nothing was granted: the attempt reads as expired in a minute, and the link stays good.
            LOGGER.error("outcome not recorded attempt=%s error=%s", attempt.id, error)


def attempt_id(state: Secret) -> str:
    """The public name of the attempt behind a state: it finds the record and gives nothing away."""
    return base64.urlsafe_b64encode(hashlib.sha256(state.reveal().encode()).digest()[:16]).decode().rstrip("=")


def browser_hash(browser: Secret | None) -> str:
    return hashlib.sha256(browser.reveal().encode()).hexdigest() if browser else ""


def _decline_reason(error: str, *, is_described: bool) -> Reason:
    if error != "access_denied":
        return Reason.SLACK_REFUSED
    return Reason.DENIED_BY_PERSON if is_described else Reason.NOT_PERMITTED
