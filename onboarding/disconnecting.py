"""The story's end: revoke the token at Slack, delete the channel connection at Novu, forget the owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from onboarding.attempts import Attempts
from onboarding.errors import NovuError, SlackRefused
from onboarding.http import Deadline
from onboarding.log import LOGGER
from onboarding.novu import Novu
from onboarding.slack import Slack

SECONDS: Final = 20.0


class Outcome(StrEnum):
    DONE = "done"
    ALREADY_GONE = "already_gone"
    NOT_ASKED = "not_asked"
    HIDDEN = "hidden"
    """Novu does not show the token, so that nobody can revoke it."""
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
        """End one connection. Where Slack fails, Novu keeps the token, so that it can be revoked later."""
        deadline, slack = Deadline(SECONDS), Outcome.NOT_ASKED
        try:
            owner = self._novu.retrieve(identifier, deadline).owner
            if revokes:
                slack = self._revoke(identifier, deadline)
            self._novu.delete(identifier, deadline)
        except SlackRefused as refusal:
            return Disconnected(Outcome.FAILED, Outcome.NOT_ASKED, refusal.detail)
        except NovuError as error:
            LOGGER.warning("not deleted connection=%s error=%s", identifier, error)
            if error.status == 404:
                return Disconnected(slack, Outcome.ALREADY_GONE)
            return Disconnected(slack, Outcome.FAILED, str(error))
        self._attempts.forget_connection(owner)
        LOGGER.info("disconnected connection=%s slack=%s", identifier, slack)
        return Disconnected(slack, Outcome.DONE)

    def _revoke(self, identifier: str, deadline: Deadline) -> Outcome:
        token = self._novu.token(identifier, deadline)
        if token is None:
            return Outcome.HIDDEN
        return Outcome.DONE if self._slack.revoke(token, deadline) else Outcome.ALREADY_GONE
