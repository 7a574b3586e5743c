"""What a client reads before anybody signs in: the issuer's metadata and its public key."""

from __future__ import annotations

from typing import Final, cast

from flask import Blueprint, Response, current_app, jsonify, request

from onboarding.sandbox.issuer.keys import ALGORITHM
from onboarding.sandbox.issuer.state import Issuer

ANOTHER_ISSUER: Final = "https://another-issuer.example"

blueprint: Final = Blueprint("metadata", __name__)


@blueprint.get("/.well-known/openid-configuration")
def configuration() -> Response:
    """https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata"""
    issuer = own_address()
    return jsonify(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "scopes_supported": ["openid", "email", "profile"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "email", "email_verified", "name"],
            "request_uri_parameter_supported": False,
            "authorization_response_iss_parameter_supported": True,
        }
    )


@blueprint.get("/jwks")
def jwks() -> Response:
    return jsonify(local_issuer().keys.public)


def local_issuer() -> Issuer:
    return cast(Issuer, current_app.extensions["issuer"])


def own_address() -> str:
    """The issuer identifier: wherever it was asked."""
    return request.host_url.rstrip("/")
