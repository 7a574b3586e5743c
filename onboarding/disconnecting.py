"""The story's end: revoke the token at Slack, delete the channel connection at Novu, forget the owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from onboarding.attempts import Attempts
from onboarding.errors import NovuError, SlackRefused, StoreUnavailable
from onboarding.http import Deadline
from onboarding.log import LOGGER
from onboarding.novu import Novu
from onboarding.slack import Slack

SECONDS: Final = 14.0
"""Has to stay under the lease of a delivery: nothing may be delivered to the owner meanwhile."""


class Outcome(StrEnum):
    DONE = "done"
    ALREADY_GONE = "already_gone"
    NOT_ASKED = "not_asked"
    HIDDEN = "hidden"
    """Novu does not show the token, so that nobody can revoke it."""
    BUSY = "busy"
    """A delivery for the same owner is under way."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What came of each step. `detail` says what failed."""

    slack: Outcome
    novu: Outcome
    detail: str = ""

    @property
    def is_done(self) -> bool:
        return self.novu in {Outcome.DONE, Outcome.ALREADY_GONE}


class Disconnecting:
    def __init__(self, slack: Slack, novu: Novu, attempts: Attempts) -> None:
        self._slack = slack
        self._novu = novu
        self._attempts = attempts

    def disconnect(self, identifier: str, *, revokes: bool) -> Disconnected:
        """End one connection. Approvals given before do not bring it back."""
        deadline = Deadline(SECONDS)
        try:
            owner = self._novu.retrieve(identifier, deadline).owner.identifier
        except NovuError as error:
            if error.status != 404:
                return Disconnected(Outcome.NOT_ASKED, Outcome.FAILED, str(error))
            # Unless the host chose another, the identifier is the owner's own.
            return self._forget(identifier, None, Disconnected(Outcome.NOT_ASKED, Outcome.ALREADY_GONE))
        lease = self._attempts.hold(owner)
        if lease is None:
            return Disconnected(Outcome.NOT_ASKED, Outcome.BUSY)
        done = self._end(identifier, deadline, revokes=revokes)
        if done.is_done:
            return self._forget(owner, lease, done)
        self._attempts.release(owner, lease)
        return done

    def _end(self, identifier: str, deadline: Deadline, *, revokes: bool) -> Disconnected:
        """At Slack, then at Novu: where Slack fails, Novu keeps the token, so that it can be revoked later."""
        slack = Outcome.NOT_ASKED
        try:
            if revokes:
                slack = self._revoke(identifier, deadline)
            self._novu.delete(identifier, deadline)
        except SlackRefused as refusal:
            return Disconnected(Outcome.FAILED, Outcome.NOT_ASKED, refusal.detail)
        except NovuError as error:
            gone = error.status == 404
            return Disconnected(slack, Outcome.ALREADY_GONE if gone else Outcome.FAILED, "" if gone else str(error))
        return Disconnected(slack, Outcome.DONE)

    def _revoke(self, identifier: str, deadline: Deadline) -> Outcome:
        token = self._novu.token(identifier, deadline)
        if token is None:
            return Outcome.HIDDEN
        return Outcome.DONE if self._slack.revoke(token, deadline) else Outcome.ALREADY_GONE

    def _forget(self, owner: str, lease: str | None, done: Disconnected) -> Disconnected:
        try:
            self._attempts.forget_connection(owner, lease)
        except StoreUnavailable as error:
            LOGGER.error("disconnected and not forgotten owner=%s error=%s", owner, error)
        return done
