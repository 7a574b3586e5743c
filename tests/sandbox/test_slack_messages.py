"""Posting messages: where they may go, what refuses them, and what can go wrong on the way."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests

from onboarding.sandbox.slack.messages import KEPT
from tests.sandbox.clients import SlackSite, answer_of, gets_no_answer

HOME = "T9TK3CUKW"
DANA = "U9TK3CUKW"
SCOPES = "chat:write,chat:write.public,channels:read"


def id_of(site: SlackSite, name: str, team: str = HOME) -> str:
    found = site.state.channel_named(team, name)
    assert found is not None
    return found.id


@pytest.fixture
def token(slack_site: SlackSite) -> str:
    return str(slack_site.install(scope=SCOPES)["access_token"])


def post(site: SlackSite, token: str, channel: str, **form: str) -> dict[str, Any]:
    return site.call("chat.postMessage", token, **{"channel": channel, "text": "hello"} | form)


def test_a_message_lands_in_its_channel(slack_site: SlackSite, token: str) -> None:
    deploys = id_of(slack_site, "deploys")
    answer = post(slack_site, token, deploys)
    assert (answer["ok"], answer["channel"]) == (True, deploys)
    assert answer["message"]["bot_id"] == "B9TK3CUKW"
    assert [message.text for message in slack_site.state.messages(deploys)] == ["hello"]
    assert slack_site.state.messages(deploys)[0].ts == answer["ts"]


def test_two_messages_never_share_a_time(slack_site: SlackSite, token: str) -> None:
    stamps = [post(slack_site, token, DANA)["ts"] for _ in range(20)]
    assert sorted(set(stamps)) == stamps


def test_a_message_to_a_person_opens_direct_messages(slack_site: SlackSite, token: str) -> None:
    assert post(slack_site, token, "D9TK3CUKW")["error"] == "channel_not_found"
    assert post(slack_site, token, DANA)["channel"] == "D9TK3CUKW"
    assert post(slack_site, token, "D9TK3CUKW")["ok"] is True
    assert len(slack_site.state.messages(DANA)) == len(slack_site.state.messages("D9TK3CUKW")) == 2
    assert post(slack_site, token, "U404")["error"] == "user_not_found"


def test_without_a_messages_tab_nobody_is_told(slack_site: SlackSite, token: str) -> None:
    slack_site.state.switch_messages_tab(False)
    assert post(slack_site, token, DANA)["error"] == "messages_tab_disabled"
    assert slack_site.state.messages(DANA) == ()
    slack_site.state.reset()
    assert slack_site.state.app.messages_tab is True


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("launch-2019", "is_archived"),
        ("announcements", "restricted_action"),
        ("leadership", "channel_not_found"),
        ("ext-hooli-pilot", "not_in_channel"),
    ],
)
def test_what_stands_in_a_messages_way_is_named(slack_site: SlackSite, token: str, name: str, error: str) -> None:
    assert post(slack_site, token, id_of(slack_site, name))["error"] == error


@pytest.mark.parametrize("name", ["deploys", "incident-room", "ext-initech-support"])
def test_where_a_message_may_go(slack_site: SlackSite, token: str, name: str) -> None:
    assert post(slack_site, token, id_of(slack_site, name))["ok"] is True


@pytest.mark.parametrize("channel", ["", "C404", "C0GL0BEX20002", "#nowhere", "\0", "x" * 5000])
def test_what_is_no_channel(slack_site: SlackSite, token: str, channel: str) -> None:
    assert post(slack_site, token, channel)["error"] == "channel_not_found"


def test_without_the_public_scope_the_app_must_be_inside(slack_site: SlackSite) -> None:
    token, deploys = slack_site.install(scope="chat:write")["access_token"], id_of(slack_site, "deploys")
    assert post(slack_site, token, deploys)["error"] == "not_in_channel"
    slack_site.state.invite(deploys)
    assert post(slack_site, token, deploys)["ok"] is True


def test_posting_needs_its_scope(slack_site: SlackSite) -> None:
    token = slack_site.install(scope="chat:write.public")["access_token"]
    refused = post(slack_site, token, DANA)
    assert (refused["error"], refused["needed"], refused["provided"]) == (
        "missing_scope",
        "chat:write",
        "chat:write.public",
    )


def test_a_name_will_do_except_for_an_organisation(slack_site: SlackSite, token: str) -> None:
    assert post(slack_site, token, "#deploys")["channel"] == post(slack_site, token, "deploys")["channel"]
    org = slack_site.install("org_wide", "T0NRTHW1ND", scope=SCOPES)["access_token"]
    assert post(slack_site, org, "#deploys")["error"] == "team_not_found"
    deploys = id_of(slack_site, "deploys", "T0NRTHW1ND")
    assert post(slack_site, org, deploys)["error"] == "team_access_not_granted"
    slack_site.state.add_workspace("E0NRTHW1ND", "T0NRTHW1ND")
    assert post(slack_site, org, deploys)["ok"] is True
    assert post(slack_site, org, "W0NRTHW1ND")["channel"] == "D0NRTHW1ND"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": "{"}, "invalid_blocks_format"),
        ({"blocks": "[" * 500 + "]" * 500}, "invalid_blocks_format"),
        ({"blocks": "[1]"}, "invalid_blocks"),
        ({"blocks": json.dumps([{"type": "divider"}] * 51)}, "invalid_blocks"),
        ({"markdown_text": "x"}, "markdown_text_conflict"),
    ],
)
def test_words_that_slack_refuses(slack_site: SlackSite, token: str, form: dict[str, str], error: str) -> None:
    assert post(slack_site, token, DANA, **form)["error"] == error
    assert slack_site.state.messages(DANA) == ()


def test_blocks_in_json_are_kept(slack_site: SlackSite, token: str) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Deployed*"}}]
    body, headers = {"channel": DANA, "text": "x", "blocks": blocks}, {"Authorization": f"Bearer {token}"}
    url = f"{slack_site.url}/api/chat.postMessage"
    assert answer_of(slack_site.session.post(url, json=body, headers=headers))["message"]["blocks"] == blocks
    assert slack_site.state.messages(DANA)[0].shown == "*Deployed*"


def test_a_message_sent_twice_under_one_id_is_there_once(slack_site: SlackSite, token: str) -> None:
    first, second = (post(slack_site, token, DANA, client_msg_id="one") for _ in range(2))
    assert (second["is_duplicate"], second["ts"]) == (True, first["ts"])
    assert len(slack_site.state.messages(DANA)) == 1


def test_only_the_latest_messages_are_kept(slack_site: SlackSite, token: str) -> None:
    for number in range(KEPT + 5):
        slack_site.state.post("D9TK3CUKW", user="U1", text=str(number))
    kept = slack_site.state.messages(DANA)
    assert (len(kept), kept[0].text) == (KEPT, "5")


def test_tests_elsewhere_read_messages_and_channels(slack_site: SlackSite, token: str) -> None:
    post(slack_site, token, DANA)
    told = slack_site.session.get(f"{slack_site.url}/sandbox/messages", params={"channel": DANA}).json()
    assert [message["text"] for message in told["messages"]] == ["hello"]
    query = {"team": HOME, "find": "incident"}
    channels = slack_site.session.get(f"{slack_site.url}/sandbox/channels", params=query).json()["channels"]
    assert [(each["name"], each["is_private"], each["has_app"]) for each in channels] == [("incident-room", True, True)]
    assert DANA in channels[0]["members"]
    people = slack_site.session.get(f"{slack_site.url}/sandbox/people", params={"team": HOME}).json()["people"]
    assert people[0] == {"id": DANA, "name": "dana", "real_name": "Dana Reyes"}


def fail(site: SlackSite, kind: str, method: str = "chat.postMessage", **form: str) -> requests.Response:
    fields = {"method": method, "kind": kind, **form}
    return site.session.post(f"{site.url}/faults", data=fields, allow_redirects=False)


def raw(site: SlackSite, token: str, method: str = "chat.postMessage", **form: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    fields = {"channel": DANA, "text": "hello", **form}
    return site.session.post(f"{site.url}/api/{method}", data=fields, headers=headers, timeout=5)


@pytest.mark.parametrize(("kind", "status"), [("html", 200), ("500", 500), ("server_error", 500)])
def test_a_web_page_comes_instead_of_an_answer(slack_site: SlackSite, token: str, kind: str, status: int) -> None:
    assert fail(slack_site, kind, count="1").status_code == 303
    answer = raw(slack_site, token)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert slack_site.state.messages(DANA) == ()
    assert answer_of(raw(slack_site, token))["ok"] is True


@pytest.mark.parametrize(
    ("kind", "form", "after"),
    [("rate_limited", {}, "30"), ("429", {"retry_after": "2"}, "2"), ("rate_limited_long", {}, "3600")],
)
def test_a_method_can_be_limited(
    slack_site: SlackSite, token: str, kind: str, form: dict[str, str], after: str
) -> None:
    fail(slack_site, kind, **form)
    for _ in range(3):
        answer = raw(slack_site, token)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, after)
        assert answer.json() == {"ok": False, "error": "ratelimited"}
    assert slack_site.call("auth.test", token)["ok"] is True
    fail(slack_site, "none")
    assert answer_of(raw(slack_site, token))["ok"] is True


def test_an_error_can_be_named(slack_site: SlackSite, token: str) -> None:
    fail(slack_site, "unknown_error", count="1")
    assert answer_of(raw(slack_site, token))["error"] == "flux_capacitor_missing"
    slack_site.state.faults.set("*", "error", 2, error="account_inactive")
    assert answer_of(raw(slack_site, token))["error"] == "account_inactive"
    assert slack_site.call("auth.test", token)["error"] == "account_inactive"
    assert slack_site.call("auth.test", token)["ok"] is True


def test_a_list_can_have_no_end(slack_site: SlackSite, token: str) -> None:
    fail(slack_site, "endless_cursor", "conversations.list", count="3")
    cursor = ""
    for _ in range(3):
        answer = slack_site.call("conversations.list", token, cursor=cursor)
        cursor = answer["response_metadata"]["next_cursor"]
        assert cursor
    assert slack_site.call("conversations.list", token, cursor=cursor)["ok"] is True


@pytest.mark.parametrize(("kind", "kept"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_comes_before_or_after_the_message(slack_site: SlackSite, token: str, kind: str, kept: int) -> None:
    fail(slack_site, kind, count="1")
    assert gets_no_answer(lambda: raw(slack_site, token))
    assert len(slack_site.state.messages(DANA)) == kept


def test_a_hang_posts_and_keeps_silent(slack_site: SlackSite, token: str) -> None:
    fail(slack_site, "hang", count="1")
    headers = {"Authorization": f"Bearer {token}"}
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{slack_site.url}/api/chat.postMessage",
            data={"channel": DANA, "text": "x"},
            headers=headers,
            timeout=0.3,
        )
    assert len(slack_site.state.messages(DANA)) == 1


def test_an_answer_can_be_late_or_cut_short(slack_site: SlackSite, token: str) -> None:
    fail(slack_site, "slow", count="1")
    before = time.monotonic()
    assert answer_of(raw(slack_site, token))["ok"] is True
    assert time.monotonic() - before >= 0.2
    fail(slack_site, "truncated", count="1")
    with pytest.raises(requests.JSONDecodeError):
        raw(slack_site, token).json()


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "nonsense"},
        {"kind": "html", "method": "chat.delete"},
        {"kind": "html", "count": "0"},
        {"kind": "html", "count": "x"},
        {"kind": "error", "error": "<b>"},
        {"kind": "rate_limited", "retry_after": "99999999"},
    ],
)
def test_a_fault_that_the_form_never_sends_is_refused(slack_site: SlackSite, form: dict[str, str]) -> None:
    assert fail(slack_site, **form).status_code == 400
    assert slack_site.state.faults.current == ()


def test_reset_ends_every_fault(slack_site: SlackSite) -> None:
    fail(slack_site, "html")
    slack_site.state.reset()
    assert slack_site.state.faults.current == ()
