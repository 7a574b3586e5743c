"""The only module that talks to an OpenID Connect issuer: who somebody is, proven by an ID token that was made for us.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException

from onboarding import http
from onboarding.config import OidcSettings
from onboarding.errors import SignInRefused
from onboarding.http import Deadline
from onboarding.model import Secret

SCOPE: Final = "openid email profile"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by the issuer's own key. Never `none`, never one made with a secret that both sides know."""
LEEWAY: Final = 60
SECONDS: Final = 10.0


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


class Identity:
    def __init__(self, settings: OidcSettings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._adapter = http.BoundedAdapter()
        self._metadata: Mapping[str, Any] = {}

    def begin(self) -> tuple[SignIn, str]:
        """A new sign-in, and the issuer's address for it. Raises `SignInRefused`."""
        sign_in = SignIn(*(secrets.token_urlsafe(32) for _ in range(3)))
        url, _ = self._session().create_authorization_url(
            self._discover("authorization_endpoint"),
            state=sign_in.state,
            nonce=sign_in.nonce,
            code_verifier=sign_in.verifier,
        )
        return sign_in, str(url)

    def finish(self, sign_in: SignIn, returned: Mapping[str, str]) -> Person:
        """Who came back. Raises `SignInRefused` for everything that was not made for this very sign-in."""
        if not sign_in.state or not secrets.compare_digest(sign_in.state.encode(), returned.get("state", "").encode()):
            raise SignInRefused("state")
        issuer = self._discover("issuer")
        needs_iss = self._metadata.get("authorization_response_iss_parameter_supported") is True
        if returned.get("iss", "" if needs_iss else issuer) != issuer:
            raise SignInRefused("issuer of the answer")
        if error := returned.get("error"):
            raise SignInRefused("cancelled" if error == "access_denied" else "error")
        return self._person(self._redeem(Secret(returned.get("code", "")), sign_in), sign_in.nonce)

    def is_allowed(self, person: Person) -> bool:
        return _is_among(person.email, self._settings.allowed)

    def is_operator(self, person: Person) -> bool:
        return _is_among(person.email, self._settings.operators)

    def _redeem(self, code: Secret, sign_in: SignIn) -> Mapping[str, Any]:
        try:
            token: Mapping[str, Any] = self._session().fetch_token(
                self._discover("token_endpoint"),
                grant_type="authorization_code",
                code=code.reveal(),
                code_verifier=sign_in.verifier,
                timeout=Deadline(SECONDS).timeouts(),
                allow_redirects=False,
            )
        except OAuthError:
            raise SignInRefused("code") from None
        except RequestException as error:
            raise SignInRefused(type(error).__name__) from None
        except (ValueError, TypeError, RecursionError):
            raise SignInRefused("token answer") from None
        return token

    def _person(self, token: Mapping[str, Any], nonce: str) -> Person:
        claims = self._claims(token, nonce)
        email = claims.get("email")
        if not isinstance(email, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
            raise SignInRefused("no e-mail address")
        if claims.get("email_verified") is not True:
            raise SignInRefused("e-mail address not verified")
        return Person(email.lower())

    def _claims(self, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        keys = KeySet.import_key_set(self._get(self._discover("jwks_uri")))  # type: ignore[arg-type]
        try:
            decoded = jwt.decode(str(token.get("id_token")), keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": self._discover("issuer")},
                    "aud": {"essential": True, "value": self._settings.client_id},
                },
                params={"nonce": nonce, "client_id": self._settings.client_id},
            )
            claims.validate(now=int(self._clock().timestamp()), leeway=LEEWAY)
        except (JoseError, OAuthError, ValueError, TypeError, KeyError) as error:
            raise SignInRefused(f"ID token ({type(error).__name__})") from None
        return dict(claims)

    def _discover(self, name: str) -> str:
        """A fact from the issuer's own description, asked for once."""
        if not self._metadata:
            found = self._get(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            if str(found.get("issuer")).rstrip("/") != self._settings.issuer.rstrip("/"):
                raise SignInRefused("the issuer calls itself something else")
            self._metadata = found
        value = self._metadata.get(name)
        if not isinstance(value, str):
            raise SignInRefused(f"the issuer has no {name}")
        return value

    def _get(self, url: str) -> Mapping[str, Any]:
        try:
            response = http.session(self._adapter).get(url, timeout=Deadline(SECONDS).timeouts(), allow_redirects=False)
            found = http.read_json(response) if response.status_code == 200 else None
        except (RequestException, ValueError) as error:
            raise SignInRefused(type(error).__name__) from None
        if not isinstance(found, dict):
            raise SignInRefused("the issuer does not answer as it should")
        return found

    def _session(self) -> OAuth2Session:
        session = OAuth2Session(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret.reveal(),
            scope=SCOPE,
            redirect_uri=self._settings.redirect_uri,
            code_challenge_method="S256",
        )
        http.configure(session, self._adapter)
        return session


def _is_among(email: str, entries: frozenset[str]) -> bool:
    return email in entries or f"@{email.rpartition('@')[2]}" in entries
