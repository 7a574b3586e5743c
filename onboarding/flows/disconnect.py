"""Connections that exist: whether they still work, and their end at Slack, at Novu and here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.ledger.connections import Connections
from onboarding.model.errors import NovuError, SlackRefused, StoreUnavailable
from onboarding.remote.novu import Novu
from onboarding.remote.slack import Slack
from onboarding.settings.log import LOGGER

SECONDS: Final = 14.0
"""Has to stay under the lease of a delivery: nothing may be delivered to the owner meanwhile."""


class Outcome(StrEnum):
    DONE = "done"
    ALREADY_GONE = "already_gone"
    NOT_ASKED = "not_asked"
    HIDDEN = "hidden"
    """Novu does not show the token, so that Slack cannot be asked about it."""
    BUSY = "busy"
    """A delivery for the same owner is under way."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verified:
    """What Slack and Novu say of a connection: done where it works, already gone where the token does not."""

    slack: Outcome
    novu: Outcome
    detail: str = ""

    @property
    def is_good(self) -> bool:
        return self.novu is Outcome.DONE and self.slack in {Outcome.DONE, Outcome.HIDDEN}


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What came of each step. `detail` says what failed; what is not noted still shows as connected here."""

    slack: Outcome
    novu: Outcome
    detail: str = ""
    is_noted: bool = True

    @property
    def is_done(self) -> bool:
        return self.novu in {Outcome.DONE, Outcome.ALREADY_GONE}


class Upkeep:
    def __init__(self, slack: Slack, novu: Novu, connections: Connections) -> None:
        self._slack = slack
        self._novu = novu
        self._connections = connections

    def verify(self, identifier: str, key: str) -> Verified:
        """Novu refreshes tokens that rotate; whether the token works, only Slack knows."""
        deadline = Deadline(SECONDS)
        try:
            self._novu.verify(identifier, key, deadline)
            token = self._novu.token(identifier, deadline)
            if token is None:
                return Verified(Outcome.HIDDEN, Outcome.DONE)
            works = self._slack.accepts(token, deadline)
        except NovuError as error:
            return Verified(Outcome.NOT_ASKED, Outcome.FAILED, str(error))
        except SlackRefused as refusal:
            return Verified(Outcome.FAILED, Outcome.DONE, refusal.detail)
        return Verified(Outcome.DONE if works else Outcome.ALREADY_GONE, Outcome.DONE)

    def disconnect(self, identifier: str, *, revokes: bool) -> Disconnected:
        """End one connection. Approvals given before do not bring it back."""
        deadline = Deadline(SECONDS)
        try:
            owner = self._owner(identifier, deadline)
        except NovuError as error:
            return Disconnected(Outcome.NOT_ASKED, Outcome.FAILED, str(error))
        lease = secrets.token_hex(8)
        if not self._connections.hold(owner, lease):
            return Disconnected(Outcome.NOT_ASKED, Outcome.BUSY)
        done = self._end(identifier, deadline, revokes=revokes)
        try:
            if done.is_done:
                self._connections.end(owner, lease)
            else:
                self._connections.release(owner, lease)
        except StoreUnavailable as error:
            LOGGER.error("disconnected and not noted owner=%s outcome=%s error=%s", owner, done, error)
            return replace(done, is_noted=False)
        return done

    def _owner(self, identifier: str, deadline: Deadline) -> str:
        """Whose it is: as Novu says or, where Novu holds it no more, as this service remembers."""
        try:
            return self._novu.retrieve(identifier, deadline).owner.identifier
        except NovuError as error:
            if error.status != 404:
                raise
            return self._connections.owner_of(identifier)

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
