"""The only module that talks to Slack: sends people there and redeems what they come back with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from onboarding.clock.deadline import Deadline
from onboarding.model import Grant, Reason, Secret, Workspace
from onboarding.model.errors import SlackRefused
from onboarding.model.names import clean_name
from onboarding.remote.failure import NoAnswer
from onboarding.remote.http import Answer, Http
from onboarding.settings.environment import SlackSettings

if TYPE_CHECKING:
    from onboarding.remote import oauth

# https://docs.slack.dev/reference/methods/oauth.v2.access#errors
_OURS_TO_FIX: Final = """
    invalid_client_id bad_client_secret bad_redirect_uri invalid_grant_type oauth_authorization_url_mismatch
    pkce_not_allowed no_scopes missing_scope invalid_form_data invalid_post_type missing_post_type
    invalid_charset invalid_arguments invalid_arg_name invalid_array_arg deprecated_endpoint
    method_deprecated unknown_method
    invalid_scope invalid_scope_requested no_bot_scopes_requested unapproved_scope scope_not_allowed_on_enterprise
    invalid_team_for_non_distributed_app
    invalid_request invalid_client unauthorized_client unsupported_response_type unsupported_grant_type
"""
"""Known from Slack's two pages about them, and from RFC 6749."""
_START_OVER: Final = """
    invalid_code code_already_used code_expired invalid_code_verifier invalid_refresh_token token_expired
    token_revoked
"""
_TRY_LATER: Final = """
    ratelimited internal_error fatal_error service_unavailable request_timeout team_added_to_org
"""
_WORKSPACE_POLICY: Final = """
    access_denied accesslimited cannot_install_an_org_installed_app enterprise_is_restricted ekm_access_denied
    org_login_required team_access_not_granted preview_feature_not_available two_factor_setup_required
    user_email_unverified account_inactive no_permission not_allowed_token_type not_authed invalid_auth is_bot
"""
REASONS: Final[Mapping[str, Reason]] = {
    error: reason
    for errors, reason in (
        (_OURS_TO_FIX, Reason.SLACK_MISCONFIGURED),
        (_START_OVER, Reason.CODE_REFUSED),
        (_TRY_LATER, Reason.SLACK_UNAVAILABLE),
        (_WORKSPACE_POLICY, Reason.WORKSPACE_POLICY),
    )
    for error in errors.split()
}
"""Slack's documented errors by what to do about them. An unheard-of one counts as `slack_refused`."""


_ALREADY_GONE: Final = {"token_revoked", "token_expired", "account_inactive", "invalid_auth", "not_authed"}
"""What Slack says of a token that no longer works. https://docs.slack.dev/reference/methods/auth.revoke#errors"""


