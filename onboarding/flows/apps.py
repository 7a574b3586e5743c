"""Who speaks for an owner at Slack and at Novu: the clients of the app that its integration belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onboarding.clock.deadline import Deadline
from onboarding.model.errors import AppMissing, NovuError
from onboarding.remote.novu import Novu
from onboarding.remote.slack import Slack
from onboarding.settings.apps import App, Apps


@dataclass(frozen=True, slots=True)
class Party:
    """One Slack app, and its clients."""

    app: App
    slack: Slack
    novu: Novu


class Parties:
    def __init__(self, apps: Apps, parties: Mapping[str, Party]) -> None:
        self._apps = apps
        self._parties = parties

    def of(self, integration: str) -> Party:
        """Raises `AppMissing` if the configuration has no app for it, or no longer."""
        app = self._apps.of(integration)
        if app is None:
            raise AppMissing(integration)
        return self._parties[app.integration]

    def slack(self, integration: str) -> Slack:
        return self.of(integration).slack

    def novu(self, integration: str) -> Novu:
        return self.of(integration).novu

    def holding(self, identifier: str, deadline: Deadline) -> Party:
        """Whose Novu holds a connection that was not made here: the first app's if none says so."""
        if len(self._parties) == 1:
            return self.first
        return next((party for party in self.all if _holds(party.novu, identifier, deadline)), self.first)

    def integration_of(self, party: Party) -> str | None:
        """The only integration that an app is for; None if it serves all of them."""
        return party.app.integration if self._apps.is_from_file else None

    @property
    def all(self) -> tuple[Party, ...]:
        return tuple(self._parties.values())

    @property
    def first(self) -> Party:
        """For what belongs to no integration that is known here."""
        return self._parties[self._apps.first.integration]


def _holds(novu: Novu, identifier: str, deadline: Deadline) -> bool:
    try:
        novu.retrieve(identifier, deadline)
    except NovuError as error:
        if error.status == 404:
            return False
        raise
    return True
