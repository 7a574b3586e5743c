"""The only module that talks to an OpenID Connect issuer: who somebody is, proven by an ID token that was made for us.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key
from requests import RequestException

from onboarding.model import Secret
from onboarding.model.errors import AddressUnproven, SignInRefused
from onboarding.remote import http
from onboarding.remote.http import Deadline
from onboarding.settings.environment import OidcSettings

SCOPE: Final = "openid email profile"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by the issuer's own key. Never `none`, never one made with a secret that both sides know."""
LEEWAY: Final = 60
SECONDS: Final = 5.0
AT_ONCE: Final = 4
"""How many questions the issuer is asked at a time: signing in may not take the threads of those who install."""
PAUSE_AFTER_TROUBLE: Final = 5.0
ADDRESS: Final = re.compile(r"[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+")
"""ASCII only: letters of other scripts may turn into these when they are lowered."""


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
        self._trouble_at = -PAUSE_AFTER_TROUBLE
        self._asking = threading.BoundedSemaphore(AT_ONCE)

    def begin(self) -> tuple[SignIn, str]:
        """A new sign-in, and the issuer's address for it. Raises `SignInRefused`."""
        sign_in = SignIn(*(secrets.token_urlsafe(32) for _ in range(3)))
        place = self._discover("authorization_endpoint")
        try:
            url, _ = self._session().create_authorization_url(
                place, state=sign_in.state, nonce=sign_in.nonce, code_verifier=sign_in.verifier
            )
        except ValueError:
            raise SignInRefused("the issuer's address is none") from None
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
        place = self._discover("token_endpoint")
        try:
            with self._one_of_few():
                token: Mapping[str, Any] = self._session().fetch_token(
                    place,
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
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise SignInRefused("token answer") from None
        return token

    def _person(self, token: Mapping[str, Any], nonce: str) -> Person:
        claims = self._claims(token, nonce)
        email = claims.get("email")
        if not isinstance(email, str) or not ADDRESS.fullmatch(email):
            raise AddressUnproven("no e-mail address")
        if claims.get("email_verified") is not True:
            raise AddressUnproven("e-mail address not verified")
        return Person(email.lower())

    def _claims(self, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        keys = self._keys()
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

    def _keys(self) -> KeySet:
        """The issuer's keys of today, without any that we cannot use."""
        listed = self._get(self._discover("jwks_uri")).get("keys")
        keys = []
        for each in listed if isinstance(listed, list) else ():
            with suppress(JoseError, ValueError, TypeError, KeyError, AttributeError):
                keys.append(import_key(each))
        if not keys:
            raise SignInRefused("the issuer has no keys")
        return KeySet(keys)

    def _discover(self, name: str) -> str:
        """A fact from the issuer's own description, asked for once."""
        if not self._metadata:
            self._metadata = self._describe()
        value = self._metadata.get(name)
        if not isinstance(value, str):
            raise SignInRefused(f"the issuer has no {name}")
        return value

    def _describe(self) -> Mapping[str, Any]:
        """What the issuer says of itself. One in trouble is left alone for some seconds."""
        if time.monotonic() - self._trouble_at < PAUSE_AFTER_TROUBLE:
            raise SignInRefused("the issuer was in trouble a moment ago")
        try:
            found = self._get(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        except SignInRefused:
            self._trouble_at = time.monotonic()
            raise
        if str(found.get("issuer")).rstrip("/") != self._settings.issuer.rstrip("/"):
            raise SignInRefused("the issuer calls itself something else")
        return found

    def _get(self, url: str) -> Mapping[str, Any]:
        session, timeouts = http.session(self._adapter), Deadline(SECONDS).timeouts()
        try:
            with self._one_of_few():
                response = session.get(url, timeout=timeouts, allow_redirects=False)
            found = http.read_json(response) if response.status_code == 200 else None
        except (RequestException, ValueError) as error:
            raise SignInRefused(type(error).__name__) from None
        if not isinstance(found, dict):
            raise SignInRefused("the issuer does not answer as it should")
        return found

    @contextmanager
    def _one_of_few(self) -> Iterator[None]:
        if not self._asking.acquire(blocking=False):
            raise SignInRefused("too many sign-ins at once")
        try:
            yield
        finally:
            self._asking.release()

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