class Slack:
    """One Slack app, as its OAuth client."""

    def __init__(self, settings: SlackSettings, clock: Callable[[], datetime], http: Http | None = None) -> None:
        self._clock = clock
        self._settings = settings
        self._http = http or Http()

    def prepare(self) -> None:
        """Do now what the first customer would otherwise wait for. Connects to nothing."""
        _ = self._client
        self._http.prepare(self._settings.url)

    def authorize_url(self, state: Secret) -> str:
        return self._client.authorize_url(f"{self._settings.url}/oauth/v2/authorize", state.reveal())

    def redeem(self, code: Secret, deadline: Deadline | None = None) -> Grant:
        """Exchange the authorization code, once. Raises `SlackRefused` when no usable grant came of it."""
        answer, now = self._exchange(code, deadline), self._clock()
        bot_token = _text(answer.get("access_token"))
        if bot_token is None or answer.get("token_type") == "user":
            raise SlackRefused(Reason.NO_BOT_TOKEN)
        scopes = frozenset((_text(answer.get("scope")) or "").split(","))
        if missing := [scope for scope in self._settings.scopes if scope not in scopes]:
            raise SlackRefused(Reason.SCOPES_MISSING, ",".join(missing))
        refresh_token = _text(answer.get("refresh_token"))
        return Grant(
            workspace=_workspace(answer),
            bot_token=Secret(bot_token),
            scopes=scopes,
            granted_at=now,
            app_id=_id(answer.get("app_id")),
            bot_user_id=_id(answer.get("bot_user_id")),
            installer_id=_installer(answer.get("authed_user")),
            refresh_token=Secret(refresh_token) if refresh_token else None,
            expires_at=_expiry(answer.get("expires_in"), now),
        )

    def revoke(self, bot_token: Secret, deadline: Deadline) -> bool:
        """Make a token worthless; no if it was already. Raises `SlackRefused` when Slack did not do it."""
        answer = self._ask("auth.revoke", bot_token, deadline)
        return answer is not None and answer.get("revoked") is True

    def accepts(self, bot_token: Secret, deadline: Deadline) -> bool:
        """Whether a token works. Raises `SlackRefused` when Slack does not say."""
        return self._ask("auth.test", bot_token, deadline) is not None

    def _ask(self, method: str, bot_token: Secret, deadline: Deadline) -> Mapping[str, Any] | None:
        """Slack's answer about a token; None when the token is worth nothing."""
        headers = {"Authorization": f"Bearer {bot_token.reveal()}"}
        try:
            answer = self._http.ask("POST", f"{self._settings.url}/api/{method}", headers, deadline=deadline)
        except NoAnswer as error:
            raise SlackRefused(Reason.SLACK_UNAVAILABLE, error.failure.value) from None
        fields = _fields(answer)
        if fields.get("ok") is True:
            return fields
        if fields.get("error") in _ALREADY_GONE:
            return None
        raise _refusal(fields.get("error"))

    def _exchange(self, code: Secret, deadline: Deadline | None) -> Mapping[str, Any]:
        endpoint = f"{self._settings.url}/api/oauth.v2.access"
        try:
            answer = self._client.redeem(self._http, endpoint, code, deadline)
        except NoAnswer as error:
            raise SlackRefused(Reason.SLACK_UNAVAILABLE, error.failure.value) from None
        fields = _fields(answer)
        if fields.get("ok") is True:
            return fields
        if "error" in fields:
            raise _refusal(fields["error"])
        raise SlackRefused(Reason.SLACK_UNAVAILABLE, "not_ok")

    @cached_property
    def _client(self) -> oauth.Client:
        from onboarding.remote import oauth  # noqa: PLC0415 (a worker needs no Authlib)

        scope = ",".join(self._settings.scopes)
        return oauth.Client(self._settings.client_id, self._settings.client_secret, self._settings.redirect_uri, scope)


def reason_of_return(error: str, *, is_described: bool) -> Reason:
    """Why Slack's page sent a person back with an error. Only somebody who chose Cancel comes with a description."""
    if error == "access_denied":
        return Reason.DENIED_BY_PERSON if is_described else Reason.NOT_PERMITTED
    is_ours = REASONS.get(error) is Reason.SLACK_MISCONFIGURED
    return Reason.SLACK_MISCONFIGURED if is_ours else Reason.SLACK_REFUSED


def error_word(error: object) -> str:
    """Slack's error as a word that is safe to keep and show: the set is open, the sender may be anybody."""
    return error if isinstance(error, str) and re.fullmatch(r"[a-z0-9_]{1,64}", error) else "unreadable"


def _refusal(error: object) -> SlackRefused:
    word = error_word(error)
    return SlackRefused(REASONS.get(word, Reason.SLACK_REFUSED), word)


def _fields(answer: Answer) -> Mapping[str, Any]:
    """What Slack itself says; it does so in JSON, mostly with status 200."""
    if answer.status >= 500:
        raise SlackRefused(Reason.SLACK_UNAVAILABLE, f"http_{answer.status}")
    try:
        fields = answer.json()
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise SlackRefused(Reason.SLACK_UNAVAILABLE, "not_json" if answer.is_good else f"http_{answer.status}")
    return fields


def _workspace(answer: Mapping[str, Any]) -> Workspace:
    """The organisation for an org-wide installation, else the workspace."""
    order = ("enterprise", "team") if answer.get("is_enterprise_install") is True else ("team", "enterprise")
    for name in order:
        place = answer.get(name)
        if isinstance(place, dict) and (place_id := _id(place.get("id"))):
            return Workspace(place_id, clean_name(_text(place.get("name")) or "") or place_id)
    raise SlackRefused(Reason.SLACK_UNAVAILABLE, "no_workspace")


def _installer(person: object) -> str | None:
    return _id(person.get("id")) if isinstance(person, dict) else None


def _expiry(seconds: object, now: datetime) -> datetime | None:
    return now + timedelta(seconds=seconds) if isinstance(seconds, int) and 0 < seconds < 10**9 else None


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
