"""Reads what people copy from Slack: the link of a channel or message, or a channel's id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from onboarding.model.errors import DestinationRefused, NotThere

LONGEST: Final = 500
CHANNEL: Final = re.compile(r"[CG][A-Z0-9]{6,60}")
OTHER: Final = re.compile(r"[DSUWTEB][A-Z0-9]{6,60}")
"""Ids of direct messages, groups of people, persons, workspaces and the like."""
HOST: Final = re.compile(r"(?:[a-z0-9-]+\.)+slack(?:-gov)?\.com")
CLIENT: Final = "app.slack.com"
ARCHIVES: Final = re.compile(r"/archives/([A-Za-z0-9]+)(?:/.*)?")
IN_CLIENT: Final = re.compile(r"/client/([A-Za-z0-9]+)/([A-Za-z0-9]+)(?:/.*)?")


@dataclass(frozen=True, slots=True)
class Pasted:
    """A channel, and the workspace if the link names it: by its id or by its host."""

    channel: str
    team: str = ""
    host: str = ""


def read_pasted(text: str) -> Pasted:
    """Raises `DestinationRefused`."""
    text = text.strip().strip("<>").split("|")[0]
    if len(text) > LONGEST:
        raise DestinationRefused(NotThere.NO_LINK)
    if "/" not in text:
        return Pasted(_channel(text))
    return _from_link(text)


def _from_link(text: str) -> Pasted:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = (parts.hostname or "").lower()
    except ValueError:
        raise DestinationRefused(NotThere.NO_LINK) from None
    if parts.scheme not in {"http", "https"} or not HOST.fullmatch(host):
        raise DestinationRefused(NotThere.NO_LINK)
    if match := IN_CLIENT.fullmatch(parts.path):
        return Pasted(_channel(match[2]), team=match[1])
    if match := ARCHIVES.fullmatch(parts.path):
        return Pasted(_channel(match[1]), host="" if host == CLIENT else host)
    raise DestinationRefused(NotThere.NO_LINK)


def _channel(text: str) -> str:
    if CHANNEL.fullmatch(text):
        return text
    raise DestinationRefused(NotThere.NO_CHANNEL if OTHER.fullmatch(text) else NotThere.NO_LINK)
