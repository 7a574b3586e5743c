"""The only module that talks to Slack: sends people there and redeems what they come back with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from requests import RequestException

from onboarding.model import Grant, Reason, Secret, Workspace
from onboarding.model.errors import SlackRefused
from onboarding.model.names import clean_name
from onboarding.remote import http
from onboarding.remote.http import Deadline
from onboarding.settings.environment import SlackSettings

# https://docs.slack.dev/reference/methods/oauth.v2.access#errors
_OURS_TO_FIX: Final = """
    invalid_client_id bad_client_secret bad_redirect_uri invalid_grant_type oauth_authorization_url_mismatch
    pkce_not_allowed no_scopes missing_scope invalid_form_data invalid_post_type missing_post_type
    invalid_charset invalid_arguments invalid_arg_name invalid_array_arg deprecated_endpoint
    method_deprecated unknown_method
"""
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
"""Slack's documented errors by what to do about them. An unheard-of one counts as `code_refused`."""


_ALREADY_GONE: Final = {"token_revoked", "token_expired", "account_inactive", "invalid_auth", "not_authed"}
"""What Slack says of a token that no longer works. https://docs.slack.dev/reference/methods/auth.revoke#errors"""


class Slack:
    """One Slack app, as its OAuth client."""

    def __init__(self, settings: SlackSettings, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._settings = settings
        self._adapter = http.BoundedAdapter(connect_again=1)

    def authorize_url(self, state: Secret) -> str:
        url, _ = self._session().create_authorization_url(
            f"{self._settings.url}/oauth/v2/authorize", state=state.reveal()
        )
        return str(url)

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
        try:
            response = http.session(self._adapter).post(
                f"{self._settings.url}/api/{method}",
                headers={"Authorization": f"Bearer {bot_token.reveal()}"},
                timeout=deadline.timeouts(),
                allow_redirects=False,
            )
            answer = http.read_json(response)
        except RequestException as error:
            raise SlackRefused(Reason.SLACK_UNAVAILABLE, type(error).__name__) from None
        except ValueError:
            raise SlackRefused(Reason.SLACK_UNAVAILABLE, "not_json") from None
        fields = answer if isinstance(answer, dict) else {}
        if fields.get("ok") is True:
            return fields
        if fields.get("error") in _ALREADY_GONE:
            return None
        raise _refusal(fields.get("error"))

    def _exchange(self, code: Secret, deadline: Deadline | None) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = self._session().fetch_token(
                f"{self._settings.url}/api/oauth.v2.access",
                grant_type="authorization_code",
                code=code.reveal(),
                timeout=deadline.timeouts() if deadline else None,
                allow_redirects=False,
            )
        except OAuthError as error:
            raise _refusal(error.error) from None
        except RequestException as error:
            raise SlackRefused(Reason.SLACK_UNAVAILABLE, type(error).__name__) from None
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise SlackRefused(Reason.SLACK_UNAVAILABLE, "not_json") from None
        if answer.get("ok") is not True:
            raise SlackRefused(Reason.SLACK_UNAVAILABLE, "not_ok")
        return answer

    def _session(self) -> OAuth2Session:
        session = OAuth2Session(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret.reveal(),
            scope=",".join(self._settings.scopes),
            redirect_uri=self._settings.redirect_uri,
        )
        http.configure(session, self._adapter)
        return session


def error_word(error: object) -> str:
    """Slack's error as a word that is safe to keep and show: the set is open, the sender may be anybody."""
    return error if isinstance(error, str) and re.fullmatch(r"[a-z0-9_]{1,64}", error) else "unreadable"


def _refusal(error: object) -> SlackRefused:
    word = error_word(error)
    return SlackRefused(REASONS.get(word, Reason.CODE_REFUSED), word)


def _workspace(answer: Mapping[str, Any]) -> Workspace:
    """The organisation for an org-wide installation, else the workspace."""
    order = ("enterprise", "team") if answer.get("is_enterprise_install") is True else ("team", "enterprise")
    for name in order:
        place = answer.get(name)
        if isinstance(place, dict) and (place_id := _id(place.get("id"))):
            return Workspace(place_id, clean_name(_text(place.get("name")) or "") or place_id)
    raise SlackRefused(Reason.SLACK_UNAVAILABLE, "no_workspace")


def _expiry(seconds: object, now: datetime) -> datetime | None:
    return now + timedelta(seconds=seconds) if isinstance(seconds, int) and 0 < seconds < 10**9 else None


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
