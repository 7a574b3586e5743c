"""Every operation that both clients have: the same call, the same request, the same answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.clients import Ask, Client, Official, Ours, Refused, Seen
from tests.contract.wire import Tap
from tests.sandbox.clients import NovuSite

ASK = Ask(context={"tenant": "org-123"})


def test_creating_gives_the_whole_connection(client: Client) -> None:
    assert client.create(ASK) == Seen(
        identifier="mine",
        integration="slack-prod",
        subscriber="subscriber-123",
        context_keys=("tenant:org-123",),
        workspace=("T9TK3CUKW", "Acme HQ"),
        channel="chat",
        provider="slack",
    )


def test_a_shared_connection_has_no_subscriber(client: Client, local: NovuSite) -> None:
    assert client.create(ASK.but(mode="shared", subscriber=None)).subscriber is None
    assert local.state.connections[0].subscriber_id is None


def test_context_data_goes_along(client: Client, local: NovuSite) -> None:
    client.create(Ask(context={"tenant": {"id": "org-123", "data": {"plan": "pro"}}}))
    assert local.state.environment.contexts == {"tenant:org-123": {"plan": "pro"}}


def test_a_rotating_token_goes_along_whole(client: Client, local: NovuSite) -> None:
    expires_at = datetime(2030, 1, 1, tzinfo=UTC)
    client.create(ASK.but(refresh="xoxe-1-secret", expires_at=expires_at, bot_user="U0BOT"))
    [kept] = local.state.connections
    assert kept.auth["refreshToken"] == "xoxe-1-secret"
    assert datetime.fromisoformat(kept.auth["expiresAt"]) == expires_at
    assert kept.workspace["botUserId"] == "U0BOT"


def test_both_send_the_same_body(official: Official, ours: Ours, tap: Tap) -> None:
    ask = ASK.but(refresh="xoxe-1-secret", bot_user="U0BOT", context={"tenant": "a", "region": {"id": "b", "data": {}}})
    for client in (official, ours):
        with pytest.raises(Refused):
            client.create(ask.but(integration="nope"), f"key-{client}")
    first, second = tap.arrived
    assert first.json == second.json
    assert first.headers["authorization"] == second.headers["authorization"] == "ApiKey sandbox-novu-key"


def test_retrieving_gives_what_was_created(client: Client) -> None:
    assert client.create(ASK) == client.retrieve("mine")


def test_updating_changes_workspace_and_auth_alone(client: Client, local: NovuSite) -> None:
    made = client.create(ASK.but(refresh="xoxe-1-secret"))
    changed = client.update("mine", Ask(workspace="T2", token="xoxb-new"))
    assert changed.workspace == ("T2", "Acme HQ")
    assert (changed.identifier, changed.subscriber, changed.context_keys) == (
        made.identifier,
        made.subscriber,
        made.context_keys,
    )
    assert local.state.connections[0].auth == {"accessToken": "xoxb-new"}


def test_deleting_is_final(client: Client) -> None:
    client.create(ASK)
    client.delete("mine")
    with pytest.raises(Refused) as caught:
        client.retrieve("mine")
    assert caught.value.status == 404


def test_an_identifier_with_a_colon_and_a_space_is_found(client: Client) -> None:
    client.create(ASK.but(identifier="connect:user 1:agent"))
    assert client.retrieve("connect:user 1:agent").identifier == "connect:user 1:agent"
    assert client.update("connect:user 1:agent", ASK).identifier == "connect:user 1:agent"
    client.delete("connect:user 1:agent")


def test_new_fields_in_an_answer_are_passed_over(client: Client, local: NovuSite) -> None:
    local.suffer("extra_fields")
    made = client.create(ASK)
    assert client.retrieve("mine") == client.update("mine", ASK) == client.list().rows[0] == made


def fill(client: Client, local: NovuSite) -> None:
    local.state.environment.add_subscriber("other")
    client.create(Ask("plain"))
    client.create(Ask("a", context={"tenant": "a"}))
    client.create(Ask("ab", context={"tenant": "a", "region": "b"}))
    client.create(Ask("shared", subscriber=None, mode="shared", context={"tenant": "a"}))
    client.create(Ask("other", subscriber="other"))


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({}, ["other", "shared", "ab", "a", "plain"]),
        ({"limit": 2}, ["other", "shared"]),
        ({"subscriber_id": "subscriber-123"}, ["ab", "a", "plain"]),
        ({"context_keys": ["tenant:a"]}, ["shared", "a"]),
        ({"context_keys": ["region:b", "tenant:a"]}, ["ab"]),
        ({"context_keys": [""]}, ["other", "plain"]),
        ({"context_keys": ["tenant:a"], "connection_mode": "shared"}, ["shared"]),
        ({"context_keys": ["tenant:a"], "connection_mode": "subscriber"}, ["a"]),
        ({"connection_mode": "shared"}, ["shared"]),
        ({"integration_identifier": "nope"}, []),
        ({"integration_identifier": "slack-prod", "subscriber_id": "other"}, ["other"]),
        ({"channel": "chat", "provider_id": "slack", "limit": 1}, ["other"]),
        ({"channel": "email"}, []),
        ({"order_direction": "ASC"}, ["plain", "a", "ab", "shared", "other"]),
        ({"order_by": "updatedAt", "limit": 1}, ["plain"]),
    ],
    ids=str,
)
def test_lists_are_narrowed_alike(client: Client, local: NovuSite, query: dict[str, Any], rows: list[str]) -> None:
    fill(client, local)
    client.update("plain", Ask())
    assert [row.identifier for row in client.list(**query).rows] == rows


def test_pages_lead_forth_and_back(client: Client, local: NovuSite) -> None:
    fill(client, local)
    first = client.list(limit=2)
    assert (first.previous, first.total) == (None, 5)
    second = client.list(limit=2, after=first.next)
    assert [row.identifier for row in second.rows] == ["ab", "a"]
    assert client.list(limit=2, before=second.previous) == first
    assert client.list(limit=1, after=first.next, include_cursor=True).rows[0] == first.rows[1]
    last = client.list(limit=2, after=second.next)
    assert ([row.identifier for row in last.rows], last.next) == (["plain"], None)


def test_an_unknown_cursor_finds_nothing(client: Client, local: NovuSite) -> None:
    fill(client, local)
    page = client.list(after="0" * 24)
    assert (page.rows, page.next, page.previous, page.total) == ((), None, None, 0)


def test_subscribers_and_integrations_are_added_by_the_official_client(official: Official, local: NovuSite) -> None:
    sdk: Any = official.sdk
    body: dict[str, Any] = {"provider_id": "discord", "channel": "chat", "identifier": "discord-1"}
    assert sdk.subscribers.create(create_subscriber_request_dto={"subscriber_id": "new"}).result.subscriber_id == "new"
    assert sdk.integrations.create(create_integration_request_dto=body).result.provider_id == "discord"
    assert [each.identifier for each in sdk.integrations.list().result] == ["slack-prod", "discord-1"]
    assert official.create(Ask(subscriber="new", integration="discord-1")).provider == "discord"
