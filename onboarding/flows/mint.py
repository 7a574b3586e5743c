"""Install links for whoever may ask for them: created, opened, listed, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from onboarding.ledger.attempts import Attempts
from onboarding.ledger.connections import Connections
from onboarding.ledger.links import Created, CreatedLinks
from onboarding.model import ConnectionMode, InstallLink, Owner, contexts_of
from onboarding.model.destinations import MadeConnection
from onboarding.model.errors import LinkExpired, LinkForged, LinkRevoked
from onboarding.settings.log import LOGGER
from onboarding.signing import copied
from onboarding.signing.links import CLOCKS_DIFFER, Links, Payload, to_payload, without_nul

RECONNECT: Final = "this service, to reconnect"
"""Who made a link, as the list of links says it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A link that was created here, and its address."""

    created: Created
    url: str


class Minting:
    def __init__(  # noqa: PLR0913, PLR0917 (everything that a link depends on)
        self,
        links: Links,
        created: CreatedLinks,
        connections: Connections,
        attempts: Attempts,
        public_url: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._links = links
        self._created = created
        self._connections = connections
        self._attempts = attempts
        self._public_url = public_url
        self._clock = clock

    def mint(self, fields: Payload, expires_in: timedelta | None) -> InstallLink:
        """A new link, not known to anybody yet. Raises `LinkMalformed`."""
        return replace(self._links.mint(fields, expires_in, self._clock()), is_short=True)

    def record(self, link: InstallLink, by: str) -> None:
        """Keep the link: its address works from now on."""
        self._created.add(link, by)
        LOGGER.info("link created link=%s by=%s", link.id, by)

    def forget(self, link: InstallLink) -> None:
        """The link was never given to anybody."""
        self._created.remove(link.id)

    def url(self, link: InstallLink) -> str:
        return f"{self._public_url}/install/{self._links.sign(link)}"

    def open(self, token: str) -> InstallLink:
        """The link behind an address, as it was copied.

        Raises `LinkForged`, `LinkMalformed`, `LinkExpired` and `LinkRevoked`.
        """
        for reading in copied.readings(token):
            with suppress(LinkForged):
                return self._open(reading)
        raise LinkForged

    def _open(self, token: str) -> InstallLink:
        link_id = self._links.short_id(token)
        if link_id is None:
            return self._links.open(token, self._clock())
        link = self._find_short(link_id)
        self._links.check(link)
        return link

    def connection(self, link: InstallLink) -> MadeConnection | None:
        """What the link's owner is connected to. Raises `LinkRevoked`."""
        return self._connections.of(link)

    def address(self, link_id: str) -> str:
        """Of a link that was created here."""
        return f"{self._public_url}/install/{self._links.sign_id(link_id)}"

    def reconnect(self, connection: MadeConnection) -> InstallLink:
        """A link that heals a connection: for the same owner, whoever is to use it. Raises `LinkMalformed`."""
        link = self.mint(self._healing(connection), None)
        self.record(link, RECONNECT)
        return link

    def _healing(self, connection: MadeConnection) -> Payload:
        """What the link said that made it, as far as that is remembered."""
        attempt = self._attempts.get(connection.attempt_id)
        link = attempt.link if attempt else self._connections.link_of(connection)
        said = to_payload(without_nul(link)) if link else _derived(connection)
        return {**said, "identifier": connection.identifier, "workspaceId": connection.workspace.id}

    def revoke(self, link_id: str) -> None:
        """The link answers 410 from now on, also to those who come back from Slack. What was granted stays."""
        self._created.revoke(link_id, self._links.max_age + CLOCKS_DIFFER)
        LOGGER.info("link revoked link=%s", link_id)

    def find(self, link_id: str) -> Listed | None:
        created = self._created.get(link_id)
        return self._listed(created) if created else None

    def page(self, limit: int, after: str | None, integration: str | None = None) -> tuple[list[Listed], str | None]:
        """Links created here, all or one integration's, newest first, and where the next page goes on."""
        created, next_page = self._created.page(limit, after, integration)
        return list(map(self._listed, created)), next_page

    def search(self, text: str) -> list[Listed]:
        """Links whose id, account, subscriber or context begins a word like that."""
        return list(map(self._listed, self._created.search(text)))

    def _find_short(self, link_id: str) -> InstallLink:
        created = self._created.get(link_id)
        if created is None:
            raise LinkForged
        current = self._current(created)
        if current.is_revoked:
            raise LinkRevoked(current.link)
        if current.is_expired:
            raise LinkExpired(current.link)
        return current.link

    def _listed(self, created: Created) -> Listed:
        return Listed(self._current(created), self.url(created.link))

    def _current(self, created: Created) -> Created:
        """The link as it stands: LINK_MAX_AGE may have become shorter since it was created."""
        ends = min(created.link.expires_at, created.at + self._links.max_age)
        is_expired = created.is_expired or ends <= self._clock()
        return replace(created, link=replace(created.link, expires_at=ends), is_expired=is_expired)


def _derived(connection: MadeConnection) -> Payload:
    """What a link has to say to be for the connection's owner, who tells which kind it is."""
    shared = Owner(connection.integration, None, connection.context_keys)
    mode = ConnectionMode.SHARED if shared.identifier == connection.owner else ConnectionMode.SUBSCRIBER
    return {
        "subscriberId": connection.subscriber_id,
        "context": contexts_of(connection.context_keys) or None,
        "connectionMode": mode.value,
        "integrationIdentifier": connection.integration,
    }
