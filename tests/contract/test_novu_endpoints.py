"""The official client keeps channel endpoints at the local Novu, and triggers a workflow: do they agree?"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from novu_py import models

from onboarding.sandbox.novu.endpoints import HINT
from tests.contract.clients import BRIEFLY, Official
from tests.contract.wire import Tap
from tests.sandbox.clients import NovuSite
from tests.sandbox.novu_clients import EndpointSite

CRASHED = "Internal server error, contact support and provide them with the errorId"
TARGETS: dict[str, dict[str, str]] = {
    "slack_channel": {"channel_id": "C0123"},
    "slack_user": {"user_id": "U0123"},
    "webhook": {"url": "https://hooks.slack.com/services/x", "channel": "#news"},
    "phone": {"phone_number": "+1"},
    "ms_teams_channel": {"team_id": "T1", "channel_id": "C1"},
    "webex_room": {"room_id": "R1"},
}


def body(**changes: Any) -> dict[str, Any]:
    """As novu-py names things."""
    asked = {
        "identifier": "mine",
        "subscriber_id": "subscriber-123",
        "integration_identifier": "slack-prod",
        "type": "slack_channel",
        "endpoint": {"channel_id": "C0123"},
        **changes,
    }
    return {name: value for name, value in asked.items() if value is not ...}


@pytest.fixture
def calls(official: Official) -> Any:
    return official.sdk.channel_endpoints


def create(calls: Any, key: str = "", **changes: Any) -> Any:
    return calls.create(request_body=body(**changes), idempotency_key=key or None).result


def update(calls: Any, identifier: str, target: dict[str, str], key: str = "") -> Any:
    asked = {"endpoint": target}
    more = {"idempotency_key": key or None}
    return calls.update(identifier=identifier, update_channel_endpoint_request_dto=asked, **more).result


def listed(calls: Any, **query: Any) -> list[str]:
    return [row.identifier for row in calls.list(request=query).result.data]


def refusal(call: Callable[[], object]) -> tuple[int, str, str]:
    """The status, the message and the kind of what novu-py raises."""
    with pytest.raises(models.NovuError) as caught:
        call()
    message = json.loads(caught.value.body).get("message")
    return caught.value.status_code, message, type(caught.value).__name__


def test_creating_gives_the_whole_endpoint(calls: Any, local: NovuSite) -> None:
    local.created(identifier="acme", context={"tenant": "a"})
    made = create(calls, connection_identifier="acme", context={"tenant": "a"})
    assert (made.identifier, made.channel.value, made.provider_id.value) == ("mine", "chat", "slack")
    assert (made.integration_identifier, made.connection_identifier) == ("slack-prod", "acme")
    assert (made.subscriber_id, made.context_keys) == ("subscriber-123", ["tenant:a"])
    assert (made.type.value, made.endpoint.channel_id) == ("slack_channel", "C0123")
    assert made == calls.retrieve(identifier="mine").result


def test_the_same_body_goes_out_as_the_tests_write_by_hand(calls: Any, tap: Tap) -> None:
    create(calls, create_subscriber_if_missing=True, subscriber_id="new", context={"tenant": {"id": "a", "data": {}}})
    assert tap.last.json == {
        "identifier": "mine",
        "subscriberId": "new",
        "createSubscriberIfMissing": True,
        "integrationIdentifier": "slack-prod",
        "type": "slack_channel",
        "endpoint": {"channelId": "C0123"},
        "context": {"tenant": {"id": "a", "data": {}}},
    }


@pytest.mark.parametrize("type_", TARGETS)
def test_each_type_goes_there_and_back(calls: Any, local: NovuSite, type_: str) -> None:
    made = create(calls, type=type_, endpoint=TARGETS[type_])
    assert made.type.value == type_
    assert {*local.state.endpoints[0].endpoint.values()} == {*TARGETS[type_].values()}
    assert calls.retrieve(identifier="mine").result.endpoint == made.endpoint


def test_updating_changes_the_target_alone(calls: Any) -> None:
    made = create(calls)
    changed = update(calls, "mine", {"channel_id": "C9"})
    assert changed.endpoint.channel_id == "C9"
    assert (changed.identifier, changed.created_at, changed.context_keys) == (made.identifier, made.created_at, [])


def test_deleting_is_final(calls: Any) -> None:
    create(calls)
    assert calls.delete(identifier="mine").headers == {}
    missing = (404, "Channel endpoint with identifier 'mine' not found", "ErrorDto")
    assert refusal(lambda: calls.delete(identifier="mine")) == missing
    assert refusal(lambda: calls.retrieve(identifier="mine")) == missing


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({}, ["other", "a", "plain"]),
        ({"limit": 2}, ["other", "a"]),
        ({"connection_identifier": "acme"}, ["a"]),
        ({"connection_identifier": "gone"}, []),
        ({"subscriber_id": "subscriber-123"}, ["a", "plain"]),
        ({"subscriber_id": "subscriber-123", "context_keys": ["tenant:a"]}, ["a"]),
        ({"context_keys": [""]}, ["other", "plain"]),
        ({"integration_identifier": "slack-prod", "provider_id": "slack", "channel": "chat", "limit": 1}, ["other"]),
        ({"channel": "email"}, []),
        ({"order_direction": "ASC"}, ["plain", "a", "other"]),
    ],
    ids=str,
)
def test_lists_are_narrowed(calls: Any, local: NovuSite, query: dict[str, Any], rows: list[str]) -> None:
    local.created(identifier="acme", context={"tenant": "a"})
    create(calls, identifier="plain")
    create(calls, identifier="a", connection_identifier="acme", context={"tenant": "a"})
    create(calls, identifier="other", subscriber_id="other", create_subscriber_if_missing=True)
    assert listed(calls, **query) == rows


def test_pages_lead_forth_and_back(calls: Any) -> None:
    for number in range(5):
        create(calls, identifier=f"e-{number}")
    first = calls.list(request={"limit": 2}).result
    assert (first.previous, first.total_count, first.total_count_capped) == (None, 5, False)
    second = calls.list(request={"limit": 2, "after": first.next}).result
    assert [row.identifier for row in second.data] == ["e-2", "e-1"]
    assert calls.list(request={"limit": 2, "before": second.previous}).result == first


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"integration_identifier": "nope"}, 404, "Integration not found: nope"),
        ({"subscriber_id": "nobody"}, 404, f"Subscriber not found: nobody{HINT}"),
        ({"connection_identifier": "nowhere"}, 404, "Channel connection not found: nowhere"),
        ({"identifier": "taken"}, 409, 'Channel endpoint with identifier "taken" already exists in environment'),
    ],
    ids=str,
)
def test_novu_py_tells_why_creating_fails(calls: Any, changes: dict[str, Any], status: int, words: str) -> None:
    create(calls, identifier="taken")
    refused = refusal(lambda: create(calls, **changes))
    assert (refused[0], refused[2]) == (status, "ErrorDto")
    assert words in refused[1]


def test_novu_py_reads_a_refused_field(calls: Any) -> None:
    assert refusal(lambda: create(calls, context={"tenant": ""})) == (422, "Validation Error", "ValidationErrorDto")


def test_novu_py_tells_why_updating_fails(calls: Any, local: NovuSite) -> None:
    create(calls)
    format_ = 'Endpoint must match the required format for type "slack_channel"'
    assert refusal(lambda: update(calls, "mine", {"user_id": "U1"})) == (400, format_, "ErrorDto")
    environment = local.state.environment.id
    missing = f'Channel endpoint with identifier "nope" not found in environment "{environment}"'
    assert refusal(lambda: update(calls, "nope", {"channel_id": "C1"})) == (404, missing, "ErrorDto")


@pytest.mark.parametrize(
    ("failure", "status", "words", "kind"),
    [
        ("unauthorized", 401, "API Key not found", "ErrorDto"),
        ("feature_off", 404, "Feature not enabled", "ErrorDto"),
        ("rejected", 422, "Validation Error", "ValidationErrorDto"),
        ("rate_limited", 429, "API rate limit exceeded", "APIError"),
        ("duplicate_key", 500, CRASHED, "ErrorDto"),
        ("unavailable", 503, "Rate limiting cache service is not available", "APIError"),
    ],
)
def test_novu_py_tells_every_failure(
    calls: Any, local: NovuSite, failure: str, status: int, words: str, kind: str
) -> None:
    local.suffer(failure)
    assert refusal(lambda: create(calls)) == (status, words, kind)


def test_novu_py_raises_what_httpx_does_where_nobody_answers(calls: Any, local: NovuSite) -> None:
    local.suffer("down")
    with pytest.raises(httpx.RemoteProtocolError):
        calls.list(request={})


def test_novu_py_fails_on_a_provider_it_does_not_know(calls: Any, local: NovuSite) -> None:
    local.suffer("unknown_provider")
    with pytest.raises(models.ResponseValidationError):
        create(calls)
    assert len(local.state.endpoints) == 1


def test_new_fields_in_an_answer_are_passed_over(calls: Any, local: NovuSite) -> None:
    local.suffer("extra_fields")
    made = create(calls)
    assert made.endpoint.channel_id == "C0123"
    assert "future" not in repr(made)


def test_the_same_key_and_body_replay_the_answer(calls: Any, local: NovuSite, tap: Tap) -> None:
    assert create(calls, "key", identifier=...) == create(calls, "key", identifier=...)
    assert len(local.state.endpoints) == 1
    assert tap.keys == ["key", "key"]
    identifier = local.state.endpoints[0].identifier
    first = update(calls, identifier, {"channel_id": "C2"}, "another key")
    assert update(calls, identifier, {"channel_id": "C2"}, "another key") == first


def test_a_key_for_another_body_is_refused(calls: Any) -> None:
    create(calls, "key")
    refused = refusal(lambda: create(calls, "key", identifier="other"))
    assert refused[:2] == (422, 'Request with key "key" is being reused for a different body')


def test_an_error_is_replayed_after_its_cause_is_gone(calls: Any, local: NovuSite) -> None:
    first = refusal(lambda: create(calls, "key", subscriber_id="late"))
    local.state.environment.add_subscriber("late")
    assert refusal(lambda: create(calls, "key", subscriber_id="late")) == first
    assert create(calls, "another key", subscriber_id="late").subscriber_id == "late"


@pytest.mark.parametrize("failure", ["error_after_commit", "truncated"])
def test_a_lost_answer_is_found_again_under_its_key(calls: Any, local: NovuSite, failure: str) -> None:
    local.suffer(failure)
    with pytest.raises((models.NovuError, ValueError)):
        create(calls, "key", identifier=...)
    assert create(calls, "key", identifier=...).subscriber_id == "subscriber-123"
    assert len(local.state.endpoints) == 1


def test_without_a_key_a_lost_answer_makes_every_message_twice(calls: Any, local: NovuSite) -> None:
    """novu-py tries again under a new key, and only an identifier of one's own would tell that it is there."""
    local.suffer("error_after_commit")
    calls.create(request_body=body(identifier=...), retries=BRIEFLY)
    assert len(local.state.endpoints) == 2


def test_the_official_client_triggers(official: Official, local: NovuSite) -> None:
    create(official.sdk.channel_endpoints, context={"tenant": "a"})
    request: Any = {
        "workflow_id": "greeting",
        "to": "subscriber-123",
        "payload": {"text": "Hi"},
        "context": {"tenant": "a"},
    }
    made = official.sdk.trigger(trigger_event_request_dto=request).result
    assert (made.acknowledged, made.status.value) == (True, "processed")
    [activity] = EndpointSite(local).activity(str(made.transaction_id))
    assert activity["detail"] == "This local Novu knows no Slack. Start it with --slack-url."


def test_the_official_client_reads_why_a_trigger_is_refused(official: Official) -> None:
    request: Any = {"workflow_id": "greeting", "to": "subscriber-123", "context": {"tenant": ""}}
    refused = refusal(lambda: official.sdk.trigger(trigger_event_request_dto=request))
    assert refused[0] == 422
