"""Seals grants for the time they lie in Redis. Owns the shape of a sealed grant; never logs one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.fernet import InvalidToken

from onboarding.model import Grant, Secret, Workspace
from onboarding.model.errors import SealBroken
from onboarding.signing.sealing import sealer


class Vault:
    """Seals with the newest key, opens with any."""

    def __init__(self, secret_keys: Sequence[Secret]) -> None:
        """`secret_keys` is oldest first."""
        self._fernet = sealer(secret_keys, b"onboarding grant")

    def seal(self, attempt_id: str, grant: Grant) -> str:
        return self._fernet.encrypt(json.dumps([attempt_id, _dump(grant)]).encode()).decode()

    def unseal(self, attempt_id: str, sealed: str) -> Grant:
        """Open what was sealed for this very attempt; anything else raises `SealBroken`."""
        try:
            owner, fields = json.loads(self._fernet.decrypt(sealed))
            if owner == attempt_id:
                return _load(fields)
        except (InvalidToken, ValueError, KeyError, TypeError):
            pass
        raise SealBroken(attempt_id)


def _dump(grant: Grant) -> dict[str, Any]:
    return {
        "workspace": [grant.workspace.id, grant.workspace.name],
        "bot_token": grant.bot_token.reveal(),
        "scopes": sorted(grant.scopes),
        "granted_at": grant.granted_at.isoformat(),
        "app_id": grant.app_id,
        "bot_user_id": grant.bot_user_id,
        "installer_id": grant.installer_id,
        "refresh_token": grant.refresh_token.reveal() if grant.refresh_token else None,
        "expires_at": grant.expires_at.isoformat() if grant.expires_at else None,
    }


def _load(fields: dict[str, Any]) -> Grant:
    return Grant(
        workspace=Workspace(*fields["workspace"]),
        bot_token=Secret(fields["bot_token"]),
        scopes=frozenset(fields["scopes"]),
        granted_at=datetime.fromisoformat(fields["granted_at"]),
        app_id=fields["app_id"],
        bot_user_id=fields["bot_user_id"],
        # Grants that an older release sealed do not hold it; their attempts do.
        installer_id=fields.get("installer_id"),
        refresh_token=Secret(fields["refresh_token"]) if fields["refresh_token"] else None,
        expires_at=datetime.fromisoformat(fields["expires_at"]) if fields["expires_at"] else None,
    )
