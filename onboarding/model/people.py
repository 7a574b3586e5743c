"""Who signs in to the admin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in under way: what has to come back, and what proves that we asked."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who the issuer says it is. The address is theirs for certain, and in lower case."""

    email: str
