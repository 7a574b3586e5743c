"""Tells whether an event is from the service, as any product would: https://www.standardwebhooks.com"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from typing import Final

from werkzeug.datastructures import Headers

TOLERANCE: Final = 300
PREFIX: Final = "whsec_"


class Forged(Exception):
    """Not signed with a key of ours, or not today."""


def key_of(secret: str) -> bytes:
    """ValueError for what is no secret."""
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("A webhook secret is whsec_ and 24 to 64 bytes in base64.")
    return key


def verify(keys: Iterable[bytes], headers: Headers, body: bytes, now: float) -> str:
    """The event's id. Any of our keys may fit any of its signatures, while one secret replaces another."""
    event_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not event_id or not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 12):
        raise Forged("webhook-id or webhook-timestamp is missing or makes no sense.")
    if abs(now - int(sent_at)) > TOLERANCE:
        raise Forged("webhook-timestamp is more than five minutes away.")
    signed = f"{event_id}.{sent_at}.".encode() + body
    expected = [base64.b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
    given = [part.removeprefix("v1,") for part in headers.get("webhook-signature", "").split() if part[:3] == "v1,"]
    if not any([hmac.compare_digest(ours, theirs.encode()) for ours in expected for theirs in given]):  # noqa: C419
        raise Forged("No signature in webhook-signature fits.")
    return event_id
