"""What a page is about, and the names in its sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from onboarding.model import Attempt, InstallLink, Workspace
from onboarding.model.destinations import MadeConnection
from onboarding.settings.apps import App, Brand
from onboarding.web.context import wiring


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a sentence. One that is not somebody's own takes a capital at the start of the sentence."""

    text: str
    is_own: bool = True

    def at(self, position: int) -> Markup:
        if self.is_own:
            return Markup("<bdi>{}</bdi>").format(self.text)
        return escape(self.text[:1].upper() + self.text[1:] if position == 0 else self.text)


@dataclass(frozen=True, slots=True)
class About:
    """What a page is about. Only the browser that made the attempt `may_restart` it."""

    link: InstallLink | None = None
    attempt: Attempt | None = None
    connection: MadeConnection | None = None
    workspace: Workspace | None = None
    may_restart: bool = False
    support_code: str | None = None
    names: Mapping[str, str | Name] = field(default_factory=dict)

    @property
    def app(self) -> App | None:
        """The Slack app that the page is about, if it is about one."""
        made = self.link or self.connection
        return wiring().settings.apps.of(made.integration) if made else None

    @property
    def brand(self) -> Brand:
        return self.app.brand if self.app else wiring().settings.brand


def expected(link: InstallLink) -> Name | None:
    """The workspace that a link is for, if its customer was connected to it before."""
    made = wiring().ledger.connections.by_owner(link.owner.identifier)
    return Name(made.workspace.name) if made and made.workspace.id == link.workspace_id else None


def about_attempt(attempt: Attempt, *, may_restart: bool) -> About:
    return About(attempt.link, attempt, may_restart=may_restart, support_code=attempt.id)
