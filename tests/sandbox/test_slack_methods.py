"""The Web API around an installation: test, revoke, uninstall, rotate."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import time_machine

from onboarding.sandbox.slack import SlackApp
from tests.sandbox.clients import CLIENT, SlackSite, answer_of

BODY_CLIENT = {"client_id": CLIENT[0], "client_secret": CLIENT[1]}


def refresh(site: SlackSite, token: str) -> dict[str, Any]:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return answer_of(site.session.post(f"{site.url}/api/oauth.v2.access", data=form, auth=CLIENT))


def test_a_token_says_whose_it_is(slack_site: SlackSite) -> None:
    token = slack_site.install()["access_token"]
    answer = slack_site.call("auth.test", token)
    assert (answer["ok"], answer["team"], answer["team_id"]) == (True, "Acme HQ", "T9TK3CUKW")
    assert answer["bot_id"].startswith("B")
    assert slack_site.call("auth.test", token=token)["ok"] is True


def test_answers_carry_the_tokens_scopes(slack_site: SlackSite) -> None:
    headers = {"Authorization": f"Bearer {slack_site.install()['access_token']}"}
    answer = slack_site.session.post(f"{slack_site.url}/api/auth.test", headers=headers)
    assert answer.headers["X-OAuth-Scopes"] == "chat:write,channels:read,users:read"


@pytest.mark.parametrize(("token", "error"), [("", "not_authed"), ("xoxb-nothing", "invalid_auth")])
def test_without_a_good_token_nothing_is_told(slack_site: SlackSite, token: str, error: str) -> None:
    for method in ("auth.test", "auth.revoke", "apps.uninstall", "team.info"):
        assert slack_site.call(method, token) == {"ok": False, "error": error}


def test_revoking_the_last_token_uninstalls(slack_site: SlackSite) -> None:
    token = slack_site.install()["access_token"]
    assert slack_site.call("auth.revoke", token, test="1")["revoked"] is False
    assert slack_site.call("auth.revoke", token)["revoked"] is True
    assert slack_site.call("auth.test", token)["error"] == "token_revoked"
    assert slack_site.state.installations == ()
    assert slack_site.install()["access_token"] != token


def test_uninstalling_takes_the_client_too(slack_site: SlackSite) -> None:
    token = slack_site.install()["access_token"]
    assert slack_site.call("apps.uninstall", token)["error"] == "invalid_client_id"
    assert slack_site.call("apps.uninstall", token, **BODY_CLIENT) == {"ok": True}
    assert slack_site.call("auth.test", token)["error"] == "account_inactive"


def test_team_info_asks_for_its_scope(slack_site: SlackSite) -> None:
    refused = slack_site.call("team.info", slack_site.install()["access_token"])
    assert (refused["error"], refused["needed"]) == ("missing_scope", "team:read")
    token = slack_site.install(scope="team:read", workspace="T0NRTHW1ND")["access_token"]
    assert slack_site.call("team.info", token)["team"]["enterprise_id"] == "E0NRTHW1ND"


def test_a_rotating_token_lives_twelve_hours(slack_site: SlackSite) -> None:
    with time_machine.travel("2030-01-01T00:00Z", tick=False) as clock:
        answer = slack_site.install("rotation")
        assert answer["expires_in"] == 43200
        assert answer["access_token"].startswith("xoxe.xoxb-")
        clock.shift(timedelta(hours=12))
        assert slack_site.call("auth.test", answer["access_token"])["error"] == "token_expired"


def test_a_refresh_token_works_once(slack_site: SlackSite) -> None:
    with time_machine.travel("2030-01-01T00:00Z", tick=False) as clock:
        first = slack_site.install("rotation")
        second = refresh(slack_site, first["refresh_token"])
        assert second["refresh_token"] != first["refresh_token"]
        assert "authed_user" not in second
        clock.shift(timedelta(minutes=1))
        assert refresh(slack_site, first["refresh_token"])["error"] == "invalid_refresh_token"
        assert slack_site.call("auth.test", first["access_token"])["ok"] is True


def test_the_third_token_revokes_the_first(slack_site: SlackSite) -> None:
    tokens = [slack_site.install("rotation")["access_token"] for _ in range(3)]
    assert [slack_site.call("auth.test", token)["ok"] for token in tokens] == [False, True, True]


def test_revoking_a_rotating_token_leaves_the_installation(slack_site: SlackSite) -> None:
    answer = slack_site.install("rotation")
    slack_site.call("auth.revoke", answer["access_token"])
    assert len(slack_site.state.installations) == 1
    assert refresh(slack_site, answer["refresh_token"])["ok"] is True


def test_exchange_needs_rotation_switched_on(slack_site: SlackSite) -> None:
    token = slack_site.install()["access_token"]
    assert slack_site.call("oauth.v2.exchange", **BODY_CLIENT, token=token)["error"] == "token_rotation_not_enabled"
    slack_site.state.app = SlackApp(token_rotation=True)
    assert slack_site.call("oauth.v2.exchange", **BODY_CLIENT, token="xoxb-1")["error"] == "invalid_token"
    assert slack_site.install()["expires_in"] == 43200


def test_a_token_is_exchanged_once_and_dies_with_the_first_refresh(slack_site: SlackSite) -> None:
    token = slack_site.install()["access_token"]
    slack_site.state.app = SlackApp(token_rotation=True)
    pair = slack_site.call("oauth.v2.exchange", **BODY_CLIENT, token=token)
    again = slack_site.call("oauth.v2.exchange", **BODY_CLIENT, token=token)
    assert again["error"] == "token_already_exchanged"
    assert slack_site.call("auth.test", token)["ok"] is True
    refresh(slack_site, pair["refresh_token"])
    assert slack_site.call("auth.test", token)["error"] == "token_revoked"


@pytest.mark.parametrize("method", ["chat.delete", "x/../y", "\0"])
def test_an_unknown_method_is_named_at_200(slack_site: SlackSite, method: str) -> None:
    assert slack_site.call(quote(method, safe=""))["error"] == "unknown_method"


@pytest.mark.parametrize(
    ("body", "type_", "error"),
    [
        (b"{", "application/json", "invalid_json"),
        (b"[" * 5000 + b"]" * 5000, "application/json", "invalid_json"),
        (b"\xff\xfe", "application/json", "invalid_json"),
        (b"[]", "application/json", "json_not_object"),
        (b'{"code": [1], "client_id": null}', "application/json", "invalid_client_id"),
        (b"code=1", "text/plain", "invalid_post_type"),
        (b"code=1", "", "missing_post_type"),
        (b"code=%00%ff&code=2&client_id=%F0%9F", "application/x-www-form-urlencoded", "invalid_client_id"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x", "invalid_client_id"),
        (b"x" * 1_100_000, "application/x-www-form-urlencoded", "invalid_form_data"),
        (b"", "", "invalid_client_id"),
        (b"", "application/json;charset=utf-8", "invalid_client_id"),
    ],
)
def test_no_body_breaks_it(slack_site: SlackSite, body: bytes, type_: str, error: str) -> None:
    url, headers = f"{slack_site.url}/api/oauth.v2.access", {"Content-Type": type_} if type_ else {}
    assert answer_of(slack_site.session.post(url, data=body, headers=headers))["error"] == error


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic Og==", "Basic /////w==", "Bearer ", "\xff"])
def test_no_authorization_header_breaks_it(slack_site: SlackSite, header: str) -> None:
    url = f"{slack_site.url}/api/oauth.v2.access"
    answer = slack_site.session.post(url, headers={"Authorization": header.encode("latin-1")})
    assert answer_of(answer)["error"] == "invalid_client_id"


def test_reset_forgets_everything(slack_site: SlackSite) -> None:
    token = slack_site.install()["access_token"]
    slack_site.state.reset()
    assert (slack_site.state.redeem_count, slack_site.state.grants) == (0, ())
    assert slack_site.call("auth.test", token)["error"] == "invalid_auth"
