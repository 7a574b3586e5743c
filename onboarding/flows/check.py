"""Whether connections are alive: asked in turn, at once if Slack hints at it, and by people. Slack's answer decides.

The token comes from Novu at that moment. What does not answer changes nothing.
"""

from __future__ import annotations

import math
import random
import secrets
from datetime import timedelta
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.flows.apps import Parties
from onboarding.flows.mint import Minting
from onboarding.flows.spans import Spans
from onboarding.ledger.connections import Connections
from onboarding.ledger.endings import Endings
from onboarding.ledger.findings import Finding, Findings
from onboarding.model import Secret
from onboarding.model.destinations import ConnectionState, MadeConnection
from onboarding.model.errors import (
    LinkMalformed,
    NovuError,
    RateLimited,
    RefreshRefused,
    SlackSaysNo,
    TokenDead,
    TokenExpired,
)
from onboarding.remote.slack import Bot
from onboarding.settings.environment import Settings
from onboarding.settings.log import LOGGER

SECONDS: Final = 12.0
BRAKED: Final = "asked too often a moment ago"
TOKEN_HIDDEN: Final = "token_hidden"  # noqa: S105
DELETED: Final = "deleted_at_novu"
LEAST_WAIT: Final = timedelta(seconds=30)
SOONEST: Final = timedelta(hours=1)
LATEST: Final = timedelta(days=7)
"""When a broken connection is asked about again: after as long as it has been broken, between these."""


class Silence(Exception):
    """Slack or Novu did not say. `retry_after` is in seconds."""

    def __init__(self, who: str, detail: str, retry_after: int = 0) -> None:
        self.who = who
        self.detail = detail
        self.retry_after = retry_after
        super().__init__(f"{who}: {detail}")

    @property
    def wait(self) -> timedelta:
        """Nobody asks again before that."""
        return max(timedelta(seconds=self.retry_after), LEAST_WAIT)


class _Gone(Exception):
    """Novu has the connection no more. What it may have under the same identifier is somebody else's."""


