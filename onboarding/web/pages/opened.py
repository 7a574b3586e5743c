"""Finds an attempt whose destination this browser may choose now."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort

from onboarding.flows.channels import PERSON
from onboarding.model import Attempt, Reason, Status
from onboarding.model.destinations import MadeConnection
from onboarding.model.errors import OnboardingError
from onboarding.web.context import wiring
from onboarding.web.pages import cookies
from onboarding.web.pages.about import About, about_attempt


@dataclass(frozen=True, slots=True)
class Opened:
    """An attempt, opened in the browser that made it, and the connection it made."""

    attempt: Attempt
    connection: MadeConnection

    @property
    def about(self) -> About:
        return about_attempt(self.attempt, may_restart=True)

    @property
    def person(self) -> str | None:
        """Who approved, if what Slack said is a person's id."""
        installer = self.connection.installer_id
        return installer if installer and PERSON.fullmatch(installer) else None


class OtherChooser(OnboardingError):
    """The attempt was made in another browser."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        super().__init__(attempt.id)


class NotNow(OnboardingError):
    """There is nothing to choose at the moment: the attempt's own page says why."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        super().__init__(attempt.id)


def open_attempt(attempt_id: str) -> Opened:
    """For whoever approved only. Raises `OtherChooser`, `NotNow`."""
    attempt = wiring().install.find(attempt_id)
    if attempt is None or not attempt.link.has_destination or attempt.reason is Reason.REPLACED:
        abort(404)
    if not cookies.is_same_browser(attempt):
        raise OtherChooser(attempt)
    if attempt.status is not Status.CONNECTED or attempt.is_disconnected:
        raise NotNow(attempt)
    connection = wiring().choosing.open_to(attempt)
    if connection is None and wiring().choosing.is_ending(attempt):
        raise NotNow(attempt)
    return Opened(attempt, connection) if connection else abort(404)
