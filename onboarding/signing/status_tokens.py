"""Status tokens: each lets a browser read one owner's status, until it expires. Sealed: it shows nothing of the owner.

Nobody keeps them. They end with the secret key that sealed them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.fernet import InvalidToken

from onboarding.model import Owner, Secret
from onboarding.signing.sealing import sealer


class StatusTokens:
    def __init__(self, secret_keys: Sequence[Secret]) -> None:
        """`secret_keys` is oldest first; the last one seals."""
        self._fernet = sealer(secret_keys, b"onboarding status token")

    def issue(self, owner: Owner, expires_at: datetime) -> Secret:
        content = json.dumps([owner.identifier, expires_at.timestamp()])
        return Secret(self._fernet.encrypt(content.encode()).decode())

    def owner_of(self, token: Secret, now: datetime) -> str | None:
        """The identifier of the owner; None if the token is not ours, or has expired."""
        if not _is_spelled_once(token.reveal()):
            return None
        try:
            owner, expires_at = json.loads(self._fernet.decrypt(token.reveal()))
        except InvalidToken:
            return None
        return owner if now < datetime.fromtimestamp(expires_at, UTC) else None


def _is_spelled_once(text: str) -> bool:
    """Whether it is the one way to write these bytes: calls are counted by token, and base64 allows for more."""
    try:
        return base64.urlsafe_b64encode(base64.urlsafe_b64decode(text)).decode() == text
    except ValueError:
        return False
