"""Everything the local Slack remembers, in memory, behind one lock."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from onboarding.sandbox.slack import answers
from onboarding.sandbox.slack.lifecycle import Lifecycle
from onboarding.sandbox.slack.model import Consent, Installation, IssuedGrant, SlackApp, SlackError, Token
from onboarding.sandbox.slack.outbox import RETRY_WAITS
from onboarding.sandbox.slack.outcomes import Outcome

CODE_LIFETIME: Final = 600


@dataclass(slots=True)
class _Code:
    consent: Consent
    issued_at: float
    spent: bool = False


class Slack(Lifecycle):
    """Tests read `redeem_count` and `grants`, and call `reset()`; `Lifecycle` and `Places` have more for them."""

    def __init__(self, app: SlackApp, events_url: str = "", retry_waits: Sequence[float] = RETRY_WAITS) -> None:
        super().__init__(app, events_url, retry_waits)
        self._has_messages_tab = app.messages_tab
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self.reset_places()
            self.reset_lifecycle()
            self.switch_messages_tab(self._has_messages_tab)
            self._codes: dict[str, _Code] = {}
            self._grants: list[IssuedGrant] = []
            self._redeems = 0

    @property
    def redeem_count(self) -> int:
        """How many requests to redeem a code arrived at `oauth.v2.access`, refused ones included."""
        with self._lock:
            return self._redeems

    @property
    def grants(self) -> tuple[IssuedGrant, ...]:
        """The ledger, oldest first: one line per code spent."""
        with self._lock:
            return tuple(self._grants)

    def switch_messages_tab(self, on: bool) -> None:
        """Without it nobody gets direct messages from the app."""
        self.app = replace(self.app, messages_tab=on)

    def count_redeem(self) -> None:
        with self._lock:
            self._redeems += 1

    def issue_code(self, consent: Consent) -> str:
        code = f"{secrets.randbelow(10**10)}.{secrets.randbelow(10**13)}.{secrets.token_hex(32)}"
        with self._lock:
            self._codes[code] = _Code(consent, time.time())
        return code

    def outcome_of(self, code: str) -> Outcome | None:
        with self._lock:
            known = self._codes.get(code)
            return known.consent.outcome if known and not known.spent else None

    def redeem(self, code: str, redirect_uri: str | None) -> dict[str, Any]:
        """Slack's answer to a code. It is spent with the first grant, however many ask at once."""
        with self._lock:
            known = self._redeemable(code, redirect_uri)
            outcome = known.consent.outcome
            if outcome.refusal:
                raise SlackError(outcome.refusal)
            if not outcome.grants:
                return {"ok": True}
            known.spent = True
            return self._grant(code, known.consent)

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        with self._lock:
            token = self._tokens.refresh(refresh_token)
            return answers.pair(self.app, self._installations[token.installation], token)

    def exchange(self, value: str) -> dict[str, Any]:
        if not self.app.token_rotation:
            raise SlackError("token_rotation_not_enabled")
        with self._lock:
            token = self._tokens.exchange(value)
            return answers.pair(self.app, self._installations[token.installation], token)

    @contextmanager
    def authenticated(self, value: str) -> Iterator[tuple[Token, Installation]]:
        with self._lock:
            token = self._tokens.authenticate(value)
            yield token, self._installations[token.installation]

    def _redeemable(self, code: str, redirect_uri: str | None) -> _Code:
        known = self._codes.get(code)
        if known is None:
            raise SlackError("invalid_code")
        if known.spent:
            raise SlackError("code_already_used")
        if time.time() >= known.issued_at + CODE_LIFETIME:
            raise SlackError("code_expired")
        if known.consent.redirect_uri != redirect_uri:
            raise SlackError("bad_redirect_uri")
        return known

    def _grant(self, code: str, consent: Consent) -> dict[str, Any]:
        consent = answers.as_granted(consent)
        installation = self._install(consent)
        bot = self._token(installation, "bot", consent) if consent.scopes else None
        user = self._token(installation, "user", consent) if consent.user_scopes else None
        issued = bot or user
        if issued is not None:
            self._grants.append(IssuedGrant(code, installation.id, issued.value, installation.installed_at))
        if consent.outcome.slug == "fewer_scopes":
            installation = replace(installation, scopes=consent.scopes)
        return answers.grant(self.app, installation, bot, user, named=consent.outcome.slug != "no_workspace_name")

    def _install(self, consent: Consent) -> Installation:
        org_wide = consent.outcome.slug == "org_wide"
        id_ = consent.workspace.organisation.id if org_wide else consent.workspace.id
        before = self._installations.get(id_)
        installation = Installation(
            id=id_,
            workspace=consent.workspace,
            person_id=consent.person_id,
            org_wide=org_wide,
            scopes=_joined(before.scopes if before else (), consent.scopes),
            user_scopes=_joined(before.user_scopes if before else (), consent.user_scopes),
            installed_at=datetime.now(UTC),
        )
        self._installations[id_] = installation
        return installation

    def _token(self, installation: Installation, kind: str, consent: Consent) -> Token:
        if self.app.token_rotation or consent.outcome.slug == "rotation":
            return self._tokens.rotating(installation.id, kind)
        return self._tokens.long_lived(installation.id, kind)


def _joined(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
