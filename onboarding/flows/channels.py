"""What a person may choose from in their workspace, and whether what they chose can be posted to.

Public channels are for whoever installed the app. A private one is shown to its own members only, and nobody else
learns that it exists; if Slack does not say who is a member, nobody is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.ephemeral.channels import KnownChannels
from onboarding.flows.apps import Parties
from onboarding.flows.listing import EVERYTHING, Listing, Place
from onboarding.flows.pasted import Pasted, read_pasted
from onboarding.model import Secret, Workspace
from onboarding.model.destinations import Destination, EndpointType, MadeConnection
from onboarding.model.errors import (
    ChannelUnknown,
    DestinationRefused,
    NotThere,
    PersonUnknown,
    SlackSaysNo,
    TokenHidden,
)
from onboarding.remote.slack import Bot, Channel
from onboarding.settings.log import LOGGER

SECONDS: Final = 2.4
"""For a list. What is not read by then is read the next time."""
CHECK_SECONDS: Final = 8.0
SHOWN: Final = 100
ANYBODY: Final = ""
"""Instead of a person: a back end or an operator, who may name any channel that the app is in."""
OPENS_MESSAGES: Final = "im:write"
PERSON: Final = re.compile(r"[UW][A-Z0-9]{6,63}")


@dataclass(frozen=True, slots=True)
class Offer:
    """Channels to choose from. `refused` is Slack's word if it did not list (more of) them.

    `number` is how many match in all, `read` how many were looked through, `is_all` whether those are all there are.
    """

    channels: tuple[Channel, ...] = ()
    private: tuple[Channel, ...] = ()
    number: int = 0
    read: int = 0
    is_all: bool = True
    is_hidden: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """Some public channels, and where to go on; nowhere if `next` is None."""

    channels: tuple[Channel, ...]
    next: int | None


class Channels:
    def __init__(self, parties: Parties, bot: Bot, known: KnownChannels) -> None:
        self._parties = parties
        self._bot = bot
        self._listing = Listing(bot, known)

    def workspaces(self, connection: MadeConnection) -> list[Workspace]:
        """Those of an organisation that the app was added to. Raises `SlackSaysNo`, `NovuError`, `TokenHidden`."""
        deadline = Deadline(CHECK_SECONDS)
        return self._bot.workspaces(self._token(connection, deadline), deadline)

    def offer(self, place: Place, person: str | None, text: str) -> Offer:
        """What somebody may choose from whose search is `text`. Raises `NovuError`."""
        try:
            token = self._token(place.connection, Deadline(CHECK_SECONDS))
        except TokenHidden:
            return Offer(is_hidden=True)
        deadline = Deadline(SECONDS)
        wanted = text.strip().lstrip("#").casefold()
        private = [each for each in self._private(token, place, person, deadline) if wanted in each.name.casefold()]
        read, refused = self._listing.read(token, place, EVERYTHING, deadline)
        found = [channel for channel in read.channels if wanted in channel[1].casefold()]
        shown = sorted(found, key=lambda each: each[1].casefold())[:SHOWN]
        return Offer(
            channels=tuple(Channel(channel_id, name) for channel_id, name in shown),
            private=tuple(sorted(private, key=lambda each: each.name.casefold())),
            number=len(found),
            read=len(read.channels),
            is_all=read.next is None,
            refused=refused.word if refused else "",
        )

    def page(self, place: Place, text: str, start: int) -> Listed:
        """Public channels from a place in Slack's list on. A page may be short and still have a next one.

        Raises `SlackSaysNo`, `NovuError` and `TokenHidden`.
        """
        deadline = Deadline(CHECK_SECONDS)
        read, refused = self._listing.read(self._token(place.connection, deadline), place, start + SHOWN, deadline)
        if refused and start >= len(read.channels):
            raise refused
        wanted = text.strip().lstrip("#").casefold()
        matching = [
            (number, Channel(channel_id, name))
            for number, (channel_id, name) in enumerate(read.channels[start:], start + 1)
            if wanted in name.casefold()
        ]
        after = matching[SHOWN - 1][0] if len(matching) >= SHOWN else max(start, len(read.channels))
        is_end = after >= len(read.channels) and read.next is None
        return Listed(tuple(channel for _, channel in matching[:SHOWN]), None if is_end else after)

    def pasted(self, place: Place, person: str | None, text: str) -> Destination:
        """What a link or id leads to, for somebody who may know the channel. Raises `DestinationRefused` and so on."""
        pasted = read_pasted(text)
        is_elsewhere = pasted.team and not place.connection.workspace.is_organisation
        if is_elsewhere and pasted.team != place.connection.workspace.id:
            raise DestinationRefused(NotThere.OTHER_WORKSPACE)
        return self.channel(Place(place.connection, place.team or pasted.team), person, pasted)

    def channel(self, place: Place, person: str | None, pasted: Pasted) -> Destination:
        """A channel that the person may know and that we can post to."""
        deadline = Deadline(CHECK_SECONDS)
        try:
            token = self._token(place.connection, deadline)
        except TokenHidden:
            return Destination(EndpointType.CHANNEL, pasted.channel)
        try:
            seen = self._bot.channel(token, pasted.channel, deadline)
        except ChannelUnknown:
            raise DestinationRefused(self._why_unknown(token, pasted, deadline)) from None
        channel = seen.channel
        if channel.is_private and person != ANYBODY and not self._knows(token, place, person, channel, deadline):
            # In the same words as for a channel that Slack does not know.
            raise DestinationRefused(self._why_unknown(token, pasted, deadline))
        if channel.is_archived:
            raise DestinationRefused(NotThere.ARCHIVED)
        if not (channel.is_member or (seen.posts_anywhere and not channel.is_private and not channel.is_external)):
            raise DestinationRefused(NotThere.NOT_INVITED)
        return Destination(EndpointType.CHANNEL, channel.id, None if channel.is_private else channel.name)

    def person(self, connection: MadeConnection, person: str) -> Destination:
        """Somebody's direct messages. Slack tells whether there is such a person only if the app may open them."""
        if not PERSON.fullmatch(person):
            raise DestinationRefused(NotThere.NOT_FOUND)
        if OPENS_MESSAGES in self._parties.of(connection.integration).app.slack.scopes:
            deadline = Deadline(CHECK_SECONDS)
            try:
                self._bot.find_person(self._token(connection, deadline), person, deadline)
            except TokenHidden:
                pass
            except PersonUnknown:
                raise DestinationRefused(NotThere.NOT_FOUND) from None
        return Destination(EndpointType.PERSON, person)

    def _token(self, connection: MadeConnection, deadline: Deadline) -> Secret:
        token = self._parties.novu(connection.integration).token(connection.identifier, deadline)
        if token is None:
            raise TokenHidden(connection.identifier)
        return token

    def _private(self, token: Secret, place: Place, person: str | None, deadline: Deadline) -> list[Channel]:
        if not person:
            return []
        try:
            found = self._bot.private_channels(token, person, place.team, deadline)
        except SlackSaysNo as error:
            LOGGER.warning("private channels not listed connection=%s word=%s", place.connection.identifier, error.word)
            return []
        return [channel for channel in found if channel.is_private]

    def _knows(self, token: Secret, place: Place, person: str | None, channel: Channel, deadline: Deadline) -> bool:
        return any(each.id == channel.id for each in self._private(token, place, person, deadline))

    def _why_unknown(self, token: Secret, pasted: Pasted, deadline: Deadline) -> NotThere:
        """Slack does not know the channel: the link may be another workspace's."""
        if not pasted.host:
            return NotThere.NOT_FOUND
        try:
            host = self._bot.identity(token, deadline).host
        except SlackSaysNo:
            return NotThere.NOT_FOUND
        return NotThere.NOT_FOUND if not host or host == pasted.host else NotThere.OTHER_WORKSPACE
