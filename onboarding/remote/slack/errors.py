"""Slack's own words for what went wrong, by what to do about them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from onboarding.model import Reason
from onboarding.model.errors import (
    ChannelUnknown,
    PersonUnknown,
    RateLimited,
    Remedy,
    SlackRefused,
    SlackSaysNo,
    TeamUnknown,
    TokenDead,
    TokenExpired,
)

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

EXPIRED: Final = "token_expired"
"""Slack says so of a token that rotates. Whoever has its refresh token can have another."""
_DEAD: Final = {"token_revoked", "account_inactive", "invalid_auth"}
ALREADY_GONE: Final = {*_DEAD, "not_authed"}
"""What Slack says of a token that no longer works. https://docs.slack.dev/reference/methods/auth.revoke#errors"""

# https://docs.slack.dev/reference/methods/chat.postMessage#errors
_CHOOSE_AGAIN: Final = """
    channel_not_found is_archived user_not_found user_disabled user_not_visible team_not_found
    method_not_supported_for_channel_type
"""
_ASK_IN_SLACK: Final = """
    not_in_channel restricted_action restricted_action_read_only_channel restricted_action_thread_only_channel
    restricted_action_non_threadable_channel ekm_access_denied team_access_not_granted message_limit_exceeded
    cannot_reply_to_message access_denied no_permission enterprise_is_restricted org_login_required
    too_many_members
"""
_OURS: Final = """
    messages_tab_disabled missing_scope invalid_blocks invalid_blocks_format msg_blocks_too_long no_text
    msg_too_long invalid_arguments invalid_arg_name invalid_array_arg invalid_charset invalid_form_data
    invalid_post_type missing_post_type missing_argument invalid_types invalid_limit unknown_method
    method_deprecated deprecated_endpoint not_allowed_token_type as_user_not_supported
"""
_LATER: Final = """
    ratelimited rate_limited internal_error fatal_error service_unavailable request_timeout team_added_to_org
    invalid_cursor
"""
REMEDIES: Final[Mapping[str, Remedy]] = {
    error: remedy
    for errors, remedy in (
        (" ".join([*ALREADY_GONE, EXPIRED, "app_access_restricted", "accesslimited"]), Remedy.RECONNECT),
        (_CHOOSE_AGAIN, Remedy.CHOOSE_AGAIN),
        (_ASK_IN_SLACK, Remedy.ASK_IN_SLACK),
        (_OURS, Remedy.OURS),
        (_LATER, Remedy.LATER),
    )
    for error in errors.split()
}
"""What to do about a call with a bot token that Slack refused. An unheard-of error counts as ours."""
_KINDS: Final[Mapping[str, type[SlackSaysNo]]] = {
    EXPIRED: TokenExpired,
    **dict.fromkeys(_DEAD, TokenDead),
    **dict.fromkeys(("ratelimited", "rate_limited"), RateLimited),
    **dict.fromkeys(("user_not_found", "user_disabled", "user_not_visible"), PersonUnknown),
    **dict.fromkeys(("team_not_found", "team_access_not_granted"), TeamUnknown),
    "channel_not_found": ChannelUnknown,
}
"""Those on which the service acts by itself."""


def reason_of_return(error: str, *, is_described: bool) -> Reason:
    """Why Slack's page sent a person back with an error. Only somebody who chose Cancel comes with a description."""
    if error == "access_denied":
        return Reason.DENIED_BY_PERSON if is_described else Reason.NOT_PERMITTED
    is_ours = REASONS.get(error) is Reason.SLACK_MISCONFIGURED
    return Reason.SLACK_MISCONFIGURED if is_ours else Reason.SLACK_REFUSED


def error_word(error: object) -> str:
    """Slack's error as a word that is safe to keep and show: the set is open, the sender may be anybody."""
    return error if isinstance(error, str) and re.fullmatch(r"[a-z0-9_]{1,64}", error) else "unreadable"


def refusal(error: object) -> SlackRefused:
    """Why Slack gave no grant."""
    word = error_word(error)
    return SlackRefused(REASONS.get(word, Reason.SLACK_REFUSED), word)


def no(error: object, retry_after: int = 0) -> SlackSaysNo:
    """Why Slack did not do what a bot token was used for."""
    word = error_word(error)
    return _KINDS.get(word, SlackSaysNo)(word, REMEDIES.get(word, Remedy.OURS), retry_after)
