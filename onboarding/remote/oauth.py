"""OAuth 2.0 as Authlib writes it, sent over our own connections.

Authlib's `OAuth2Session` is not used: it is a new `requests.Session` for each customer or, shared, keeps the token of
one where the next finds it. Its functions for the requests themselves keep nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authlib.oauth2 import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from onboarding.clock.deadline import Deadline
from onboarding.model import Secret
from onboarding.remote.http import Answer, Call, Http

HEADERS: Final = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
CODE: Final = "authorization_code"


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client with its secret. `scope` is sent as it is."""

    client_id: str
    client_secret: Secret
    redirect_uri: str
    scope: str

    def authorize_url(self, endpoint: str, state: str, **more: str) -> str:
        """Where a person is sent to agree. Raises ValueError if `endpoint` is no URL."""
        return str(prepare_grant_uri(endpoint, self.client_id, "code", self.redirect_uri, self.scope, state, **more))

    def redeem(
        self, http: Http, endpoint: str, code: Secret, deadline: Deadline | None, *, call: Call, **more: str
    ) -> Answer:
        """What the token endpoint answers to an authorization code. Raises `NoAnswer`."""
        form = prepare_token_request(CODE, redirect_uri=self.redirect_uri, code=code.reveal(), **more)
        auth = ClientAuth(self.client_id, self.client_secret.reveal())
        url, headers, body = auth.prepare("POST", endpoint, dict(HEADERS), form)
        return http.ask("POST", url, headers, body.encode("ascii"), deadline, call=call)


def challenge(verifier: str) -> dict[str, str]:
    """The proof key of a request, for `authorize_url`. https://www.rfc-editor.org/rfc/rfc7636"""
    return {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
