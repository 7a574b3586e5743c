"""Who calls a Web API method, what they may see, and the header that every answer carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, TypeAlias, cast

from flask import Response, current_app, jsonify, request

from onboarding.sandbox.slack import workspaces
from onboarding.sandbox.slack.channels import Channel
from onboarding.sandbox.slack.model import Installation, SlackError, Token, Workspace
from onboarding.sandbox.slack.places import APP, is_in
from onboarding.sandbox.slack.state import Slack

Given: TypeAlias = dict[str, str]
READS: Final = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}


@dataclass(frozen=True, slots=True)
class Caller:
    slack: Slack
    token: Token
    installation: Installation

    @property
    def is_bot(self) -> bool:
        return self.token.kind == "bot"

    @property
    def who(self) -> str:
        return APP if self.is_bot else self.installation.person_id

    @property
    def user_id(self) -> str:
        return self.installation.bot_user_id if self.is_bot else self.installation.user_id

    @property
    def scopes(self) -> tuple[str, ...]:
        return self.installation.scopes if self.is_bot else self.installation.user_scopes

    def require(self, *needed: str) -> None:
        missing = [scope for scope in needed if scope not in self.scopes]
        if missing:
            raise SlackError("missing_scope", needed=",".join(missing), provided=",".join(self.scopes))

    @property
    def reach(self) -> tuple[str, ...]:
        """The workspaces that the token is good for; those of an organisation are added one by one."""
        installation = self.installation
        return self.slack.added_workspaces(installation.id) if installation.org_wide else (installation.id,)

    def workspace(self, given: Given) -> Workspace:
        """`team_id` is needed with an organisation's token and ignored with any other."""
        if not self.installation.org_wide:
            return self.installation.workspace
        if not given.get("team_id"):
            raise SlackError("missing_argument")
        found = workspaces.find(given["team_id"])
        if found is None or found not in workspaces.of_organisation(self.installation.id):
            raise SlackError("team_not_found")
        if found.id not in self.reach:
            raise SlackError("team_access_not_granted")
        return found

    def channel(self, id_: str) -> Channel:
        """As the caller may see it: a private channel exists only to those who are in it."""
        found = self.slack.channel(id_)
        if found is None or not self._is_home_of(found) or (found.is_private and not is_in(found, self.who)):
            raise SlackError("channel_not_found")
        if found.workspace.id not in self.reach:
            raise SlackError("team_access_not_granted")
        return found

    def _is_home_of(self, channel: Channel) -> bool:
        if not self.installation.org_wide:
            return channel.workspace.id == self.installation.id
        return channel.workspace in workspaces.of_organisation(self.installation.id)


def as_caller(answer: Callable[[Caller, Given], dict[str, Any]]) -> Callable[[Given], Response]:
    """A method that needs a token. Its refusals carry the token's scopes as well."""

    @wraps(answer)
    def called(given: Given) -> Response:
        slack = local_slack()
        with slack.authenticated(token_of(given)) as (token, installation):
            caller = Caller(slack, token, installation)
            try:
                told = {"ok": True, **answer(caller, given)}
            except SlackError as error:
                told = refusal(error)
            response = jsonify(told)
            response.headers["X-OAuth-Scopes"] = ",".join(caller.scopes)
            return response

    return called


def refusal(error: SlackError) -> dict[str, Any]:
    return {"ok": False, "error": error.code, **error.beside}


def token_of(given: Given) -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme == "Bearer" else given.get("token", "")


def local_slack() -> Slack:
    return cast(Slack, current_app.extensions["slack"])
