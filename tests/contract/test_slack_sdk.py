"""Slack's own client for Python at the local Slack, and ours where it redeems a code."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from onboarding.model import Grant, Reason, Secret, Workspace
from onboarding.model.errors import SlackRefused
from onboarding.remote.slack import Slack
from onboarding.sandbox.slack import SlackApp
from onboarding.sandbox.slack.outcomes import OUTCOMES
from onboarding.settings.apps import SlackSettings
from tests.sandbox.clients import CLIENT, REDIRECT_URI, SlackSite

CREDENTIALS = {"client_id": CLIENT[0], "client_secret": CLIENT[1]}
REFUSED = sorted(slug for slug, outcome in OUTCOMES.items() if outcome.refusal)


def web(site: SlackSite, token: str | None = None, *, retries: bool = False) -> WebClient:
    """Slack's client tries a lost connection once more unless it is told not to."""
    client = WebClient(token=token, base_url=f"{site.url}/api/", timeout=2)
    if not retries:
        client.retry_handlers.clear()
    return client


def redeem(site: SlackSite, code: str, **changes: Any) -> dict[str, Any]:
    arguments = {**CREDENTIALS, "code": code, "redirect_uri": REDIRECT_URI, **changes}
    answer = web(site).oauth_v2_access(**arguments)
    assert isinstance(answer.data, dict)
    return answer.data


def error_of(caught: pytest.ExceptionInfo[SlackApiError]) -> str:
    return str(caught.value.response["error"])


def ours(site: SlackSite, *scopes: str) -> Slack:
    settings = SlackSettings(site.url, CLIENT[0], Secret(CLIENT[1]), scopes or ("chat:write",), REDIRECT_URI)
    return Slack(settings, lambda: datetime.now(UTC))


def our_refusal(site: SlackSite, code: str) -> SlackRefused:
    with pytest.raises(SlackRefused) as caught:
        ours(site).redeem(Secret(code))
    return caught.value


def test_both_read_the_same_grant(slack_site: SlackSite) -> None:
    theirs = redeem(slack_site, slack_site.code(workspace="T0NRTHW1ND"))
    grant = ours(slack_site).redeem(Secret(slack_site.code(workspace="T0NRTHW1ND")))
    assert grant.bot_token.reveal() == theirs["access_token"]
    assert grant.scopes == set(theirs["scope"].split(","))
    assert (grant.workspace.id, grant.workspace.name) == (theirs["team"]["id"], theirs["team"]["name"])
    assert (grant.app_id, grant.bot_user_id) == (theirs["app_id"], theirs["bot_user_id"])
    assert theirs["enterprise"]["id"] == "E0NRTHW1ND"


def test_both_read_an_org_wide_grant(slack_site: SlackSite) -> None:
    theirs = redeem(slack_site, slack_site.code("org_wide", "T0NRTHW1ND"))
    grant = ours(slack_site).redeem(Secret(slack_site.code("org_wide", "T0NRTHW1ND")))
    assert (theirs["team"], theirs["is_enterprise_install"]) == (None, True)
    assert grant.workspace == Workspace(theirs["enterprise"]["id"], theirs["enterprise"]["name"])


def test_both_read_a_rotating_grant(slack_site: SlackSite) -> None:
    theirs = redeem(slack_site, slack_site.code("rotation"))
    grant = ours(slack_site).redeem(Secret(slack_site.code("rotation")))
    assert theirs["expires_in"] == 43200
    assert theirs["refresh_token"].startswith("xoxe-1-")
    assert grant.refresh_token is not None
    assert grant.expires_at is not None
    assert round((grant.expires_at - grant.granted_at).total_seconds(), -1) == 43200


def test_a_nameless_workspace_is_called_by_its_id(slack_site: SlackSite) -> None:
    assert redeem(slack_site, slack_site.code("no_workspace_name"))["team"] == {"id": "T9TK3CUKW"}
    grant = ours(slack_site).redeem(Secret(slack_site.code("no_workspace_name")))
    assert grant.workspace == Workspace("T9TK3CUKW", "T9TK3CUKW")


def test_a_grant_without_a_bot_is_one_to_slack_and_none_to_us(slack_site: SlackSite) -> None:
    assert "access_token" not in redeem(slack_site, slack_site.code("user_only"))
    assert our_refusal(slack_site, slack_site.code("user_only")).reason is Reason.NO_BOT_TOKEN


