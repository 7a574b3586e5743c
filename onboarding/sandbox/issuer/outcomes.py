"""The one catalogue of what can happen after a person presses Sign in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """Where an outcome shows; the page groups by it."""

    RETURN = "On the way back"
    REDEEM = "When the code is redeemed"
    CLAIMS = "In what the ID token says"
    SIGNATURE = "In how the ID token is signed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`callback_error` replaces the code on the way back."""

    slug: str
    label: str
    explanation: str
    stage: Stage
    callback_error: str | None = None


_ALL: Final = (
    Outcome("approved", "Nothing", "Everything works.", Stage.RETURN),
    Outcome("server_error", "Server error", "server_error instead of a code.", Stage.RETURN, "server_error"),
    Outcome("wrong_iss_parameter", "Mix-up", "iss in the address names another issuer.", Stage.RETURN),
    Outcome("token_error", "Code refused", "invalid_grant, as if somebody had been faster.", Stage.REDEEM),
    Outcome("token_500", "Token endpoint down", "HTTP 500 with an HTML page.", Stage.REDEEM),
    Outcome("no_id_token", "No ID token", "An access token, and nothing that says for whom.", Stage.REDEEM),
    Outcome("wrong_nonce", "Wrong nonce", "The nonce of another sign-in.", Stage.CLAIMS),
    Outcome("no_nonce", "No nonce", "The nonce is left out.", Stage.CLAIMS),
    Outcome("wrong_audience", "Wrong audience", "Meant for another client.", Stage.CLAIMS),
    Outcome("wrong_issuer", "Wrong issuer", "Says that another issuer issued it.", Stage.CLAIMS),
    Outcome("expired_token", "Expired", "Ended two hours ago.", Stage.CLAIMS),
    Outcome("other_key", "Forged", "Signed with another key under the published key's name.", Stage.SIGNATURE),
    Outcome("unsigned", "Unsigned", "alg is none, and there is no signature.", Stage.SIGNATURE),
    Outcome("hmac_key", "Shared secret", "HS256 with the client secret, in place of RS256.", Stage.SIGNATURE),
)

OUTCOMES: Final = {outcome.slug: outcome for outcome in _ALL}
APPROVED: Final = OUTCOMES["approved"]
