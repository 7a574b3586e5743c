"""What happens to an installation once it is there: it is removed, loses its tokens or its account, or moves.

Slack tells the app about most of it, from `outbox`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from onboarding.sandbox.slack import envelopes, people, workspaces
from onboarding.sandbox.slack.model import Installation, SlackApp, Token
from onboarding.sandbox.slack.outbox import RETRY_WAITS, Outbox
from onboarding.sandbox.slack.places import Places
from onboarding.sandbox.slack.tokens import Tokens


class Lifecycle(Places):
    """Ids are those of installations: a workspace's, or an organisation's. ValueError for one that is not there."""

    def __init__(self, app: SlackApp, events_url: str = "", retry_waits: Sequence[float] = RETRY_WAITS) -> None:
        super().__init__()
        self.app = app
        self.outbox = Outbox(events_url, retry_waits)
        self.reset_lifecycle()

    def reset_lifecycle(self) -> None:
        with self._lock:
            self.outbox.reset()
            self._tokens = Tokens()
            self._installations: dict[str, Installation] = {}

    @property
    def installations(self) -> tuple[Installation, ...]:
        with self._lock:
            return tuple(self._installations.values())

    def installed(self, id_: str) -> Installation | None:
        """By the id of a workspace or an organisation."""
        with self._lock:
            return self._installations.get(id_)

    def token_kinds(self, id_: str) -> frozenset[str]:
        """Of `bot` and `user`, those that the installation has a token of."""
        with self._lock:
            return self._tokens.kinds_of(id_)

    def remove_app(self, id_: str) -> None:
        """All tokens die. Both events are sent; which is first is chance."""
        with self._lock:
            installation = self._known(id_)
            kinds = self._tokens.kinds_of(id_)
            self._tokens.kill_all(id_)
            self._leave(id_)
            self._tell(installation, kinds, uninstalled=True)

    def uninstall(self, installation: Installation) -> None:
        self.remove_app(installation.id)

    def revoke(self, token: Token) -> None:
        """What `auth.revoke` does. If tokens rotate, Slack sends no event and the installation stays."""
        with self._lock:
            installation = self._known(token.installation)
            self._tokens.kill(token, "token_revoked")
            if token.expires_at is None:
                self._tell_or_leave(installation, token.kind)
            elif not self._tokens.any_of(installation.id):
                self._leave(installation.id)

    def revoke_token(self, id_: str, kind: str = "") -> None:
        """The bot's if there is one, else the person's; or that of `kind`. The last one takes the app along."""
        with self._lock:
            installation, kinds = self._known(id_), self._tokens.kinds_of(id_)
            kind = kind or ("bot" if "bot" in kinds else "user")
            if kind not in kinds:
                raise ValueError(f"No {kind} token in {id_}")
            self._tokens.revoke_all(id_, kind)
            self._tell_or_leave(installation, kind)

    def deactivate(self, id_: str) -> None:
        """The bot's account. Nobody tells the app, and the app stays installed."""
        with self._lock:
            self._tokens.kill_all(self._known(id_).id, "bot")

    def add_workspace(self, organisation_id: str, workspace_id: str) -> None:
        with self._lock:
            is_new = workspace_id not in self.added_workspaces(organisation_id)
            super().add_workspace(organisation_id, workspace_id)
            if is_new:
                self._tell_access("team_access_granted", organisation_id, workspace_id)

    def remove_workspace(self, organisation_id: str, workspace_id: str) -> None:
        """The organisation's token lives on, and is no longer good for this workspace."""
        with self._lock:
            was_there = workspace_id in self.added_workspaces(organisation_id)
            super().remove_workspace(organisation_id, workspace_id)
            self.leave_workspaces((workspace_id,))
            if was_there:
                self._tell_access("team_access_revoked", organisation_id, workspace_id)

    def send_event(self, id_: str, event: dict[str, Any], **envelope: Any) -> str:
        """Any event, about a workspace or an organisation, installed or not; gives its event_id.

        `envelope` replaces what stands around it: event_id, event_time, team_id…
        """
        whole = envelopes.callback(self.app, self.installed(id_) or _stranger(id_), event) | envelope
        self.outbox.post(self.app.signing_secret, whole)
        return str(whole["event_id"])

    def send_rate_limited(self, id_: str) -> None:
        whole = envelopes.app_rate_limited(self.app, self.installed(id_) or _stranger(id_))
        self.outbox.post(self.app.signing_secret, whole)

    def settle(self, seconds: float) -> bool:
        """Waits until no event is on its way, and tells whether that happened in time."""
        return self.outbox.settle(seconds)

    def _known(self, id_: str) -> Installation:
        if id_ not in self._installations:
            raise ValueError(f"Not installed in {id_}")
        return self._installations[id_]

    def _leave(self, id_: str) -> None:
        installation = self._installations.pop(id_, None)
        if installation and not installation.org_wide:
            self.leave_workspaces((id_,))
        elif installation:
            self.leave_workspaces(self.leave_organisation(id_))

    def _tell_or_leave(self, installation: Installation, kind: str) -> None:
        is_last = not self._tokens.any_of(installation.id)
        if is_last:
            self._leave(installation.id)
        self._tell(installation, frozenset({kind}), uninstalled=is_last)

    def _tell(self, installation: Installation, revoked: frozenset[str], *, uninstalled: bool) -> None:
        events = [envelopes.tokens_revoked(installation, revoked)] if revoked else []
        events += [{"type": "app_uninstalled"}] if uninstalled else []
        for event in random.sample(events, len(events)):
            self.outbox.post(self.app.signing_secret, envelopes.callback(self.app, installation, event))

    def _tell_access(self, type_: str, organisation_id: str, workspace_id: str) -> None:
        if organisation_id in self._installations:
            self.send_event(organisation_id, {"type": type_, "team_ids": [workspace_id]}, team_id=None)


def _stranger(id_: str) -> Installation:
    """As if it were installed there, for events that come late or for nobody."""
    found = workspaces.find(id_)
    home = found or next(iter(workspaces.of_organisation(id_)), None)
    if home is None:
        raise ValueError(f"No workspace {id_}")
    return Installation(id_, home, people.id_of(home, 0), found is None, (), (), datetime.now(UTC))
