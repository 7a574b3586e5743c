"""Signs events for the host as Standard Webhooks asks. https://www.standardwebhooks.com"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from typing import Final

from onboarding.model import Secret

PREFIX: Final = "whsec_"
SIZES: Final = range(24, 65)


def key_of(secret: str) -> bytes | None:
    """The bytes behind a secret, None if it is none."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except ValueError:
        return None
    return key if len(key) in SIZES else None


def headers(secrets: Sequence[Secret], event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """One signature for each secret: a host may verify with the old one while secrets are being replaced."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_sign(secret, signed) for secret in secrets),
    }


def _sign(secret: Secret, signed: bytes) -> str:
    digest = hmac.digest(key_of(secret.reveal()) or b"", signed, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
