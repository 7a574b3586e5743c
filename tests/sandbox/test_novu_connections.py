"""Channel connections at the local Novu: the life of one, and who may own which."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from tests.sandbox.clients import NovuSite, connection, message_of


def test_a_connection_comes_back_whole_and_wrapped(novu_site: NovuSite) -> None:
    answer = novu_site.create(context={"tenant": "org-123"})
    assert answer.status_code == 201
    assert list(answer.json()) == ["data"]
    made = answer.json()["data"]
    assert re.fullmatch(r"chconn_[0-9a-z]{12}", made["identifier"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["createdAt"])
    assert {name: made[name] for name in made if name not in {"identifier", "createdAt", "updatedAt"}} == {
        "channel": "chat",
        "providerId": "slack",
        "integrationIdentifier": "slack-prod",
        "subscriberId": "subscriber-123",
        "contextKeys": ["tenant:org-123"],
        "workspace": {"id": "T9TK3CUKW", "name": "Acme HQ"},
        "auth": {"accessToken": "xoxb-1-2-secret"},
    }
    assert novu_site.send("GET", f"/{made['identifier']}").json()["data"] == made
    assert novu_site.state.connections[0].token == "xoxb-1-2-secret"


def test_unknown_fields_survive_in_workspace_alone(novu_site: NovuSite) -> None:
    made = novu_site.created(
        extra=1, workspace={"id": "T1", "icon": {"a": [1]}}, auth={"accessToken": "x", "scope": "y"}
    )
    assert made["workspace"] == {"id": "T1", "icon": {"a": [1]}}
    assert made["auth"] == {"accessToken": "x"}
    assert "extra" not in made


def test_an_empty_identifier_is_none(novu_site: NovuSite) -> None:
    assert novu_site.created(identifier="")["identifier"].startswith("chconn_")


def test_patch_replaces_workspace_and_auth_whole(novu_site: NovuSite) -> None:
    made = novu_site.created(identifier="mine", auth={"accessToken": "x", "expiresAt": "soon"})
    body = {"workspace": {"id": "T2"}, "auth": {"accessToken": "y"}, "subscriberId": "other", "identifier": "other"}
    answer = novu_site.send("PATCH", "/mine", json=body)
    assert answer.status_code == 200
    changed = answer.json()["data"]
    assert (changed["workspace"], changed["auth"]) == ({"id": "T2"}, {"accessToken": "y"})
    for name in ("identifier", "subscriberId", "createdAt"):
        assert changed[name] == made[name]
    assert changed["updatedAt"] >= made["updatedAt"]


def test_delete_is_final_and_empty(novu_site: NovuSite) -> None:
    novu_site.created(identifier="mine")
    answer = novu_site.send("DELETE", "/mine")
    assert (answer.status_code, answer.content) == (204, b"")
    assert message_of(novu_site.send("DELETE", "/mine")) == (
        404,
        "Channel connection with identifier 'mine' not found",
    )


def test_not_found_is_quoted_as_each_operation_does(novu_site: NovuSite) -> None:
    single, double = (f"Channel connection with identifier {quoted} not found" for quoted in ("'x:1'", '"x:1"'))
    assert message_of(novu_site.send("GET", "/x:1")) == (404, single)
    assert message_of(novu_site.send("PATCH", "/x:1", json=connection())) == (404, double)
    assert message_of(novu_site.send("POST", "/x:1/verify")) == (404, single)


def test_verify_without_a_refresh_token_does_nothing(novu_site: NovuSite) -> None:
    made = novu_site.created(identifier="mine")
    answer = novu_site.send("POST", "/mine/verify")
    assert (answer.status_code, answer.json()["data"]) == (200, made)


def test_one_owner_has_one_connection_whatever_the_workspace(novu_site: NovuSite) -> None:
    first = novu_site.created(context={"tenant": "a", "region": "us"})["identifier"]
    answer = novu_site.create(context={"region": "us", "tenant": "a"}, workspace={"id": "T2"}, identifier="other")
    expected = (
        'A channel connection already exists for integration "slack-prod" with subscriberId "subscriber-123"'
        f" and context [region:us, tenant:a]. Connection ID: {first}"
    )
    assert message_of(answer) == (409, expected)
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ({}, 'with subscriberId "subscriber-123" and no context.'),
        ({"subscriberId": ..., "context": {"tenant": "a"}}, "with no subscriberId and context [tenant:a]."),
    ],
)
def test_the_conflict_names_what_the_owner_lacks(novu_site: NovuSite, owner: dict[str, Any], words: str) -> None:
    novu_site.created(**owner)
    status, message = message_of(novu_site.create(**owner))
    assert status == 409
    assert words in message


def test_another_context_or_integration_is_another_owner(novu_site: NovuSite) -> None:
    more = {"providerId": "slack", "channel": "chat", "identifier": "slack-eu"}
    novu_site.session.post(f"{novu_site.url}/v1/integrations", json=more, headers=novu_site.headers)
    novu_site.created()
    novu_site.created(integrationIdentifier="slack-eu")
    novu_site.created(context={"tenant": "a"})
    novu_site.created(context={"tenant": "a", "region": "us"})
    novu_site.created(context={"tenant": "a"}, connectionMode="shared", subscriberId=...)
    assert len(novu_site.state.connections) == 5


def test_an_identifier_belongs_to_one_owner(novu_site: NovuSite) -> None:
    novu_site.created(identifier="mine")
    expected = (
        f'Channel connection with identifier "mine" already exists in environment "{novu_site.state.environment.id}"'
    )
    assert message_of(novu_site.create(identifier="mine", context={"tenant": "a"})) == (409, expected)


def test_shared_stores_no_subscriber_and_overlooks_duplicates(novu_site: NovuSite) -> None:
    shared: dict[str, Any] = {"connectionMode": "shared", "context": {"tenant": "a"}}
    assert novu_site.created(**shared)["subscriberId"] is None
    assert novu_site.create(**shared).status_code == 201
    assert novu_site.create(**shared, subscriberId=...).status_code == 409


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"connectionMode": "shared"}, 'context is required when connectionMode is "shared"'),
        (
            {"connectionMode": "subscriber", "subscriberId": "", "context": {"t": "a"}},
            'subscriberId is required when connectionMode is "subscriber"',
        ),
        ({"subscriberId": "", "context": None}, "Either subscriberId or context must be provided"),
    ],
)
def test_each_mode_asks_for_its_owner(novu_site: NovuSite, change: dict[str, Any], message: str) -> None:
    assert message_of(novu_site.create(**change)) == (400, message)


def test_checks_come_in_novus_order(novu_site: NovuSite) -> None:
    novu_site.created(identifier="mine")
    steps: list[tuple[dict[str, Any], int]] = [
        ({"integrationIdentifier": "", "connectionMode": "shared"}, 400),
        ({"integrationIdentifier": "nope", "subscriberId": "nobody"}, 404),
        ({"subscriberId": "nobody", "identifier": "mine"}, 404),
        ({"identifier": "mine"}, 409),
    ]
    answers = [message_of(novu_site.create(**change)) for change, _ in steps]
    assert [status for status, _ in answers] == [status for _, status in steps]
    assert answers[1][1] == "Integration not found: nope"
    assert answers[2][1] == "Subscriber not found: nobody"
    assert answers[3][1].startswith("A channel connection already exists")


def test_contexts_are_kept_even_when_creating_fails(novu_site: NovuSite) -> None:
    novu_site.create(subscriberId="nobody", context={"tenant": "a"})
    assert novu_site.state.environment.contexts == {"tenant:a": {}}


def test_a_rotating_token_needs_an_integration_that_can(novu_site: NovuSite) -> None:
    for provider in ("slack", "discord"):
        more = {"providerId": provider, "channel": "chat", "identifier": provider}
        novu_site.session.post(f"{novu_site.url}/v1/integrations", json=more, headers=novu_site.headers)
    auth = {"accessToken": "x", "refreshToken": "y"}
    assert message_of(novu_site.create(auth=auth, integrationIdentifier="discord")) == (
        400,
        'Token rotation is not supported for provider "discord". Remove refreshToken from the connection auth.',
    )
    assert message_of(novu_site.create(auth=auth, integrationIdentifier="slack")) == (
        400,
        'Integration "slack" must have clientId and secretKey configured to store a rotating refresh token.',
    )
    made = novu_site.created(auth=auth)
    assert made["auth"]["refreshToken"] == "y"
    expires, created = (datetime.fromisoformat(each) for each in (made["auth"]["expiresAt"], made["createdAt"]))
    assert abs(expires - created) < timedelta(seconds=1)


def test_forty_race_for_one_owner_and_one_wins(novu_site: NovuSite) -> None:
    def create(number: int) -> int:
        url, body = f"{novu_site.url}/v1/channel-connections", connection(workspace={"id": f"T{number}"})
        return requests.post(url, json=body, headers=novu_site.headers, timeout=10).status_code

    with ThreadPoolExecutor(40) as pool:
        assert sorted(pool.map(create, range(40))) == [201, *[409] * 39]
    assert novu_site.state.requests("create") == 40


def test_subscribers_and_integrations_can_be_added(novu_site: NovuSite) -> None:
    added = novu_site.session.post(
        f"{novu_site.url}/v2/subscribers", json={"subscriberId": "new-one"}, headers=novu_site.headers
    )
    assert added.status_code == 201
    assert added.json()["data"]["subscriberId"] == "new-one"
    body = {"providerId": "slack", "channel": "chat", "identifier": "eu", "credentials": {"secretKey": "hush"}}
    url = f"{novu_site.url}/v1/integrations"
    assert novu_site.session.post(url, json=body, headers=novu_site.headers).status_code == 201
    again = novu_site.session.post(url, json=body, headers=novu_site.headers)
    assert message_of(again) == (409, "Integration with identifier already exists")
    listed = novu_site.session.get(url, headers=novu_site.headers)
    assert [each["identifier"] for each in listed.json()["data"]] == ["slack-prod", "eu"]
    assert "hush" not in listed.text
    assert novu_site.created(subscriberId="new-one", integrationIdentifier="eu")["providerId"] == "slack"


def test_reset_leaves_the_seeds(novu_site: NovuSite) -> None:
    novu_site.created()
    novu_site.state.reset()
    assert novu_site.state.connections == ()
    assert novu_site.state.requests("create") == 0
    assert [*novu_site.state.environment.subscribers] == ["subscriber-123"]
    assert [each.identifier for each in novu_site.state.environment.integrations] == ["slack-prod"]
