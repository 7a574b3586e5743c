"""What operators had better know about the scopes they ask for: nothing that stops the service.

Without a token Slack says nothing about an app's scopes, so the newest connection has to tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.ledger import facts as database
from onboarding.model.errors import NovuError, SlackSaysNo
from onboarding.remote.novu import Novu
from onboarding.remote.slack import Bot
from onboarding.settings.environment import Settings

SECONDS: Final = 10.0
WITHOUT: Final[Mapping[str, str]] = {
    "channels:read": "people cannot choose a channel from a list, only paste its link",
    "chat:write.public": "people have to invite the app to a channel before it can post there",
    "groups:read": "people do not see private channels in the list, even if the app is a member",
}
"""Scopes that the service can do without, and what is lost."""
LACKS: Final = "SLACK_SCOPES lacks {scope}: {lost}."
ADD_AGAIN: Final = (
    "the newest connection, to {workspace}, was granted without {scopes}. Customers from before have to add the app "
    "again, with their link or a new one."
)


class Advice:
    def __init__(self, novu: Novu, bot: Bot, settings: Settings) -> None:
        self._novu = novu
        self._bot = bot
        self._database_url = settings.database_url
        self._scopes = settings.slack.scopes

    def lines(self) -> Iterator[str]:
        """Everything there is to know at this moment. Changes nothing anywhere."""
        for scope, lost in WITHOUT.items():
            if scope not in self._scopes:
                yield LACKS.format(scope=scope, lost=lost)
        yield from self._ask_newest(Deadline(SECONDS))

    def _ask_newest(self, deadline: Deadline) -> Iterator[str]:
        """What the newest customer granted; nothing if nobody can tell."""
        newest = database.newest_connection(self._database_url)
        if newest is None:
            return
        identifier, workspace = newest
        try:
            token = self._novu.token(identifier, deadline)
            granted = self._bot.identity(token, deadline).scopes if token else frozenset()
        except (NovuError, SlackSaysNo):
            return
        missing = [scope for scope in self._scopes if scope not in granted]
        if granted and missing:
            yield ADD_AGAIN.format(workspace=workspace, scopes=", ".join(missing))
