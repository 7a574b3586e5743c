"""Slack's own client for Python at the local Slack's workspaces: lists, pages, people and messages."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.contract.test_slack_sdk import error_of, web
from tests.sandbox.clients import SlackSite

SCOPES = "chat:write,chat:write.public,channels:read,groups:read,im:read,im:write,channels:join"
DANA = "U9TK3CUKW"
BOTH = "public_channel,private_channel"


@pytest.fixture
def client(slack_site: SlackSite) -> WebClient:
    return web(slack_site, slack_site.install(scope=SCOPES)["access_token"])


def by_name(client: WebClient, **options: Any) -> dict[str, dict[str, Any]]:
    """Every page, as slack_sdk follows the cursor by itself."""
    pages = client.conversations_list(limit=4, types=BOTH, **options)
    return {channel["name"]: channel for page in pages for channel in page["channels"]}


def test_slack_sdk_follows_the_cursor_to_the_end(client: WebClient) -> None:
    everything = by_name(client)
    assert {"general", "お知らせ", "incident-room", "ext-hooli-pilot"} <= set(everything)
    assert "leadership" not in everything
    assert "launch-2019" not in by_name(client, exclude_archived=True)


def test_slack_sdk_sees_twenty_thousand_channels_through_empty_pages(slack_site: SlackSite) -> None:
    client = web(slack_site, slack_site.install(workspace="T0GL0BEX20", scope=SCOPES)["access_token"])
    sizes = [len(page["channels"]) for page in client.conversations_list(limit=999)]
    assert sum(sizes) == 20_000
    assert 0 in sizes


def test_slack_sdk_lists_what_the_installer_is_in(client: WebClient) -> None:
    pages = client.users_conversations(user=DANA, types=BOTH, limit=3)
    theirs = [channel["name"] for page in pages for channel in page["channels"]]
    assert "incident-room" in theirs
    assert not {"leadership", "people-ops"} & set(theirs)
    assert [channel["name"] for channel in client.users_conversations(types=BOTH)["channels"]] == ["incident-room"]


def test_slack_sdk_opens_a_conversation_and_posts_in_it(client: WebClient, slack_site: SlackSite) -> None:
    opened = client.conversations_open(users=[DANA])["channel"]["id"]
    assert client.conversations_info(channel=opened)["channel"]["user"] == DANA
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}]
    answer = client.chat_postMessage(channel=DANA, text="hello", blocks=blocks)
    assert (answer["channel"], answer["message"]["blocks"]) == (opened, blocks)
    assert [message.text for message in slack_site.state.messages(opened)] == ["hello"]


def test_slack_sdk_joins_and_asks_again(client: WebClient) -> None:
    deploys = by_name(client)["deploys"]["id"]
    assert client.conversations_join(channel=deploys)["channel"]["is_member"] is True
    whole = client.conversations_info(channel=deploys, include_num_members=True)["channel"]
    assert (whole["is_member"], whole["num_members"]) == (True, 4)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("launch-2019", "is_archived"),
        ("announcements", "restricted_action"),
        ("ext-hooli-pilot", "not_in_channel"),
        ("nowhere", "channel_not_found"),
    ],
)
def test_slack_sdk_is_told_why_a_message_cannot_go(client: WebClient, name: str, error: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=by_name(client).get(name, {"id": "C404"})["id"], text="hello")
    assert error_of(caught) == error


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"limit": 1000}, "invalid_limit"),
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"types": "everything"}, "invalid_types"),
        ({"types": "mpim"}, "missing_scope"),
    ],
)
def test_slack_sdk_is_told_what_is_wrong_with_a_list(client: WebClient, options: dict[str, Any], error: str) -> None:
    for method in (client.conversations_list, client.users_conversations):
        with pytest.raises(SlackApiError) as caught:
            method(**options)
        assert error_of(caught) == error


def test_slack_sdk_with_an_organisations_token(slack_site: SlackSite) -> None:
    client = web(slack_site, slack_site.install("org_wide", "T0NRTHW1ND", scope=SCOPES)["access_token"])
    assert client.auth_teams_list()["teams"] == []
    with pytest.raises(SlackApiError) as caught:
        client.conversations_list()
    assert error_of(caught) == "missing_argument"
    for team in ("T0NRTHW1ND", "T0NRTHF00D"):
        slack_site.state.add_workspace("E0NRTHW1ND", team)
    found = [team["id"] for page in client.auth_teams_list(limit=1) for team in page["teams"]]
    assert found == ["T0NRTHW1ND", "T0NRTHF00D"]
    deploys = client.conversations_list(team_id="T0NRTHF00D")["channels"][2]["id"]
    assert client.chat_postMessage(channel=deploys, text="hello")["channel"] == deploys
    assert client.auth_test()["url"] == "https://northwind-group.enterprise.slack.com/"


def test_slack_sdk_meets_a_limit_and_a_web_page(client: WebClient, slack_site: SlackSite) -> None:
    slack_site.state.faults.set("conversations.list", "rate_limited", 1, retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        client.conversations_list()
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
    slack_site.state.faults.set("conversations.list", "html", 1)
    with pytest.raises(SlackApiError):
        client.conversations_list()
    assert client.conversations_list()["ok"] is True
