"""Access and refresh tokens: issuing, rotating, revoking. Not locked; the state that owns it is."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Final

from onboarding.sandbox.slack.model import SlackError, Token

KINDS: Final = ("bot", "user")
LIFETIME: Final = 43200
ACTIVE_AT_MOST: Final = 2
REFRESH_GRACE: Final = 5.0
"""Seconds for which a used refresh token still works; Slack says "a short grace period"."""


@dataclass(slots=True)
class _Refresh:
    holder: tuple[str, str]
    used_at: float | None = None


@dataclass(slots=True)
class Tokens:
    _live: dict[str, Token] = field(default_factory=dict)
    _dead: dict[str, str] = field(default_factory=dict)
    _refresh: dict[str, _Refresh] = field(default_factory=dict)
    _exchanged: set[str] = field(default_factory=set)

    def long_lived(self, installation: str, kind: str) -> Token:
        """The same token again for the same installation, as Slack usually does."""
        for token in self._of(installation, kind):
            if token.expires_at is None:
                return token
        return self._keep(Token(_random(kind), installation, kind))

    def rotating(self, installation: str, kind: str) -> Token:
        refresh = f"xoxe-1-{secrets.token_urlsafe(48)}"
        self._refresh[refresh] = _Refresh((installation, kind))
        token = Token(f"xoxe.{_random(kind)}", installation, kind, time.time() + LIFETIME, refresh)
        self._keep(token)
        rotating = [each for each in self._of(installation, kind) if each.expires_at is not None]
        for oldest in rotating[:-ACTIVE_AT_MOST]:
            self.kill(oldest, "token_revoked")
        return token

    def refresh(self, value: str) -> Token:
        known = self._refresh.get(value)
        if known is None or (known.used_at is not None and time.time() > known.used_at + REFRESH_GRACE):
            raise SlackError("invalid_refresh_token")
        known.used_at = known.used_at or time.time()
        for token in self._of(*known.holder):
            if token.value in self._exchanged:
                self.kill(token, "token_revoked")
        return self.rotating(*known.holder)

    def exchange(self, value: str) -> Token:
        """A rotating pair for a long-lived token, once. The old one lives until the first refresh."""
        token = self._live.get(value)
        if token is None or token.expires_at is not None:
            raise SlackError("invalid_token")
        if value in self._exchanged:
            raise SlackError("token_already_exchanged")
        self._exchanged.add(value)
        return self.rotating(token.installation, token.kind)

    def authenticate(self, value: str) -> Token:
        if not value:
            raise SlackError("not_authed")
        token = self._live.get(value)
        if token is None:
            raise SlackError(self._dead.get(value, "invalid_auth"))
        if token.expires_at is not None and time.time() >= token.expires_at:
            raise SlackError("token_expired")
        return token

    def kill(self, token: Token, error: str) -> None:
        self._live.pop(token.value, None)
        self._dead[token.value] = error

    def kill_all(self, installation: str, kind: str = "") -> None:
        """Refresh tokens too; of one kind, or of both."""
        holders = {(installation, each) for each in ((kind,) if kind else KINDS)}
        for token in [each for each in self._live.values() if (each.installation, each.kind) in holders]:
            self.kill(token, "account_inactive")
        for value in [key for key, known in self._refresh.items() if known.holder in holders]:
            del self._refresh[value]

    def revoke_all(self, installation: str, kind: str) -> None:
        """Refresh tokens live on."""
        for token in self._of(installation, kind):
            self.kill(token, "token_revoked")

    def any_of(self, installation: str) -> bool:
        """Whether a token or a refresh token still stands for the installation."""
        return bool(self.kinds_of(installation))

    def kinds_of(self, installation: str) -> frozenset[str]:
        holders = {(token.installation, token.kind) for token in self._live.values()}
        holders |= {known.holder for known in self._refresh.values()}
        return frozenset(kind for held_by, kind in holders if held_by == installation)

    def _of(self, installation: str, kind: str) -> list[Token]:
        return [token for token in self._live.values() if (token.installation, token.kind) == (installation, kind)]

    def _keep(self, token: Token) -> Token:
        self._live[token.value] = token
        return token


def _random(kind: str) -> str:
    digits = "-".join(str(secrets.randbelow(9 * 10**11) + 10**11) for _ in range(2))
    return f"{'xoxb' if kind == 'bot' else 'xoxp'}-{digits}-{secrets.token_hex(12)}"
