"""The Slack app as an OAuth client: sends people to Slack and redeems what they come back with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from onboarding.clock.deadline import Deadline
from onboarding.model import Grant, Reason, Secret, Workspace
from onboarding.model.errors import SlackRefused
from onboarding.model.names import clean_name
from onboarding.remote.failure import NoAnswer
from onboarding.remote.http import Http
from onboarding.remote.slack.bot import Bot
from onboarding.remote.slack.errors import ALREADY_GONE, refusal
from onboarding.remote.slack.wire import call, read_fields, read_id, read_text
from onboarding.settings.apps import SlackSettings

if TYPE_CHECKING:
    from onboarding.remote import oauth

REDEEM: Final = call("oauth.v2.access")


class Slack:
    """One Slack app, as its OAuth client."""

    def __init__(self, settings: SlackSettings, clock: Callable[[], datetime], http: Http | None = None) -> None:
        self._clock = clock
        self._settings = settings
        self._http = http or Http()
        self.bot = Bot(settings.url, self._http)

    def prepare(self) -> None:
        """Do now what the first customer would otherwise wait for. Connects to nothing."""
        _ = self._client
        self._http.prepare(self._settings.url)

    def authorize_url(self, state: Secret, workspace_id: str | None = None) -> str:
        """`workspace_id` is the workspace that Slack's page begins with. The person may choose another."""
        team = {"team": workspace_id} if workspace_id else {}
        return self._client.authorize_url(f"{self._settings.url}/oauth/v2/authorize", state.reveal(), **team)

    def redeem(self, code: Secret, deadline: Deadline | None = None) -> Grant:
        """Exchange the authorization code, once. Raises `SlackRefused` when no usable grant came of it."""
        answer, now = self._exchange(code, deadline), self._clock()
        bot_token = read_text(answer.get("access_token"))
        if bot_token is None or answer.get("token_type") == "user":
            raise SlackRefused(Reason.NO_BOT_TOKEN)
        scopes = frozenset((read_text(answer.get("scope")) or "").split(","))
        if missing := [scope for scope in self._settings.scopes if scope not in scopes]:
            raise SlackRefused(Reason.SCOPES_MISSING, ",".join(missing))
        refresh_token = read_text(answer.get("refresh_token"))
        return Grant(
            workspace=_workspace(answer),
            bot_token=Secret(bot_token),
            scopes=scopes,
            granted_at=now,
            app_id=read_id(answer.get("app_id")),
            bot_user_id=read_id(answer.get("bot_user_id")),
            installer_id=_installer(answer.get("authed_user")),
            refresh_token=Secret(refresh_token) if refresh_token else None,
            expires_at=_expiry(answer.get("expires_in"), now),
        )

    def revoke(self, bot_token: Secret, deadline: Deadline) -> bool:
        """Make a token worthless; no if it was already.

        Raises `SlackRefused` when Slack did not do it, also of a token that has expired: it may have a successor.
        """
        answer = self._ask("auth.revoke", bot_token, deadline)
        return answer is not None and answer.get("revoked") is True

    def _ask(self, method: str, bot_token: Secret, deadline: Deadline) -> Mapping[str, Any] | None:
        """Slack's answer about a token; None when the token is worth nothing."""
        headers = {"Authorization": f"Bearer {bot_token.reveal()}"}
        try:
            url = f"{self._settings.url}/api/{method}"
            answer = self._http.ask("POST", url, headers, deadline=deadline, call=call(method))
        except NoAnswer as error:
            raise SlackRefused(Reason.SLACK_UNAVAILABLE, error.failure.value) from None
        fields = read_fields(answer)
        if fields.get("ok") is True:
            return fields
        if fields.get("error") in ALREADY_GONE:
            return None
        raise refusal(fields.get("error"))

    def _exchange(self, code: Secret, deadline: Deadline | None) -> Mapping[str, Any]:
        endpoint = f"{self._settings.url}/api/oauth.v2.access"
        try:
            answer = self._client.redeem(self._http, endpoint, code, deadline, call=REDEEM)
        except NoAnswer as error:
            raise SlackRefused(Reason.SLACK_UNAVAILABLE, error.failure.value) from None
        fields = read_fields(answer)
        if fields.get("ok") is True:
            return fields
        if "error" in fields:
            raise refusal(fields["error"])
        raise SlackRefused(Reason.SLACK_UNAVAILABLE, "not_ok")

    @cached_property
    def _client(self) -> oauth.Client:
        from onboarding.remote import oauth  # noqa: PLC0415 (a worker needs no Authlib)

        scope = ",".join(self._settings.scopes)
        return oauth.Client(self._settings.client_id, self._settings.client_secret, self._settings.redirect_uri, scope)


def _workspace(answer: Mapping[str, Any]) -> Workspace:
    """The organisation for an org-wide installation, else the workspace."""
    order = ("enterprise", "team") if answer.get("is_enterprise_install") is True else ("team", "enterprise")
    for name in order:
        place = answer.get(name)
        if isinstance(place, dict) and (place_id := read_id(place.get("id"))):
            return Workspace(place_id, clean_name(read_text(place.get("name")) or "") or place_id)
    raise SlackRefused(Reason.SLACK_UNAVAILABLE, "no_workspace")


def _installer(person: object) -> str | None:
    return read_id(person.get("id")) if isinstance(person, dict) else None


def _expiry(seconds: object, now: datetime) -> datetime | None:
    return now + timedelta(seconds=seconds) if isinstance(seconds, int) and 0 < seconds < 10**9 else None
