"""Every sentence that operators read about install links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DESTINATIONS: Final[Mapping[str, str]] = {
    "choose": "Where the person chooses",
    "installer": "Direct messages to the person",
    "none": "Nowhere: my product creates the endpoint",
}
"""What a link may say, by its own word."""
LINK_READY: Final = "The link is ready. Copy it and send it to the customer."
REVOKED: Final = "The link was revoked: it answers that it is no longer valid."
SEND_NEW_LINK: Final = (
    "Ask the customer how they got there. If their link was cut off, has expired or was revoked, create a new one "
    "under Links; if cookies are blocked, another browser helps."
)

ACTIVE: Final = ("good", "✓", "Active")
USED: Final = ("good", "✓", "Used")
EXPIRED: Final = ("plain", "–", "Expired")
IS_REVOKED: Final = ("plain", "–", "Revoked")
"""Tone, sign and word of each. One that was used works until it expires."""