def test_slack_sdk_takes_ok_for_a_grant_where_ours_looks_for_the_token(slack_site: SlackSite) -> None:
    assert redeem(slack_site, slack_site.code("ok_without_token")) == {"ok": True}
    assert our_refusal(slack_site, slack_site.code("ok_without_token")).reason is Reason.NO_BOT_TOKEN


def test_fewer_scopes_are_a_grant_to_slack_and_none_to_us(slack_site: SlackSite) -> None:
    assert redeem(slack_site, slack_site.code("fewer_scopes"))["scope"] == "chat:write,channels:read"
    with pytest.raises(SlackRefused) as caught:
        ours(slack_site, "chat:write", "users:read").redeem(Secret(slack_site.code("fewer_scopes")))
    assert (caught.value.reason, caught.value.detail) == (Reason.SCOPES_MISSING, "users:read")


@pytest.mark.parametrize("slug", REFUSED)
def test_both_are_told_the_same_error(slack_site: SlackSite, slug: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        redeem(slack_site, slack_site.code(slug))
    assert error_of(caught) == OUTCOMES[slug].refusal == our_refusal(slack_site, slack_site.code(slug)).detail
    assert caught.value.response.status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "9.9"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "bad_client_secret"),
        ({"redirect_uri": "http://127.0.0.1:8000/other"}, "bad_redirect_uri"),
        ({"redirect_uri": None}, "bad_redirect_uri"),
        ({"code": "1.2.3"}, "invalid_code"),
        ({"grant_type": "password"}, "invalid_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "xoxe-1-x"}, "invalid_refresh_token"),
    ],
)
def test_what_cannot_be_redeemed_is_named(slack_site: SlackSite, changes: dict[str, Any], error: str) -> None:
    code = slack_site.code()
    with pytest.raises(SlackApiError) as caught:
        redeem(slack_site, **{"code": code, **changes})
    assert error_of(caught) == error


def test_a_code_is_good_for_one(slack_site: SlackSite) -> None:
    code = slack_site.code()
    redeem(slack_site, code)
    with pytest.raises(SlackApiError) as caught:
        redeem(slack_site, code)
    assert error_of(caught) == our_refusal(slack_site, code).detail == "code_already_used"


@pytest.mark.parametrize(("slug", "status"), [("server_error", 500), ("rate_limited", 429), ("html", 200)])
def test_trouble_in_front_of_slack_is_trouble_for_both(slack_site: SlackSite, slug: str, status: int) -> None:
    with pytest.raises(SlackApiError) as caught:
        redeem(slack_site, slack_site.code(slug))
    assert caught.value.response.status_code == status
    assert ("Retry-After" in caught.value.response.headers) is (slug == "rate_limited")
    assert our_refusal(slack_site, slack_site.code(slug)).reason is Reason.SLACK_UNAVAILABLE


def test_an_answer_cut_short_shows_a_token_in_slack_sdks_error_and_none_in_ours(slack_site: SlackSite) -> None:
    with pytest.raises(SlackApiError) as caught:
        redeem(slack_site, slack_site.code("truncated"))
    assert "xoxb-" in str(caught.value)
    refused = our_refusal(slack_site, slack_site.code("truncated"))
    assert refused.reason is Reason.SLACK_UNAVAILABLE
    assert "xoxb" not in str(refused)


@pytest.mark.parametrize("slug", ["reset_before", "reset_after"])
def test_a_lost_connection_is_an_error_of_its_own(slack_site: SlackSite, slug: str) -> None:
    with pytest.raises(ConnectionError):
        redeem(slack_site, slack_site.code(slug))
    assert our_refusal(slack_site, slack_site.code(slug)).reason is Reason.SLACK_UNAVAILABLE


def test_slack_sdk_redeems_a_code_twice_where_the_answer_is_lost(slack_site: SlackSite) -> None:
    """And is told that it was used before; the grant is gone. Ours asks once."""
    code = slack_site.code("reset_after")
    with pytest.raises(SlackApiError) as caught:
        web(slack_site, retries=True).oauth_v2_access(**CREDENTIALS, code=code, redirect_uri=REDIRECT_URI)
    assert error_of(caught) == "code_already_used"
    before = slack_site.state.redeem_count
    our_refusal(slack_site, slack_site.code("reset_after"))
    assert (before, slack_site.state.redeem_count) == (2, 3)


