"""Install links for whoever may ask for them: minted, listed, and taken back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from onboarding.ledger import Attempts
from onboarding.ledger.links import Minted, MintedLinks
from onboarding.model import InstallLink
from onboarding.settings.log import LOGGER
from onboarding.signing.links import CLOCKS_DIFFER, Links, Payload

MOST_SEARCHED: Final = 500
MOST_FOUND: Final = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """A minted link and what has become of it."""

    minted: Minted
    url: str
    is_revoked: bool
    is_expired: bool


class Minting:
    def __init__(
        self, links: Links, attempts: Attempts, minted: MintedLinks, public_url: str, clock: Callable[[], datetime]
    ) -> None:
        self._links = links
        self._attempts = attempts
        self._minted = minted
        self._public_url = public_url
        self._clock = clock

    def mint(self, fields: Payload, expires_in: timedelta | None) -> InstallLink:
        """A new link, not listed yet. Raises `LinkMalformed`."""
        return self._links.mint(fields, expires_in, self._clock())

    def record(self, link: InstallLink, by: str) -> None:
        """Remember who minted the link."""
        self._minted.add(link, by, self._clock())
        LOGGER.info("link minted link=%s by=%s", link.id, by)

    def forget(self, link: InstallLink) -> None:
        """The link was never given to anybody."""
        self._minted.remove(link.id)

    def url(self, link: InstallLink) -> str:
        return f"{self._public_url}/install/{self._links.sign(link)}"

    def revoke(self, link_id: str) -> None:
        """The link answers 410 from now on, also to those who come back from Slack. What was granted stays."""
        self._attempts.revoke(link_id, self._links.max_age + CLOCKS_DIFFER)
        LOGGER.info("link revoked link=%s", link_id)

    def find(self, link_id: str) -> Listed | None:
        minted = self._minted.get(link_id)
        return self._listed([minted])[0] if minted else None

    def page(self, limit: int, after: str | None) -> tuple[list[Listed], str | None]:
        """Minted links, newest first, and where the next page goes on."""
        minted, next_page = self._minted.page(limit, after)
        return self._listed(minted), next_page

    def search(self, text: str) -> list[Listed]:
        """Links minted lately whose id, account, subscriber or context begins a word like that."""
        minted, _ = self._minted.page(MOST_SEARCHED, None)
        begins = re.compile(rf"\b{re.escape(text.casefold())}")
        return self._listed([each for each in minted if begins.search(_words(each.link))][:MOST_FOUND])

    def _listed(self, minted: list[Minted]) -> list[Listed]:
        now = self._clock()
        revoked = self._attempts.revoked([each.link.id for each in minted])
        return [
            Listed(each, self.url(each.link), each.link.id in revoked, each.link.expires_at <= now) for each in minted
        ]


def _words(link: InstallLink) -> str:
    named = (link.id, link.account, link.subscriber_id, *(context.key for context in link.contexts))
    return "\n".join(filter(None, named)).casefold()
