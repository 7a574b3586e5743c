"""Reads the public channels of a workspace, a bounded part at a time, and remembers what it has read for minutes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.ephemeral.channels import KnownChannels, Read
from onboarding.model import Secret
from onboarding.model.destinations import MadeConnection
from onboarding.model.errors import Remedy, SlackSaysNo, StoreUnavailable
from onboarding.remote.slack import Bot
from onboarding.settings.log import LOGGER

MOST_PAGES: Final = 5
"""How often Slack is asked for more of a list at once."""
MOST_CHANNELS: Final = 100_000
"""What lies beyond is found by its link only."""
LEAST_SECONDS: Final = 0.6
"""With less time than this left, another page is not begun."""
EVERYTHING: Final = 10**9
NOTHING: Final = Read((), "")
TEAM: Final = re.compile(r"T[A-Z0-9]{1,63}")
"""The id of a workspace within an organisation."""


@dataclass(frozen=True, slots=True)
class Place:
    """A connection, and within an organisation the workspace whose channels are meant."""

    connection: MadeConnection
    team: str = ""

    @property
    def needs_team(self) -> bool:
        return self.connection.workspace.is_organisation and not self.team

    @property
    def listed(self) -> str:
        """Whose channels those are. The connection may lead to another workspace tomorrow."""
        return self.team or self.connection.workspace.id


class Listing:
    def __init__(self, bot: Bot, known: KnownChannels) -> None:
        self._bot = bot
        self._known = known

    def read(self, token: Secret, place: Place, enough: int, deadline: Deadline) -> tuple[Read, SlackSaysNo | None]:
        """What is known of the public channels, and more if fewer than `enough` are. And Slack's no, if it said so."""
        known = self._recall(place)
        read, refused = known, None
        for _ in range(MOST_PAGES):
            if read.next is None or len(read.channels) >= enough or deadline.remaining < LEAST_SECONDS:
                break
            try:
                read = self._read_on(token, place, read, deadline)
            except SlackSaysNo as error:
                LOGGER.warning("channels not listed connection=%s word=%s", place.connection.identifier, error.word)
                refused = error
                break
        if read is not known and not self._keep(place, read) and len(read.channels) < enough and read.next is not None:
            # Nobody could go on from here: the next time would read the same again.
            refused = refused or SlackSaysNo("list_not_kept", Remedy.LATER)
        return read, refused

    def _read_on(self, token: Secret, place: Place, read: Read, deadline: Deadline) -> Read:
        page = self._bot.public_channels(token, place.team, read.next or "", deadline)
        found = dict(read.channels) | {each.id: each.name for each in page.channels if not each.is_private}
        # A list that goes on where it was would never end.
        is_end = not page.next or page.next == read.next or len(found) >= MOST_CHANNELS
        after = None if is_end else page.next
        return Read(tuple(found.items()), after)

    def _recall(self, place: Place) -> Read:
        try:
            return self._known.get(place.connection.identifier, place.listed) or NOTHING
        except StoreUnavailable:
            return NOTHING

    def _keep(self, place: Place, read: Read) -> bool:
        try:
            self._known.put(place.connection.identifier, place.listed, read)
        except StoreUnavailable as error:
            LOGGER.warning("channels not kept error=%s", error)
            return False
        return True
