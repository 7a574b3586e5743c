"""The issuer's keys, new with every start, and the ways to sign or not to sign with them."""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import RSAKey

ALGORITHM: Final = "RS256"
BITS: Final = 2048


class Keys:
    def __init__(self) -> None:
        self._kid = secrets.token_hex(8)
        self._published = self._generate()

    @property
    def public(self) -> dict[str, Any]:
        """The JSON Web Key Set that clients read."""
        return {"keys": [dict(self._published.as_dict(private=False))]}

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(self._header(ALGORITHM), claims, self._published, [ALGORITHM])

    def forge(self, claims: dict[str, Any]) -> str:
        return jwt.encode(self._header(ALGORITHM), claims, self._unpublished, [ALGORITHM])

    def leave_unsigned(self, claims: dict[str, Any]) -> str:
        return f"{self._unsigned('none', claims)}."

    def sign_with_secret(self, claims: dict[str, Any], secret: str) -> str:
        text = self._unsigned("HS256", claims)
        return f"{text}.{base64url(hmac.digest(secret.encode(), text.encode(), sha256))}"

    @cached_property
    def _unpublished(self) -> RSAKey:
        return self._generate()

    def _generate(self) -> RSAKey:
        return RSAKey.generate_key(BITS, {"kid": self._kid, "use": "sig", "alg": ALGORITHM})

    def _header(self, algorithm: str) -> dict[str, str]:
        return {"alg": algorithm, "typ": "JWT", "kid": self._kid}

    def _unsigned(self, algorithm: str, claims: dict[str, Any]) -> str:
        """joserfc rightly warns of short secrets and of `none`, so these are put together by hand."""
        return ".".join(base64url(json.dumps(part).encode()) for part in (self._header(algorithm), claims))


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