class Check:
    def __init__(  # noqa: PLR0913, PLR0917 (everything that has a say in it)
        self,
        parties: Parties,
        bot: Bot,
        connections: Connections,
        endings: Endings,
        findings: Findings,
        minting: Minting,
        spans: Spans,
        settings: Settings,
    ) -> None:
        self._parties = parties
        self._bot = bot
        self._connections = connections
        self._endings = endings
        self._findings = findings
        self._minting = minting
        self._spans = spans
        self._interval = settings.check_interval

    def run(self, connection: MadeConnection) -> MadeConnection | None:
        """Ask now, and note what comes of it. Gives the connection as it stands then. Raises `Silence`."""
        if braked := self._findings.braked(connection):
            raise Silence("Slack", BRAKED, math.ceil(braked.total_seconds()))
        with self._spans.span("check", attempt=connection.attempt_id, integration=connection.integration) as span:
            try:
                finding = self._ask(connection, Deadline(SECONDS))
                span.note(outcome=finding.state, reason=finding.reason)
                self._note(connection, finding)
            except _Gone:
                span.note(outcome="gone")
                self._end(connection)
            except NovuError as error:
                span.note(status=error.status)
                raise Silence("Novu", str(error), int(error.retry_after or 0)) from None
        return self._connections.by_owner(connection.owner)

    def run_due(self, owner: str) -> timedelta | None:
        """The same for a worker. Gives when to ask again; None for not before Slack hints at it. Raises `Silence`."""
        connection = self._connections.by_owner(owner)
        if connection is None or connection.is_ended:
            return LEAST_WAIT if self._connections.is_awaited(owner) else None
        found = connection if connection.is_ending else self.run(connection)
        if found is None or found.is_ended:
            return None
        # Nothing is recorded while the customer is being connected again or disconnected.
        return self._next(found) if found.checked_at != connection.checked_at else LEAST_WAIT

    def _ask(self, connection: MadeConnection, deadline: Deadline) -> Finding:
        token = self._token(connection, deadline)
        if token is None:
            return Finding(ConnectionState.UNKNOWN, TOKEN_HIDDEN)
        try:
            return self._ask_slack(connection, token, deadline)
        except TokenDead as error:
            return Finding(ConnectionState.BROKEN, error.word)
        except RateLimited as error:
            self._findings.brake(connection, max(timedelta(seconds=error.retry_after), LEAST_WAIT))
            raise Silence("Slack", error.word, error.retry_after) from None
        except SlackSaysNo as error:
            raise Silence("Slack", error.word, error.retry_after) from None

    def _token(self, connection: MadeConnection, deadline: Deadline) -> Secret | None:
        novu = self._parties.novu(connection.integration)
        try:
            held = novu.held(connection.identifier, deadline)
        except NovuError as error:
            if error.status != 404:
                raise
        else:
            if held.owner != connection.owner:
                raise _Gone
            return held.token
        # A key of another environment, or a feature that was switched off, answers like that for everything.
        if not novu.has_integration(connection.integration, deadline) or not novu.has_connections(deadline):
            raise Silence("Novu", "it knows neither the connection nor its integration")
        raise _Gone

    def _ask_slack(self, connection: MadeConnection, token: Secret, deadline: Deadline) -> Finding:
        try:
            identity = self._bot.identity(token, deadline)
        except TokenExpired:
            fresh = self._refreshed(connection, deadline)
            if fresh is None:
                raise
            identity = self._bot.identity(fresh, deadline)
        # Slack may grant less by now: what it says is compared with what we ask for.
        wanted = self._parties.of(connection.integration).app.slack.scopes
        missing = [scope for scope in wanted if identity.scopes and scope not in identity.scopes]
        return Finding(ConnectionState.WORKING, None, tuple(missing))

    def _refreshed(self, connection: MadeConnection, deadline: Deadline) -> Secret | None:
        """It rotates, and nobody has used it for a while: Novu can refresh it, unless Slack refuses that too."""
        novu = self._parties.novu(connection.integration)
        try:
            return novu.refreshed(connection.identifier, f"onboarding-check-{secrets.token_hex(8)}", deadline)
        except RefreshRefused:
            return None

    def _note(self, connection: MadeConnection, finding: Finding) -> None:
        if finding.missing_scopes and finding.missing_scopes != connection.missing_scopes:
            LOGGER.warning(
                "scopes gone connection=%s scopes=%s", connection.identifier, ",".join(finding.missing_scopes)
            )
        noted = self._findings.note(connection, finding)
        if noted is False:
            noted = self._findings.note(connection, finding, self._healing_link(connection))
        if noted:
            LOGGER.info("connection checked connection=%s state=%s", connection.identifier, finding.state)

    def _healing_link(self, connection: MadeConnection) -> str:
        """Its id; empty if none can be made: that it broke is to be known all the same."""
        try:
            return self._minting.reconnect(connection).id
        except LinkMalformed as error:
            LOGGER.error("no reconnect link connection=%s problems=%s", connection.identifier, error.problems)
            return ""

    def _end(self, connection: MadeConnection) -> None:
        """Novu has it no more: nothing is connected, unless an approval is on its way at this moment."""
        lease = secrets.token_hex(8)
        if not self._endings.hold(connection, lease):
            return
        try:
            self._parties.novu(connection.integration).endpoints.delete(
                connection.endpoint_identifier, Deadline(SECONDS)
            )
        except NovuError as error:
            LOGGER.warning("endpoint left behind connection=%s error=%s", connection.identifier, error)
        self._endings.end(connection.owner, lease, DELETED)
        LOGGER.info("connection gone at Novu connection=%s", connection.identifier)

    def _next(self, connection: MadeConnection) -> timedelta | None:
        if not self._interval:
            return None
        if not connection.is_broken:
            return self._interval * random.uniform(0.9, 1.1)  # noqa: S311
        return min(max(self._findings.broken_for(connection.owner), SOONEST), LATEST)
