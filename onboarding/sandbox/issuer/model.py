"""The nouns of the local issuer: its one client, the people it knows, what one of them signed in to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from onboarding.sandbox.issuer.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class IssuerApp:
    """The one client this issuer knows. No `redirect_uris` means any loopback http address."""

    client_id: str = "sandbox-admin"
    client_secret: str = field(default="sandbox-issuer-secret", repr=False)
    redirect_uris: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    name: str
    email_verified: bool = True

    @property
    def sub(self) -> str:
        return sha256(self.email.lower().encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who signed in, what the client asked for, and what is to happen with it."""

    person: Person
    outcome: Outcome
    redirect_uri: str
    scopes: tuple[str, ...]
    nonce: str | None
    code_challenge: str
    at: datetime


class TokenError(Exception):
    """An error of the token endpoint, https://www.rfc-editor.org/rfc/rfc6749#section-5.2."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code)
        self.code = code
        self.description = description
