"""Where novu-py differs from what Novu does, or from what a caller needs; each beside what our client does there.

A test that fails after an upgrade of novu-py is good news: it says what has been put right.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from novu_py import models
from pydantic import ValidationError

from onboarding.clock.deadline import Deadline
from onboarding.model.errors import NovuError
from onboarding.sandbox.novu import Options, create_novu
from onboarding.sandbox.serve import serving
from tests.contract.clients import BRIEFLY, Ask, Official, Ours, Refused
from tests.contract.wire import Tap
from tests.sandbox.clients import NovuSite


def refusal(client: Official | Ours, ask: Ask, key: str = "") -> Refused:
    with pytest.raises(Refused) as caught:
        client.create(ask, key)
    return caught.value


def test_novu_py_tries_a_lasting_conflict_again(official: Official, ours: Ours, tap: Tap) -> None:
    """By default for an hour. Ours takes a 409 without Retry-After for an answer."""
    official.create(Ask())
    tap.arrived.clear()
    body = {**official_body(), "identifier": "other"}
    calls: Any = official.sdk.channel_connections
    with pytest.raises(models.ErrorDto):
        calls.create(create_channel_connection_request_dto=body, retries=BRIEFLY)
    assert len(tap.arrived) > 1
    tap.arrived.clear()
    refused = refusal(ours, Ask("other"))
    assert len(tap.arrived) == 1
    assert getattr(refused.__cause__, "is_transient", None) is False


def test_novu_py_tries_again_under_a_new_key_each_time(official: Official, local: NovuSite, tap: Tap) -> None:
    """So that an answer lost after the commit comes back as a conflict with oneself."""
    local.suffer("error_after_commit")
    calls: Any = official.sdk.channel_connections
    with pytest.raises(models.ErrorDto) as caught:
        calls.create(create_channel_connection_request_dto=official_body(), retries=BRIEFLY)
    assert caught.value.status_code == 409
    assert len(set(tap.keys)) == len(tap.keys) > 1
    assert all(re.fullmatch(r"[0-9]{13}[0-9a-z]{9}", key) for key in tap.keys)


def test_novu_py_keeps_a_key_it_was_given(official: Official, local: NovuSite, tap: Tap) -> None:
    local.suffer("error_after_commit")
    calls: Any = official.sdk.channel_connections
    made = calls.create(create_channel_connection_request_dto=official_body(), idempotency_key="mine", retries=BRIEFLY)
    assert made.result.identifier == "mine"
    assert tap.keys == ["mine", "mine"]


def test_novu_py_cannot_read_a_refused_key(official: Official, ours: Ours) -> None:
    """A 422 without `errors` is no ValidationErrorDto to it."""
    official.create(Ask(), "key")
    assert refusal(official, Ask(workspace="T2"), "key").kind == "ResponseValidationError"
    assert refusal(ours, Ask(workspace="T2"), "key").kind == "NovuError"


def test_novu_py_reads_a_refused_field(official: Official) -> None:
    assert refusal(official, Ask(context={"tenant": ""})).kind == "ValidationErrorDto"


def test_novu_py_fails_on_a_provider_it_does_not_know(official: Official, ours: Ours, local: NovuSite) -> None:
    """The connection is there; only its caller is told otherwise."""
    local.suffer("unknown_provider")
    refused = refusal(official, Ask())
    assert (refused.status, refused.kind) == (201, "ResponseValidationError")
    assert len(local.state.connections) == 1
    assert ours.retrieve("mine").provider == "carrier-pigeon"


def test_novu_py_does_not_list_past_a_provider_it_does_not_know(
    official: Official, ours: Ours, local: NovuSite
) -> None:
    ours.create(Ask())
    local.suffer("unknown_provider")
    with pytest.raises(Refused) as caught:
        official.list()
    assert (caught.value.status, caught.value.kind) == (200, "ResponseValidationError")
    assert [row.identifier for row in ours.list().rows] == ["mine"]


def test_novu_py_sends_mode_and_rotation(official: Official, tap: Tap) -> None:
    """Up to 3.15 it dropped these without a word."""
    official.create(Ask(refresh="xoxe-1-x"))
    body = tap.last.json
    assert (body["connectionMode"], body["auth"]["refreshToken"]) == ("subscriber", "xoxe-1-x")


def test_novu_py_drops_fields_that_it_does_not_know(official: Official, tap: Tap) -> None:
    body = {**official_body(), "novelty": 1, "workspace": {"id": "T1", "novelty": 1}}
    calls: Any = official.sdk.channel_connections
    calls.create(create_channel_connection_request_dto=body)
    assert "novelty" not in tap.last.body.decode()


def test_novu_py_drops_fields_of_an_answer_that_it_does_not_know(official: Official, local: NovuSite) -> None:
    local.suffer("extra_fields")
    calls: Any = official.sdk.channel_connections
    made = calls.create(create_channel_connection_request_dto=official_body()).result
    assert "future" not in repr(made)


def test_novu_py_has_no_verify(official: Official, ours: Ours) -> None:
    ours.create(Ask())
    assert not hasattr(official.sdk.channel_connections, "verify")
    assert ours.verify("mine").identifier == "mine"


def test_novu_py_refuses_a_body_that_lacks_something_before_it_asks(official: Official, tap: Tap) -> None:
    calls: Any = official.sdk.channel_connections
    with pytest.raises(ValidationError):
        calls.update(identifier="mine", update_channel_connection_request_dto={"workspace": {"id": "T1"}})
    assert tap.arrived == []


def test_novu_py_shows_the_token_in_a_repr(official: Official, ours: Ours) -> None:
    ours.create(Ask())
    assert Ask().token in repr(official.sdk.channel_connections.retrieve(identifier="mine").result)
    assert Ask().token not in repr(ours.retrieve("mine"))


def test_novu_pys_errors_are_whole_bodies(official: Official) -> None:
    with pytest.raises(models.ErrorDto) as caught:
        official.sdk.channel_connections.retrieve(identifier="nope")
    assert str(caught.value).lstrip().startswith('{"error":"Not Found"')


def test_novu_py_leaves_a_slash_in_an_identifier(official: Official, ours: Ours, tap: Tap) -> None:
    ours.create(Ask("a/b"))
    with pytest.raises(Refused) as caught:
        official.retrieve("a/b")
    assert caught.value.message == "Cannot GET /v1/channel-connections/a/b"
    assert ours.retrieve("a/b").identifier == "a/b"
    assert tap.last.target == "/v1/channel-connections/a%2Fb"


def test_novu_py_sends_a_limit_with_a_fraction(official: Official, ours: Ours, tap: Tap) -> None:
    official.list(limit=10)
    assert tap.last.target == "/v1/channel-connections?limit=10.0"
    ours.list(limit=10)
    assert "limit=10&" in tap.last.target


def test_novu_py_asks_for_no_context_only_with_an_empty_key(official: Official, ours: Ours, tap: Tap) -> None:
    official.list(context_keys=[])
    assert "contextKeys" not in tap.last.target
    for client in (official, ours):
        client.list(context_keys=[""])
        assert "contextKeys=" in tap.last.target


def test_novu_py_raises_what_httpx_does_where_nobody_answers(official: Official, local: NovuSite) -> None:
    local.suffer("down")
    with pytest.raises(httpx.RemoteProtocolError):
        official.sdk.channel_connections.list(request={})


def test_novu_py_gives_no_headers_of_a_delete(official: Official) -> None:
    official.create(Ask())
    calls: Any = official.sdk.channel_connections
    assert calls.delete(identifier="mine").headers == {}


def test_novu_py_adds_the_scheme_to_a_key_that_lacks_it(local: NovuSite, tap: Tap) -> None:
    for key in ("sandbox-novu-key", "ApiKey sandbox-novu-key"):
        Official(local.url, key).list()
        assert tap.last.headers["authorization"] == "ApiKey sandbox-novu-key"


def test_novu_py_says_who_it_is(official: Official, tap: Tap) -> None:
    official.list()
    assert re.fullmatch(r"speakeasy-sdk/python \S+ \S+ \S+ novu-py", tap.last.headers["user-agent"])


def test_a_token_that_is_not_shown_satisfies_both() -> None:
    """Novu once proposed to send "" for it. Renaming would erase what is not shown, so ours refuses to."""
    with serving(create_novu(options=Options(redact=True))) as url:
        official, ours = Official(url), Ours(url)
        made = official.create(Ask())
        assert made == official.retrieve("mine") == ours.retrieve("mine") == ours.list().rows[0]
        assert ours.update("mine", Ask(workspace="T2")).workspace[0] == "T2"
        with pytest.raises(NovuError, match="does not show the token"):
            ours.novu.rename("mine", "New name", "key", Deadline(5))


def official_body() -> dict[str, Any]:
    """What `Ask()` is to novu-py itself."""
    return {
        "identifier": "mine",
        "subscriber_id": "subscriber-123",
        "integration_identifier": "slack-prod",
        "workspace": {"id": "T9TK3CUKW"},
        "auth": {"access_token": "xoxb-1-2-secret"},
    }
