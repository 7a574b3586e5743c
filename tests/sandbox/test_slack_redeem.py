"""Redeeming a code: who may, how often, and every way in which it can end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests
import time_machine

from onboarding.sandbox.slack.outcomes import OUTCOMES
from tests.sandbox.clients import CLIENT, REDIRECT_URI, SlackSite, answer_of, gets_no_answer


def test_an_approval_grants_a_bot_token(slack_site: SlackSite) -> None:
    answer = slack_site.install()
    assert answer["ok"] is True
    assert answer["access_token"].startswith("xoxb-")
    assert answer["scope"] == "chat:write,channels:read,users:read"
    assert answer["team"] == {"id": "T9TK3CUKW", "name": "Acme HQ"}
    assert (answer["enterprise"], answer["is_enterprise_install"]) == (None, False)
    assert [grant.token for grant in slack_site.state.grants] == [answer["access_token"]]


def test_a_workspace_in_an_organisation_names_both(slack_site: SlackSite) -> None:
    answer = slack_site.install(workspace="T0NRTHW1ND")
    assert answer["team"]["id"] == "T0NRTHW1ND"
    assert answer["enterprise"]["name"] == "Northwind Group"
    assert answer["is_enterprise_install"] is False


def test_user_scopes_give_a_person_a_token_of_their_own(slack_site: SlackSite) -> None:
    user = slack_site.install(user_scope="search:read")["authed_user"]
    assert user["access_token"].startswith("xoxp-")
    assert user["scope"] == "search:read"


def test_the_same_workspace_gets_the_same_token_again(slack_site: SlackSite) -> None:
    first, second = slack_site.install(), slack_site.install(scope="chat:write,pins:read")
    assert first["access_token"] == second["access_token"]
    assert second["scope"] == "chat:write,channels:read,users:read,pins:read"
    assert slack_site.install(workspace="T1")["access_token"] != first["access_token"]


def test_fifty_race_for_one_code_and_one_wins(slack_site: SlackSite) -> None:
    code = slack_site.code()

    def redeem(_: int) -> str | None:
        form = {"code": code, "redirect_uri": REDIRECT_URI}
        answer = requests.post(f"{slack_site.url}/api/oauth.v2.access", data=form, auth=CLIENT, timeout=10)
        return answer_of(answer).get("error")

    with ThreadPoolExecutor(50) as pool:
        errors = list(pool.map(redeem, range(50)))
    assert (errors.count(None), errors.count("code_already_used")) == (1, 49)
    assert (slack_site.state.redeem_count, len(slack_site.state.grants)) == (50, 1)


def test_a_code_lives_ten_minutes(slack_site: SlackSite) -> None:
    with time_machine.travel("2030-01-01T00:00Z", tick=False) as clock:
        early, late = slack_site.code(), slack_site.code()
        clock.shift(timedelta(seconds=599))
        assert answer_of(slack_site.redeem(early))["ok"] is True
        clock.shift(timedelta(seconds=1))
        assert answer_of(slack_site.redeem(late))["error"] == "code_expired"


@pytest.mark.parametrize("uri", ["", "http://127.0.0.1:8000/slack/oauth_redirect/", "http://127.0.0.1:8000/x"])
def test_the_redirect_uri_must_be_the_same_both_times(slack_site: SlackSite, uri: str) -> None:
    code = slack_site.code()
    assert answer_of(slack_site.redeem(code, redirect_uri=uri))["error"] == "bad_redirect_uri"
    assert answer_of(slack_site.redeem(code))["ok"] is True


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "9.9", "client_secret": CLIENT[1]}, "invalid_client_id"),
        ({"client_id": CLIENT[0], "client_secret": "wrong é"}, "bad_client_secret"),
        ({"client_id": CLIENT[0]}, "bad_client_secret"),
        ({}, "invalid_client_id"),
    ],
)
def test_the_client_must_be_known(slack_site: SlackSite, form: dict[str, str], error: str) -> None:
    code = slack_site.code()
    assert slack_site.call("oauth.v2.access", code=code, redirect_uri=REDIRECT_URI, **form)["error"] == error


def test_the_client_may_sign_in_within_the_body(slack_site: SlackSite) -> None:
    form = {"client_id": CLIENT[0], "client_secret": CLIENT[1], "code": slack_site.code()}
    assert slack_site.call("oauth.v2.access", redirect_uri=REDIRECT_URI, unknown="x", **form)["ok"] is True


def test_json_and_multipart_work_as_a_form_does(slack_site: SlackSite) -> None:
    url = f"{slack_site.url}/api/oauth.v2.access"
    body = {"redirect_uri": REDIRECT_URI, "code": slack_site.code()}
    assert answer_of(slack_site.session.post(url, json=body, auth=CLIENT))["ok"] is True
    parts = {"redirect_uri": (None, REDIRECT_URI), "code": (None, slack_site.code())}
    assert answer_of(slack_site.session.post(url, files=parts, auth=CLIENT))["ok"] is True


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"code": "1.2.3"}, "invalid_code"),
        ({"code": ""}, "invalid_code"),
        ({"grant_type": "password"}, "invalid_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "xoxe-1-nothing"}, "invalid_refresh_token"),
        ({"code_verifier": "x" * 43}, "pkce_not_allowed"),
    ],
)
def test_what_cannot_be_redeemed_is_named(slack_site: SlackSite, form: dict[str, str], error: str) -> None:
    answer = slack_site.session.post(f"{slack_site.url}/api/oauth.v2.access", data=form, auth=CLIENT)
    assert answer_of(answer)["error"] == error


@pytest.mark.parametrize("outcome", [each for each in OUTCOMES.values() if each.refusal], ids=lambda each: each.slug)
def test_a_refusal_comes_at_200_and_grants_nothing(slack_site: SlackSite, outcome: object) -> None:
    refused = next(each for each in OUTCOMES.values() if each is outcome)
    assert slack_site.install(refused.slug) == {"ok": False, "error": refused.refusal}
    assert slack_site.state.grants == ()


def test_org_wide_has_no_team(slack_site: SlackSite) -> None:
    answer = slack_site.install("org_wide", "T0NRTHW1ND")
    assert (answer["team"], answer["is_enterprise_install"]) == (None, True)
    assert answer["enterprise"] == {"id": "E0NRTHW1ND", "name": "Northwind Group"}
    assert slack_site.install("org_wide")["enterprise"]["id"] == "E9TK3CUKW"


def test_one_scope_fewer_is_the_last_one_asked_for(slack_site: SlackSite) -> None:
    slack_site.install()
    assert slack_site.install("fewer_scopes")["scope"] == "chat:write,channels:read"


def test_user_only_has_no_bot_token(slack_site: SlackSite) -> None:
    answer = slack_site.install("user_only")
    assert not {"access_token", "scope", "bot_user_id", "token_type"} & set(answer)
    assert answer["authed_user"]["access_token"].startswith("xoxp-")


def test_a_nameless_workspace_has_an_id(slack_site: SlackSite) -> None:
    assert slack_site.install("no_workspace_name")["team"] == {"id": "T9TK3CUKW"}


def test_ok_without_token_is_just_that(slack_site: SlackSite) -> None:
    assert slack_site.install("ok_without_token") == {"ok": True}


@pytest.mark.parametrize(("slug", "status"), [("server_error", 500), ("html", 200), ("rate_limited", 429)])
def test_trouble_in_front_of_slack_grants_nothing(slack_site: SlackSite, slug: str, status: int) -> None:
    answer = slack_site.redeem(slack_site.code(slug))
    assert answer.status_code == status
    assert slack_site.state.grants == ()
    assert ("Retry-After" in answer.headers) is (slug == "rate_limited")


def test_an_answer_cut_short_is_no_json_but_a_grant(slack_site: SlackSite) -> None:
    answer = slack_site.redeem(slack_site.code("truncated"))
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert len(slack_site.state.grants) == 1


@pytest.mark.parametrize(("slug", "grants"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_comes_before_or_after_the_grant(slack_site: SlackSite, slug: str, grants: int) -> None:
    code = slack_site.code(slug)
    assert gets_no_answer(lambda: slack_site.redeem(code))
    assert len(slack_site.state.grants) == grants


def test_a_slow_answer_comes_late(slack_site: SlackSite) -> None:
    answer = slack_site.redeem(slack_site.code("slow"))
    assert answer.elapsed >= timedelta(seconds=0.2)
    assert answer_of(answer)["ok"] is True


def test_a_hang_grants_and_keeps_silent(slack_site: SlackSite) -> None:
    form = {"code": slack_site.code("hang"), "redirect_uri": REDIRECT_URI}
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{slack_site.url}/api/oauth.v2.access", data=form, auth=CLIENT, timeout=0.3)
    assert len(slack_site.state.grants) == 1


def test_an_outcome_belongs_to_its_code_alone(slack_site: SlackSite) -> None:
    refused, approved = slack_site.code("code_expired"), slack_site.code()
    assert answer_of(slack_site.redeem(approved))["ok"] is True
    assert answer_of(slack_site.redeem(refused))["error"] == "code_expired"


def test_neither_codes_nor_tokens_show_in_a_repr(slack_site: SlackSite) -> None:
    answer = slack_site.install("rotation")
    shown = repr(slack_site.state.grants)
    assert answer["access_token"] not in shown
    assert slack_site.state.grants[0].code not in shown