def test_a_hanging_slack_is_given_up(slack_site: SlackSite) -> None:
    client = WebClient(base_url=f"{slack_site.url}/api/", timeout=1, retry_handlers=[])
    with pytest.raises(TimeoutError):
        client.oauth_v2_access(**CREDENTIALS, code=slack_site.code("hang"), redirect_uri=REDIRECT_URI)


def test_a_slow_slack_is_waited_for(slack_site: SlackSite) -> None:
    assert redeem(slack_site, slack_site.code("slow"))["ok"] is True
    assert isinstance(ours(slack_site).redeem(Secret(slack_site.code("slow"))), Grant)


def test_a_token_is_refreshed(slack_site: SlackSite) -> None:
    first = redeem(slack_site, slack_site.code("rotation"))
    arguments: dict[str, Any] = {**CREDENTIALS, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = web(slack_site).oauth_v2_access(**arguments)
    assert second["access_token"] != first["access_token"]
    assert second["expires_in"] == 43200
    assert second.get("authed_user") is None


def test_a_token_is_exchanged_once(slack_site: SlackSite) -> None:
    client, token = web(slack_site), slack_site.install()["access_token"]
    with pytest.raises(SlackApiError) as caught:
        client.oauth_v2_exchange(token=token, **CREDENTIALS)
    assert error_of(caught) == "token_rotation_not_enabled"
    slack_site.state.app = SlackApp(token_rotation=True)
    assert client.oauth_v2_exchange(token=token, **CREDENTIALS)["refresh_token"]
    with pytest.raises(SlackApiError) as caught:
        client.oauth_v2_exchange(token=token, **CREDENTIALS)
    assert error_of(caught) == "token_already_exchanged"


def test_a_token_says_whose_it_is(slack_site: SlackSite) -> None:
    client = web(slack_site, slack_site.install()["access_token"])
    answer = client.auth_test()
    assert (answer["team_id"], answer["user_id"]) == ("T9TK3CUKW", "UBOT9TK3CUKW")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert headers["x-oauth-scopes"] == "chat:write,channels:read,users:read"


def test_team_info_asks_for_its_scope(slack_site: SlackSite) -> None:
    with pytest.raises(SlackApiError) as caught:
        web(slack_site, slack_site.install()["access_token"]).team_info()
    assert (error_of(caught), caught.value.response["needed"]) == ("missing_scope", "team:read")
    token = slack_site.install(scope="team:read")["access_token"]
    assert web(slack_site, token).team_info()["team"]["name"] == "Acme HQ"


def test_a_token_is_revoked(slack_site: SlackSite) -> None:
    client = web(slack_site, slack_site.install()["access_token"])
    assert client.auth_revoke(test=True)["revoked"] is False
    assert client.auth_revoke(test=False)["revoked"] is True
    with pytest.raises(SlackApiError) as caught:
        client.auth_test()
    assert error_of(caught) == "token_revoked"


def test_the_app_is_uninstalled(slack_site: SlackSite) -> None:
    client = web(slack_site, slack_site.install()["access_token"])
    with pytest.raises(SlackApiError) as caught:
        client.apps_uninstall(client_id=CLIENT[0], client_secret="wrong")
    assert error_of(caught) == "bad_client_secret"
    assert client.apps_uninstall(**CREDENTIALS)["ok"] is True
    with pytest.raises(SlackApiError) as caught:
        client.auth_test()
    assert error_of(caught) == "account_inactive"


@pytest.mark.parametrize(("token", "error"), [("", "not_authed"), ("xoxb-nothing", "invalid_auth")])
def test_without_a_good_token_nothing_is_told(slack_site: SlackSite, token: str, error: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        web(slack_site, token).auth_test()
    assert error_of(caught) == error


def test_what_the_local_slack_lacks_is_an_unknown_method(slack_site: SlackSite) -> None:
    client = web(slack_site, slack_site.install()["access_token"])
    with pytest.raises(SlackApiError) as caught:
        client.chat_delete(channel="C1", ts="1.1")
    assert error_of(caught) == "unknown_method"
    assert json.dumps(caught.value.response.data)
