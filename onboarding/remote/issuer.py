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
from datetime import datetime
from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key

from onboarding.clock.deadline import Deadline
from onboarding.model import Secret
from onboarding.model.errors import AddressUnproven, SignInRefused
from onboarding.model.people import Person, SignIn
from onboarding.remote import oauth
from onboarding.remote.failure import NoAnswer
from onboarding.remote.http import Answer, Call, Http
from onboarding.settings.environment import OidcSettings

SCOPE: Final = "openid email profile"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by the issuer's own key. Never `none`, never one made with a secret that both sides know."""
LEEWAY: Final = 60
SECONDS: Final = 5.0
HEADERS: Final = {"Accept": "application/json"}
CALL: Final = Call("issuer", "sign_in")
AT_ONCE: Final = 4
"""How many questions the issuer is asked at a time: signing in may not take the threads of those who install."""
PAUSE_AFTER_TROUBLE: Final = 5.0
ADDRESS: Final = re.compile(r"[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+")
"""ASCII only: letters of other scripts may turn into these when they are lowered."""


class Identity:
    def __init__(self, settings: OidcSettings, clock: Callable[[], datetime], http: Http | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._http = http or Http()
        self._client = oauth.Client(settings.client_id, settings.client_secret, settings.redirect_uri, SCOPE)
        self._metadata: Mapping[str, Any] = {}
        self._trouble_at = -PAUSE_AFTER_TROUBLE
        self._asking = threading.BoundedSemaphore(AT_ONCE)

    def begin(self, *, as_somebody_else: bool = False) -> tuple[SignIn, str]:
        """A new sign-in, and the issuer's address for it. Raises `SignInRefused`."""
        sign_in = SignIn(*(secrets.token_urlsafe(32) for _ in range(3)))
        place = self._discover("authorization_endpoint")
        asked = {"prompt": "select_account"} if as_somebody_else else {}
        try:
            url = self._client.authorize_url(
                place, sign_in.state, nonce=sign_in.nonce, **oauth.challenge(sign_in.verifier), **asked
            )
        except ValueError:
            raise SignInRefused("the issuer's address is none") from None
        return sign_in, url

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

    def _redeem(self, code: Secret, sign_in: SignIn) -> Mapping[str, Any]:
        place = self._discover("token_endpoint")
        proof = {"code_verifier": sign_in.verifier}
        return self._ask(lambda deadline: self._client.redeem(self._http, place, code, deadline, call=CALL, **proof))

    def _person(self, token: Mapping[str, Any], nonce: str) -> Person:
        claims = self._claims(token, nonce)
        email = claims.get("email")
        if not isinstance(email, str) or not ADDRESS.fullmatch(email):
            raise AddressUnproven("no e-mail address")
        self._demand_proof(claims, email.lower())
        return Person(email.lower())

    def _demand_proof(self, claims: Mapping[str, Any], email: str) -> None:
        """Cognito says it as text. Entra ID says nothing: then the operator may vouch for its addresses."""
        said = claims.get("email_verified")
        if said is None and not self._settings.vouches_for_emails:
            raise AddressUnproven("claim email_verified is missing", email)
        if said is not None and str(said).lower() != "true":
            raise AddressUnproven("e-mail address not verified", email)

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
        except (JoseError, OAuth2Error, ValueError, TypeError, KeyError) as error:
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
        return self._ask(lambda deadline: self._http.ask("GET", url, HEADERS, deadline=deadline, call=CALL))

    def _ask(self, ask: Callable[[Deadline], Answer]) -> Mapping[str, Any]:
        """The JSON object that an answer holds."""
        try:
            with self._one_of_few():
                answer = ask(Deadline(SECONDS))
            found = answer.json()
        except NoAnswer as error:
            raise SignInRefused(error.failure.value) from None
        except ValueError:
            found = None
        if isinstance(found, dict) and "error" in found:
            raise SignInRefused("the issuer refuses")
        if not isinstance(found, dict) or not answer.is_good:
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
