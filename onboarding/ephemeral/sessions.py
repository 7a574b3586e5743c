"""Who is signed in to the admin. Redis holds hashes of what the cookies hold; signing out ends a session."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from onboarding.ephemeral.store import Redis, answering
from onboarding.model import Secret

LIFETIME: Final = timedelta(hours=8)


class Role(StrEnum):
    """A viewer looks; an operator may change things."""

    VIEWER = "viewer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Session:
    """`name` is who it is, `proof` what the sign-in rested on: it ends when that changes."""

    name: str
    role: Role
    proof: str


class Sessions:
    def __init__(self, client: Redis) -> None:
        self._redis = client

    def begin(self, session: Session) -> Secret:
        """A new session. Gives the secret that its cookie has to hold."""
        secret = Secret(secrets.token_urlsafe(32))
        with answering():
            self._redis.set(_key(secret), json.dumps([session.name, session.role.value, session.proof]), ex=LIFETIME)
        return secret

    def get(self, secret: Secret) -> Session | None:
        with answering():
            held = self._redis.get(_key(secret))
        if held is None:
            return None
        name, role, proof = json.loads(str(held))
        return Session(name, Role(role), proof)

    def end(self, secret: Secret) -> None:
        with answering():
            self._redis.delete(_key(secret))


def _key(secret: Secret) -> str:
    return f"onboarding:session:{hashlib.sha256(secret.reveal().encode()).hexdigest()}"
