"""The story without a link: a grant that belongs to nobody yet is kept, claimed with a link, or let go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.flows.apps import Parties
from onboarding.flows.browsers import is_browser_of
from onboarding.flows.deliver import HELD, Delivery
from onboarding.flows.patience import patiently
from onboarding.ledger.attempts import Attempts
from onboarding.ledger.unclaimed import LetGo, Unclaimed
from onboarding.model import Attempt, Grant, InstallLink, Reason, Secret, Status, Unrecorded
from onboarding.model.errors import (
    AppMissing,
    LinkRevoked,
    NotClaimable,
    OtherBrowser,
    OtherIntegration,
    OtherWorkspace,
    SealBroken,
    SlackRefused,
    StoreUnavailable,
)
from onboarding.settings.log import LOGGER
from onboarding.signing.vault import Vault

REVOKE_SECONDS: Final = 12.0
GIVE_UP_AFTER: Final = timedelta(days=7)
"""How long a grant that nobody claimed waits for Slack to revoke it."""
CLAIMED: Final = "claimed"
CLAIMED_BY_OPERATOR: Final = "claimed_by_operator"
REVOKED: Final = "grant_revoked"
ERASED: Final = "grant_erased"
IN_USE: Final = "in_use"


class _Obstacle(Exception):
    """Why a grant could not be revoked, and whether that may pass."""

    def __init__(self, detail: str, *, may_pass: bool = True) -> None:
        self.may_pass = may_pass
        super().__init__(detail)


class Claims:
    def __init__(
        self, parties: Parties, attempts: Attempts, unclaimed: Unclaimed, delivery: Delivery, vault: Vault
    ) -> None:
        self._parties = parties
        self._attempts = attempts
        self._unclaimed = unclaimed
        self._delivery = delivery
        self._vault = vault

    def keep(self, attempt: Attempt, grant: Grant, back_for: timedelta, deadline: Deadline) -> Unrecorded | None:
        """Put a fresh grant where a crash cannot lose it. Gives what could not be recorded: it has nowhere to go."""
        sealed = self._vault.seal(attempt.id, grant)
        if patiently(lambda: self._unclaimed.keep(attempt.id, grant, sealed, back_for), deadline):
            LOGGER.info("unclaimed attempt=%s workspace=%s", attempt.id, grant.workspace.id)
            return None
        LOGGER.critical("grant lost attempt=%s workspace=%s", attempt.id, grant.workspace.id)
        return Unrecorded(Status.FAILED, grant.workspace)

    def offered(self, link: InstallLink, browsers: Mapping[str, Secret]) -> Attempt | None:
        """The newest grant that this browser brought and this link can claim. `browsers` are cookies by attempts."""
        found = self._unclaimed.offered(list(browsers), link) if browsers else []
        return next((attempt for attempt in found if is_browser_of(attempt, browsers[attempt.id])), None)

    def claim(self, link: InstallLink, attempt_id: str, browser: Secret | None) -> None:
        """Connect it with this link, for the browser that brought it.

        Raises `NotClaimable`, `LinkRevoked`, `OtherBrowser`, `OtherIntegration` and `OtherWorkspace`.
        """
        attempt = self._find(link, attempt_id)
        if not is_browser_of(attempt, browser):
            raise OtherBrowser(attempt)
        self._claim(link, attempt, CLAIMED)

    def claim_for(self, link: InstallLink, attempt_id: str) -> None:
        """The same for an operator. Raises the same, except `OtherBrowser`."""
        self._claim(link, self._find(link, attempt_id), CLAIMED_BY_OPERATOR)

    def let_go(self, attempt_id: str) -> str:
        """Revoke and erase a grant that nobody claimed. Gives why that is not done yet, and nothing if it is."""
        found = self._unclaimed.to_let_go(attempt_id)
        if found is None:
            return ""
        try:
            event, detail = self._revoke(found)
        except _Obstacle as obstacle:
            if obstacle.may_pass and found.over_for < GIVE_UP_AFTER:
                return str(obstacle)
            event, detail = ERASED, str(obstacle)
            LOGGER.error("not revoked attempt=%s detail=%s", attempt_id, detail)
        self._unclaimed.let_go(attempt_id, event, detail)
        LOGGER.info("let go attempt=%s event=%s detail=%s", attempt_id, event, detail)
        return ""

    def _find(self, link: InstallLink, attempt_id: str) -> Attempt:
        attempt = self._attempts.get(attempt_id)
        if attempt is None:
            raise NotClaimable(link)
        return attempt

    def _claim(self, link: InstallLink, attempt: Attempt, event: str) -> None:
        if attempt.link.integration != link.integration:
            raise OtherIntegration(link)
        if attempt.status is not Status.UNCLAIMED:
            return _accept_repeat(link, attempt)
        if link.workspace_id and attempt.workspace and attempt.workspace.id != link.workspace_id:
            raise OtherWorkspace(link, attempt)
        if not self._unclaimed.claim(attempt.id, link, event, HELD):
            return self._moved_meanwhile(link, attempt.id)
        LOGGER.info("claimed attempt=%s link=%s", attempt.id, link.id)
        try:
            self._delivery.deliver(attempt.id)
        except StoreUnavailable as error:
            LOGGER.warning("delivery left to a worker attempt=%s error=%s", attempt.id, error)

    def _moved_meanwhile(self, link: InstallLink, attempt_id: str) -> None:
        attempt = self._find(link, attempt_id)
        if attempt.status is Status.UNCLAIMED:
            raise LinkRevoked(link, attempt_id)
        _accept_repeat(link, attempt)

    def _revoke(self, found: LetGo) -> tuple[str, str | None]:
        """Not if a connection may use the token. Gives the timeline's words. Raises `_Obstacle`."""
        if found.is_in_use:
            return ERASED, IN_USE
        try:
            grant = self._vault.unseal(found.attempt.id, found.sealed)
            slack = self._parties.slack(found.attempt.link.integration)
            slack.revoke(grant.bot_token, Deadline(REVOKE_SECONDS))
        except SealBroken:
            raise _Obstacle("no key of this process opens the grant") from None
        except AppMissing as error:
            raise _Obstacle(error.message) from None
        except SlackRefused as refusal:
            raise _Obstacle(refusal.detail, may_pass=refusal.reason is Reason.SLACK_UNAVAILABLE) from None
        return REVOKED, None


def _accept_repeat(link: InstallLink, attempt: Attempt) -> None:
    """Whoever clicks twice has claimed it already, with this very link."""
    if attempt.link.id != link.id:
        raise NotClaimable(link, attempt)
