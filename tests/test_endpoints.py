"""The Novu client for channel endpoints: one for each identifier, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from onboarding.clock.deadline import Deadline
from onboarding.model import Secret
from onboarding.model.destinations import Endpoint
from onboarding.model.errors import NovuError
from onboarding.remote.novu import Novu
from onboarding.remote.novu.endpoints import Endpoints
from onboarding.sandbox.novu import create_novu
from onboarding.sandbox.serve import serving
from onboarding.settings.apps import NovuSettings
from tests.fakes import NOVU_KEY, LocalNovu
from tests.scripted import Script, answer, scripted

WANTED = Endpoint("chendp_1", "chconn_1", "slack-prod", "subscriber-123", (), "slack_channel", "C0000001")
OTHER_TARGET = replace(WANTED, target="C0000002")
OTHER_TYPE = replace(WANTED, type="slack_user", target="U0000001")


def client(url: str) -> Endpoints:
    return Novu(NovuSettings(url, Secret(NOVU_KEY), "slack-prod")).endpoints


def deadline() -> Deadline:
    return Deadline(5)


@pytest.fixture(params=[False, True], ids=["without-keys", "with-keys"])
def local(request: pytest.FixtureRequest) -> Iterator[LocalNovu]:
    """A Novu that honours idempotency keys, and one that does not."""
    novu = create_novu(NOVU_KEY, idempotency=request.param)
    with serving(novu) as url:
        _connect(url)
        yield LocalNovu(url, novu.extensions["novu"])


def _connect(url: str) -> None:
    body = {
        "identifier": "chconn_1",
        "subscriberId": "subscriber-123",
        "integrationIdentifier": "slack-prod",
        "workspace": {"id": "T1"},
        "auth": {"accessToken": "xoxb-1"},
    }
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    requests.post(f"{url}/v1/channel-connections", json=body, headers=headers, timeout=5).raise_for_status()


def held(local: LocalNovu) -> list[tuple[str, str, str]]:
    return [(each.identifier, each.type, each.target) for each in local.state.endpoints]


@pytest.mark.parametrize("before", [None, WANTED, OTHER_TARGET, OTHER_TYPE])
def test_what_was_there_before_is_replaced(local: LocalNovu, before: Endpoint | None) -> None:
    endpoints = client(local.url)
    if before:
        endpoints.put(before, "key-1", deadline())
    for _ in range(2):
        endpoints.put(WANTED, "key-2", deadline())
        assert held(local) == [("chendp_1", "slack_channel", "C0000001")]
    assert endpoints.retrieve("chendp_1", deadline()) == WANTED


def test_back_and_forth(local: LocalNovu) -> None:
    endpoints = client(local.url)
    for number, wanted in enumerate([WANTED, OTHER_TYPE, WANTED, OTHER_TARGET, OTHER_TYPE, WANTED]):
        endpoints.put(wanted, f"key-{number}", deadline())
        assert [target for *_, target in held(local)] == [wanted.target]


@pytest.mark.parametrize("failure", ["error_after_commit", "truncated", "duplicate_key"])
def test_a_lost_answer_doubles_nothing(local: LocalNovu, failure: str) -> None:
    endpoints = client(local.url)
    local.suffer(failure, times=1)
    with pytest.raises(NovuError) as failed:
        endpoints.put(WANTED, "key.0", deadline())
    assert failed.value.is_transient
    local.suffer("none")
    endpoints.put(WANTED, "key.1", deadline())
    assert [target for *_, target in held(local)] == ["C0000001"]


def test_contexts_are_written_as_novu_wants_them_and_read_in_any_order(local: LocalNovu) -> None:
    wanted = replace(WANTED, connection=None, context_keys=("a:1", "b:2"))
    client(local.url).put(wanted, "key", deadline())
    assert client(local.url).retrieve("chendp_1", deadline()).context_keys == ("a:1", "b:2")


def test_deleting_what_is_gone_is_fine(local: LocalNovu) -> None:
    client(local.url).delete("chendp_1", deadline())


def test_everything_on_a_connection_is_deleted_page_by_page(local: LocalNovu) -> None:
    endpoints = client(local.url)
    for number in range(120):
        endpoints.create(replace(WANTED, identifier=f"chendp_{number}"), f"key-{number}", deadline())
    elsewhere = replace(WANTED, identifier="chendp_elsewhere", connection=None)
    endpoints.create(elsewhere, "key-elsewhere", deadline())
    endpoints.delete_all("chconn_1", Deadline(20))
    assert [identifier for identifier, *_ in held(local)] == ["chendp_elsewhere"]


@pytest.mark.parametrize(
    ("failure", "status", "is_transient"),
    [
        ("subscriber_missing", 404, False),
        ("connection_missing", 404, False),
        ("unauthorized", 401, False),
        ("rejected", 422, False),
        ("rate_limited", 429, True),
        ("unavailable", 503, True),
        ("in_progress", 409, True),
        ("html", None, True),
        ("down", None, True),
    ],
)
def test_refusals_mean_what_they_mean_for_connections(
    local: LocalNovu, failure: str, status: int | None, is_transient: bool
) -> None:
    local.suffer(failure)
    with pytest.raises(NovuError) as refused:
        client(local.url).create(WANTED, "key", deadline())
    assert refused.value.is_transient is is_transient
    assert refused.value.status in {status, 502}
    local.suffer("none")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"data": []}',
        b'{"data": {"identifier": "chendp_other", "endpoint": {"channelId": "C0000001"}, "type": "slack_channel"}}',
        b'{"data": {"identifier": "chendp_1", "endpoint": [], "type": "slack_channel"}}',
        b'{"data": {"identifier": "chendp_1", "endpoint": {"channelId": 7}, "type": "slack_channel"}}',
    ],
)
def test_an_answer_about_something_else_is_no_success(body: bytes) -> None:
    with scripted(Script([answer(201, body)])) as url, pytest.raises(NovuError) as failed:
        client(url).create(WANTED, "key", deadline())
    assert failed.value.is_transient


def test_a_novu_without_endpoints_has_nothing_to_delete() -> None:
    body = b'{"statusCode": 404, "message": "Cannot GET /v1/channel-endpoints"}'
    with scripted(Script([answer(404, body)])) as url:
        client(url).delete_all("chconn_1", deadline())
