"""What operators had better know about an app's settings: nothing that stops the service.

Without a token Slack says nothing about an app's scopes, so the newest connection has to tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.flows.apps import Parties, Party
from onboarding.ledger import facts as database
from onboarding.model.errors import NovuError, SlackSaysNo
from onboarding.remote.slack import Bot
from onboarding.settings.apps import App
from onboarding.settings.environment import Settings

SECONDS: Final = 10.0
WITHOUT: Final[Mapping[str, str]] = {
    "channels:read": "people cannot choose a channel from a list, only paste its link",
    "chat:write.public": "people have to invite the app to a channel before it can post there",
    "groups:read": "people do not see private channels in the list, even if the app is a member",
}
"""Scopes that the service can do without, and what is lost."""
LACKS: Final = "{name} lacks {scope}: {lost}."
DEAF: Final = (
    "{name} is not set: Slack's events are not listened to, so only a check finds out that the app was removed."
)
ADD_AGAIN: Final = (
    "the newest connection, to {workspace}, was granted without {scopes}. Customers from before have to add the app "
    "again, with their link or a new one."
)


class Advice:
    def __init__(self, parties: Parties, bot: Bot, settings: Settings) -> None:
        self._parties = parties
        self._bot = bot
        self._database_url = settings.database_url

    def of(self, app: App) -> Iterator[str]:
        """Everything there is to know of an app at this moment. Changes nothing anywhere."""
        party, name = self._parties.of(app.integration), app.name_of("SLACK_SCOPES")
        for scope, lost in WITHOUT.items():
            if scope not in app.slack.scopes:
                yield LACKS.format(name=name, scope=scope, lost=lost)
        if not app.signing_keys:
            yield DEAF.format(name=app.name_of("SLACK_SIGNING_SECRET"))
        yield from self._ask_newest(party, Deadline(SECONDS))

    def _ask_newest(self, party: Party, deadline: Deadline) -> Iterator[str]:
        """What the app's newest customer granted; nothing if nobody can tell."""
        newest = database.newest_connection(self._database_url, self._parties.integration_of(party))
        if newest is None:
            return
        identifier, workspace = newest
        try:
            token = party.novu.token(identifier, deadline)
            granted = self._bot.identity(token, deadline).scopes if token else frozenset()
        except (NovuError, SlackSaysNo):
            return
        missing = [scope for scope in party.app.slack.scopes if scope not in granted]
        if granted and missing:
            yield ADD_AGAIN.format(workspace=workspace, scopes=", ".join(missing))
