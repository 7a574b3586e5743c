"""Signs events for the host as Standard Webhooks asks. https://www.standardwebhooks.com"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from typing import Final

from onboarding.model import Secret

PREFIX: Final = "whsec_"


def headers(secrets: Sequence[Secret], event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """One signature for each secret: a host may verify with the old one while secrets are being replaced."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_sign(secret, signed) for secret in secrets),
    }


def _sign(secret: Secret, signed: bytes) -> str:
    """The key is what the secret stands for, not its text; the settings have seen to it that it is one."""
    key = base64.b64decode(secret.reveal().removeprefix(PREFIX))
    digest = hmac.digest(key, signed, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
