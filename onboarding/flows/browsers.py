"""What binds an attempt to one browser. The stores hold hashes: neither knows a state, a cookie or a code."""

from __future__ import annotations

import base64
import hashlib
import secrets

from onboarding.model import Attempt, Secret


def attempt_id(state: Secret) -> str:
    """The public name of the attempt behind a state: it finds the record and gives nothing away."""
    return _digest(state)


def browser_hash(browser: Secret | None) -> str:
    return _digest(browser) if browser else ""


def code_hash(code: Secret) -> str:
    """To tell one approval from another."""
    return _digest(code)


def is_browser_of(attempt: Attempt, browser: Secret | None) -> bool:
    return secrets.compare_digest(attempt.browser_hash, browser_hash(browser))


def _digest(secret: Secret) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(secret.reveal().encode()).digest()[:16]).decode().rstrip("=")
