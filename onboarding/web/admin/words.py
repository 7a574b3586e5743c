"""Every sentence that operators read about signing in, searching and what does not answer."""

from __future__ import annotations

from typing import Final

WRONG_PASSWORD: Final = "That is not the password. It is the service's ADMIN_PASSWORD."  # noqa: S105
TOO_MANY_SIGN_INS: Final = "Too many tries from your network. Wait a minute, then try again."
ISSUER_SILENT: Final = "Your identity provider does not answer as it should. Nothing was changed; try again."
REFUSED_BY_ISSUER: Final = "Sign-in was cancelled or interrupted. Nothing was changed; you can start again."
ADDRESS_UNPROVEN: Final = (
    "Your identity provider says that your e-mail address is not verified. Verify it there, then sign in again."
)
CLAIM_MISSING: Final = (
    "Your identity provider does not say whether your e-mail address is verified: the claim email_verified is missing. "
    "If it verifies every address itself, your administrator can set OIDC_EMAILS_VERIFIED=1."
)
NOT_ALLOWED: Final = "{email} is not allowed here. Ask your administrator to add it to OIDC_ALLOWED_EMAILS."
STORE_SILENT: Final = {
    "PostgreSQL": "Without PostgreSQL this page can show nothing. What is on its way to Novu goes on when it is back; "
    "nothing is lost. “onboarding check-config --live” says whether DATABASE_URL is right.",
    "Redis": "Without Redis nobody can sign in. Customers who start now are asked to try again; nothing is lost. "
    "“onboarding check-config --live” says whether REDIS_URL is right.",
}
ONLY_LOOK: Final = (
    "Nothing was changed. You may look at everything here; OIDC_OPERATOR_EMAILS says who may change things."
)
NOT_THERE: Final = (
    "There is nothing here",
    "The address may be wrong, or what was here was deleted when its time was over. Nothing was changed.",
)
STALE_FORM: Final = (
    "Please press the button again",
    "The page was open for long, or cookies are switched off, so this service could not tell that the click was yours. "
    "Nothing was changed: go back, reload the page and press the button again.",
)
NOT_UNDERSTOOD: Final = (
    "We did not understand that",
    "Your browser asked for something that this page does not offer. Nothing was changed.",
)
UNEXPECTED: Final = (
    "Something went wrong on our side",
    "If you pressed a button, look whether it was done before you press it again. The log says what went wrong: search "
    "it for the support code below.",
)
"""Heading and text of each page."""
BAD_FILTERS: Final = "Some filters make no sense, so nothing is shown."
SEARCH_TOO_LONG: Final = "A search takes at most 200 characters."
