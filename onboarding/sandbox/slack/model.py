"""The nouns of the local Slack: the app, workspaces, what a person agreed to, the grants issued."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from onboarding.sandbox.slack.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class SlackApp:
    """The one app this Slack knows. No `redirect_uris` means any loopback http address."""

    client_id: str = "1234567890.1234567890"
    client_secret: str = field(default="sandbox-slack-secret", repr=False)
    redirect_uris: tuple[str, ...] = ()
    name: str = "Your product"
    id: str = "A0SANDBOX"
    token_rotation: bool = False
    messages_tab: bool = True
    signing_secret: str = field(default="sandbox-signing-secret", repr=False)


@dataclass(frozen=True, slots=True)
class Enterprise:
    id: str
    name: str

    @property
    def domain(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


@dataclass(frozen=True, slots=True)
class Workspace:
    """`domain` is what stands before `.slack.com`. `public_channels` beyond the ordinary ones are made up on demand."""

    id: str
    name: str
    enterprise: Enterprise | None = None
    domain: str = ""
    public_channels: int = 0

    @property
    def host(self) -> str:
        return f"{self.domain or self.id.lower()}.slack.com"

    @property
    def organisation(self) -> Enterprise:
        """The organisation an org-wide installation goes to, invented for a workspace that has none."""
        return self.enterprise or Enterprise(f"E{self.id[1:]}", f"{self.name} Org")


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person allowed, and which outcome follows. `redirect_uri` is None if none was sent."""

    workspace: Workspace
    person_id: str
    scopes: tuple[str, ...]
    user_scopes: tuple[str, ...]
    redirect_uri: str | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Installation:
    """The app in one workspace or, org-wide, in one organisation. Scopes only ever grow.

    `person_id` is who installed it last.
    """

    id: str
    workspace: Workspace
    person_id: str
    org_wide: bool
    scopes: tuple[str, ...]
    user_scopes: tuple[str, ...]
    installed_at: datetime

    @property
    def bot_user_id(self) -> str:
        return f"{'W' if self.org_wide else 'U'}BOT{self.workspace.id[1:]}"

    @property
    def bot_id(self) -> str:
        return f"B{self.workspace.id[1:]}"

    @property
    def user_id(self) -> str:
        return f"{'W' if self.org_wide else 'U'}{self.person_id[1:]}"


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. `refresh` and `expires_at` (Unix seconds) only if tokens rotate."""

    value: str = field(repr=False)
    installation: str
    kind: str
    expires_at: float | None = None
    refresh: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class IssuedGrant:
    """One line of the ledger: which code bought which token, and when."""

    code: str = field(repr=False)
    workspace_id: str
    token: str = field(repr=False)
    issued_at: datetime


class SlackError(Exception):
    """Slack's `{"ok": false, "error": code}`, with whatever else goes beside it."""

    def __init__(self, code: str, **beside: Any) -> None:
        super().__init__(code)
        self.code = code
        self.beside = beside
