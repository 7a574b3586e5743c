"""Connections that exist: whether they still work, and their end at Slack, at Novu and here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.flows.apps import Parties, Party
from onboarding.ledger.connections import Connections
from onboarding.ledger.endings import Ending, Endings
from onboarding.model import Reason, Secret
from onboarding.model.destinations import endpoint_identifier
from onboarding.model.errors import (
    NovuError,
    RefreshRefused,
    SlackRefused,
    SlackSaysNo,
    StoreUnavailable,
    TokenDead,
)
from onboarding.remote.novu.client import Held
from onboarding.remote.slack.errors import EXPIRED
from onboarding.settings.log import LOGGER

SECONDS: Final = 14.0
"""Has to stay under the lease of a delivery: nothing may be delivered to the owner meanwhile."""
GIVE_UP_AFTER: Final = timedelta(days=7)


class Outcome(StrEnum):
    DONE = "done"
    ALREADY_GONE = "already_gone"
    NOT_ASKED = "not_asked"
    HIDDEN = "hidden"
    """Novu does not show the token, so that Slack cannot be asked about it."""
    BUSY = "busy"
    """Something else for the same owner is under way; a worker goes on right after it."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verified:
    """What Slack and Novu say of a connection: done if it works, already gone if the token does not."""

    slack: Outcome
    novu: Outcome
    detail: str = ""

    @property
    def is_good(self) -> bool:
        return self.novu is Outcome.DONE and self.slack in {Outcome.DONE, Outcome.HIDDEN}


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What came of each step. `detail` says what failed; what is not noted still shows as connected here.

    If it `goes_on`, a worker tries again until it is done.
    """

    slack: Outcome
    novu: Outcome
    detail: str = ""
    is_noted: bool = True
    goes_on: bool = False

    @property
    def is_done(self) -> bool:
        return self.novu in {Outcome.DONE, Outcome.ALREADY_GONE}


class Upkeep:
    def __init__(self, parties: Parties, connections: Connections, endings: Endings) -> None:
        self._parties = parties
        self._connections = connections
        self._endings = endings

    def verify(self, identifier: str, key: str) -> Verified:
        """Novu refreshes tokens that rotate; whether the token works, only Slack knows."""
        deadline = Deadline(SECONDS)
        try:
            party = self._party(identifier, deadline)
            token = party.novu.refreshed(identifier, key, deadline)
            if token is None:
                return Verified(Outcome.HIDDEN, Outcome.DONE)
            party.slack.bot.identity(token, deadline)
        except NovuError as error:
            return Verified(Outcome.NOT_ASKED, Outcome.FAILED, str(error))
        except TokenDead:
            return Verified(Outcome.ALREADY_GONE, Outcome.DONE)
        except SlackSaysNo as refusal:
            return Verified(Outcome.FAILED, Outcome.DONE, refusal.word)
        return Verified(Outcome.DONE, Outcome.DONE)

    def disconnect(self, identifier: str, *, revokes: bool) -> Disconnected:
        """End one connection. Approvals given before do not bring it back."""
        deadline = Deadline(SECONDS)
        try:
            party = self._party(identifier, deadline)
            owner = self._owner(party, identifier, deadline)
        except NovuError as error:
            return Disconnected(Outcome.NOT_ASKED, Outcome.FAILED, str(error))
        lease = secrets.token_hex(8)
        if not self._endings.ask(owner, identifier, lease, revokes=revokes):
            return Disconnected(Outcome.NOT_ASKED, Outcome.BUSY, goes_on=True)
        done = self._end(party, owner, identifier, deadline, revokes=revokes)
        try:
            self._note(owner, lease, done)
        except StoreUnavailable as error:
            LOGGER.error("disconnected and not noted owner=%s outcome=%s error=%s", owner, done, error)
            return replace(done, is_noted=False)
        return done

    def finish(self, owner: str) -> str:
        """Go on with an end that was asked for. Gives why it is not done yet, and nothing if it is."""
        lease = secrets.token_hex(8)
        ending = self._endings.take(owner, lease)
        if ending is None:
            return ""
        if not ending.is_ours:
            return "something else is under way"
        done = self._finish(owner, ending, Deadline(SECONDS))
        self._note(owner, lease, replace(done, goes_on=done.goes_on and ending.asked_for < GIVE_UP_AFTER))
        return done.detail if done.goes_on else ""

    def _note(self, owner: str, lease: str, done: Disconnected) -> None:
        if done.is_done:
            self._endings.end(owner, lease)
            LOGGER.info("disconnected owner=%s slack=%s", owner, done.slack)
        elif done.goes_on:
            self._connections.release(owner, lease)
        else:
            self._endings.withdraw(owner, lease, done.detail)
            LOGGER.error("not disconnected owner=%s detail=%s", owner, done.detail)

    def _finish(self, owner: str, ending: Ending, deadline: Deadline) -> Disconnected:
        try:
            party = self._party(ending.connection, deadline)
        except NovuError as error:
            return Disconnected(Outcome.NOT_ASKED, Outcome.FAILED, str(error), goes_on=True)
        return self._end(party, owner, ending.connection, deadline, revokes=ending.revokes)

    def _party(self, identifier: str, deadline: Deadline) -> Party:
        """The app that a connection belongs to. Raises `NovuError`."""
        known = self._connections.find(identifier)
        return self._parties.of(known.integration) if known else self._parties.holding(identifier, deadline)

    def _owner(self, party: Party, identifier: str, deadline: Deadline) -> str:
        """Whose it is: as this service knows or, of one that it did not make or that has ended, as Novu says."""
        known = self._connections.find(identifier)
        if known and not known.is_ended:
            return known.owner
        try:
            return party.novu.retrieve(identifier, deadline).owner.identifier
        except NovuError as error:
            if known:
                return known.owner
            if error.status == 404:
                return identifier
            raise

    def _end(self, party: Party, owner: str, identifier: str, deadline: Deadline, *, revokes: bool) -> Disconnected:
        """At Slack, then at Novu: if Slack fails, Novu keeps the token, so that it can be revoked later."""
        slack = Outcome.NOT_ASKED
        try:
            held = _held(party, identifier, deadline)
            if held and held.owner != owner:
                party.novu.endpoints.delete(endpoint_identifier(owner), deadline)
                return Disconnected(slack, Outcome.ALREADY_GONE)
            if held and revokes:
                slack = _revoke(party, identifier, held.token, deadline)
            # Novu would leave them behind, pointing at nothing.
            party.novu.endpoints.delete_all(identifier, deadline)
            party.novu.endpoints.delete(endpoint_identifier(owner), deadline)
            party.novu.delete(identifier, deadline)
        except SlackRefused as refusal:
            goes_on = refusal.reason is Reason.SLACK_UNAVAILABLE
            return Disconnected(Outcome.FAILED, Outcome.NOT_ASKED, refusal.detail, goes_on=goes_on)
        except NovuError as error:
            if error.status == 404 and _knows_connections(party, deadline):
                return Disconnected(slack, Outcome.ALREADY_GONE)
            goes_on = error.is_transient or error.is_about_key or error.status == 404
            return Disconnected(slack, Outcome.FAILED, str(error), goes_on=goes_on)
        return Disconnected(slack, Outcome.DONE)


def _held(party: Party, identifier: str, deadline: Deadline) -> Held | None:
    """What Novu holds under the identifier: by now it may be somebody else's connection."""
    try:
        return party.novu.held(identifier, deadline)
    except NovuError as error:
        if error.status == 404:
            return None
        raise


def _knows_connections(party: Party, deadline: Deadline) -> bool:
    """Whether a 404 is about the connection. If Novu's feature is switched off, it answers that to everything."""
    try:
        return party.novu.has_connections(deadline)
    except NovuError:
        return False


def _revoke(party: Party, identifier: str, token: Secret | None, deadline: Deadline) -> Outcome:
    """Also a token that has expired: the next one would be as good for whoever refreshes it."""
    if token is None:
        return Outcome.HIDDEN
    try:
        return _revoke_as_it_is(party, token, deadline)
    except SlackRefused as refusal:
        if refusal.detail != EXPIRED:
            raise
    try:
        fresh = party.novu.refreshed(identifier, f"onboarding-revoke-{secrets.token_hex(8)}", deadline)
    except RefreshRefused:
        return Outcome.ALREADY_GONE
    return _revoke_as_it_is(party, fresh, deadline) if fresh else Outcome.HIDDEN


def _revoke_as_it_is(party: Party, token: Secret, deadline: Deadline) -> Outcome:
    return Outcome.DONE if party.slack.revoke(token, deadline) else Outcome.ALREADY_GONE
