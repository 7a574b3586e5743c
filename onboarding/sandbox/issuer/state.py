"""Everything the local issuer remembers, in memory, behind one lock. Its keys outlive a reset."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from onboarding.sandbox.issuer.keys import Keys
from onboarding.sandbox.issuer.model import IssuerApp, SignIn

CODE_LIFETIME: Final = 600
REMEMBERED: Final = 50


@dataclass(frozen=True, slots=True)
class _Code:
    sign_in: SignIn
    expires_at: float


class Issuer:
    """Tests read `sign_ins`, and call `reset()`."""

    def __init__(self, app: IssuerApp) -> None:
        self.app = app
        self.keys = Keys()
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._codes: dict[str, _Code] = {}
            self._sign_ins: deque[SignIn] = deque(maxlen=REMEMBERED)

    @property
    def sign_ins(self) -> tuple[SignIn, ...]:
        """The last ones, oldest first: one for each time a person pressed Sign in."""
        with self._lock:
            return tuple(self._sign_ins)

    def remember(self, sign_in: SignIn) -> None:
        with self._lock:
            self._sign_ins.append(sign_in)

    def issue_code(self, sign_in: SignIn) -> str:
        code, now = secrets.token_urlsafe(32), time.time()
        with self._lock:
            self._codes = {each: known for each, known in self._codes.items() if now < known.expires_at}
            self._codes[code] = _Code(sign_in, now + CODE_LIFETIME)
        return code

    def sign_in_of(self, code: str) -> SignIn | None:
        with self._lock:
            known = self._codes.get(code)
            return known.sign_in if known and time.time() < known.expires_at else None

    def spend(self, code: str) -> bool:
        """Whether it was still there to be spent: of several who ask at once, one gets True."""
        with self._lock:
            return self._codes.pop(code, None) is not None
