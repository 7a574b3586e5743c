"""Seals bytes with keys that are derived from the secret keys, other ones for each purpose."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from onboarding.model import Secret


def sealer(secret_keys: Sequence[Secret], purpose: bytes) -> MultiFernet:
    """Seals with the newest key, opens with any. `secret_keys` is oldest first."""
    return MultiFernet([Fernet(_derive(key, purpose)) for key in reversed(secret_keys)])


def _derive(key: Secret, purpose: bytes) -> bytes:
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose)
    return base64.urlsafe_b64encode(hkdf.derive(key.reveal().encode()))
