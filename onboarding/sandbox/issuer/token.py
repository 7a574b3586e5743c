"""The token endpoint: a code becomes an ID token, once, for the client that asked for it."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from hashlib import sha256
from typing import Any, Final
from urllib.parse import unquote_plus

from flask import Blueprint, Response, jsonify, request

from onboarding.sandbox.issuer.keys import base64url
from onboarding.sandbox.issuer.metadata import ANOTHER_ISSUER, local_issuer, own_address
from onboarding.sandbox.issuer.model import IssuerApp, SignIn, TokenError
from onboarding.sandbox.issuer.state import Issuer

LIFETIME: Final = 3600
LONG_AGO: Final = 3 * LIFETIME
PAGE: Final = "<!doctype html><html lang=en><title>{0}</title><h1>{0}</h1>"
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")

blueprint: Final = Blueprint("token", __name__, url_prefix="/token")


@blueprint.post("")
def redeem() -> Response:
    issuer, form = local_issuer(), request.form
    _require_client(issuer.app)
    if not form.get("grant_type"):
        raise TokenError("invalid_request", "grant_type is missing.")
    if form["grant_type"] != "authorization_code":
        raise TokenError("unsupported_grant_type", "grant_type must be authorization_code.")
    code = form.get("code", "")
    sign_in = _redeemable(issuer, code)
    if sign_in.outcome.slug == "token_500":
        return Response(PAGE.format("Server Error"), 500, mimetype="text/html")
    if sign_in.outcome.slug == "token_error" or not issuer.spend(code):
        raise TokenError("invalid_grant", "The code was used already.")
    return jsonify(_answer(issuer, sign_in))


@blueprint.errorhandler(TokenError)
def refuse(error: TokenError) -> Response:
    response = jsonify({"error": error.code, "error_description": error.description})
    response.status_code = 400
    if error.code == "invalid_client":
        response.status_code, response.headers["WWW-Authenticate"] = 401, 'Basic realm="local issuer"'
    return response


def _require_client(app: IssuerApp) -> None:
    """RFC 6749 has both parts of Basic form-encoded; many clients do without, and many issuers let them."""
    basic = request.authorization if request.authorization and request.authorization.type == "basic" else None
    given = (request.form.get("client_id") or "", request.form.get("client_secret") or "")
    if basic and given[1]:
        raise TokenError("invalid_request", "There must be one client authentication, not two.")
    if basic:
        given = (basic.username or "", basic.password or "")
    known = _is_known(app, *given) or (basic and _is_known(app, *map(unquote_plus, given)))
    if not known:
        raise TokenError("invalid_client", "The client ID or its secret is wrong.")


def _is_known(app: IssuerApp, client_id: str, secret: str) -> bool:
    return client_id == app.client_id and hmac.compare_digest(secret.encode(), app.client_secret.encode())


def _redeemable(issuer: Issuer, code: str) -> SignIn:
    if not code:
        raise TokenError("invalid_request", "code is missing.")
    sign_in = issuer.sign_in_of(code)
    if sign_in is None:
        raise TokenError("invalid_grant", "The code is unknown, used or expired.")
    if request.form.get("redirect_uri") != sign_in.redirect_uri:
        raise TokenError("invalid_grant", "redirect_uri is not the one that the code was sent to.")
    verifier = request.form.get("code_verifier", "")
    if not VERIFIER.fullmatch(verifier) or _challenge(verifier) != sign_in.code_challenge:
        raise TokenError("invalid_grant", "code_verifier does not match the code_challenge.")
    return sign_in


def _challenge(verifier: str) -> str:
    return base64url(sha256(verifier.encode()).digest())


def _answer(issuer: Issuer, sign_in: SignIn) -> dict[str, Any]:
    answer = {"access_token": secrets.token_urlsafe(32), "token_type": "Bearer", "expires_in": LIFETIME}
    return answer if sign_in.outcome.slug == "no_id_token" else answer | {"id_token": _id_token(issuer, sign_in)}


def _id_token(issuer: Issuer, sign_in: SignIn) -> str:
    claims = _claims(issuer.app, sign_in) | _wrong_claims(sign_in)
    if sign_in.outcome.slug == "no_nonce":
        claims.pop("nonce", None)
    match sign_in.outcome.slug:
        case "other_key":
            return issuer.keys.forge(claims)
        case "unsigned":
            return issuer.keys.leave_unsigned(claims)
        case "hmac_key":
            return issuer.keys.sign_with_secret(claims, issuer.app.client_secret)
        case _:
            return issuer.keys.sign(claims)


def _claims(app: IssuerApp, sign_in: SignIn) -> dict[str, Any]:
    now, person = int(time.time()), sign_in.person
    claims: dict[str, Any] = {
        "iss": own_address(),
        "sub": person.sub,
        "aud": app.client_id,
        "exp": now + LIFETIME,
        "iat": now,
    }
    if sign_in.nonce is not None:
        claims["nonce"] = sign_in.nonce
    if "email" in sign_in.scopes:
        claims |= {"email": person.email, "email_verified": person.email_verified}
    if "profile" in sign_in.scopes:
        claims["name"] = person.name
    return claims


def _wrong_claims(sign_in: SignIn) -> dict[str, Any]:
    match sign_in.outcome.slug:
        case "wrong_nonce":
            return {"nonce": secrets.token_urlsafe(16)}
        case "wrong_audience":
            return {"aud": "another-client"}
        case "wrong_issuer":
            return {"iss": ANOTHER_ISSUER}
        case "expired_token":
            issued = int(time.time()) - LONG_AGO
            return {"iat": issued, "exp": issued + LIFETIME}
        case _:
            return {}
