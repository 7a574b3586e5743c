"""Every way in which Novu says no: both clients tell their caller the same status and the same words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract.clients import Ask, Client, Official, Ours, Refused
from tests.sandbox.clients import NovuSite

OWNED = (
    'A channel connection already exists for integration "slack-prod" with {} and {}. Connection ID: the-first'.format
)
NOT_FOUND_SINGLE = "Channel connection with identifier 'nope' not found"
NOT_FOUND_DOUBLE = 'Channel connection with identifier "nope" not found'
CRASHED = "Internal server error, contact support and provide them with the errorId"
STRUCTURE = (
    "Invalid context payload structure. Expected object with context types as keys"
    " and string IDs or {id, data} objects as values"
)


def nothing(_: NovuSite) -> None: ...


def suffering(failure: str) -> Callable[[NovuSite], None]:
    return lambda local: local.suffer(failure).raise_for_status()


def holding(*asks: dict[str, Any]) -> Callable[[NovuSite], None]:
    def arrange(local: NovuSite) -> None:
        for changes in asks:
            local.created(**changes)

    return arrange


def offering(provider: str) -> Callable[[NovuSite], None]:
    body = {"providerId": provider, "channel": "chat", "identifier": provider}

    def arrange(local: NovuSite) -> None:
        local.session.post(f"{local.url}/v1/integrations", json=body, headers=local.headers).raise_for_status()

    return arrange


def create(**changes: Any) -> Callable[[Client], object]:
    return lambda client: client.create(Ask(**changes))


@dataclass(frozen=True, slots=True)
class Refusal:
    """`kind` is what novu-py raises; `words` None where the clients say it in words of their own."""

    name: str
    call: Callable[[Client], object]
    status: int
    words: str | None
    kind: str = "ErrorDto"
    arrange: Callable[[NovuSite], None] = nothing


REFUSALS = [
    Refusal("wrong_key", lambda client: client.list(), 401, "API Key not found", arrange=suffering("unauthorized")),
    Refusal(
        "shared_without_context",
        create(mode="shared"),
        400,
        'context is required when connectionMode is "shared"',
    ),
    Refusal(
        "subscriber_mode_without_subscriber",
        create(subscriber=None, context={"tenant": "a"}),
        400,
        'subscriberId is required when connectionMode is "subscriber"',
    ),
    Refusal("no_integration", create(integration="nope"), 404, "Integration not found: nope"),
    Refusal("no_subscriber", create(subscriber="nobody"), 404, "Subscriber not found: nobody"),
    Refusal(
        "rotation_unknown_to_provider",
        create(integration="discord", refresh="xoxe-1-x"),
        400,
        'Token rotation is not supported for provider "discord". Remove refreshToken from the connection auth.',
        arrange=offering("discord"),
    ),
    Refusal(
        "rotation_without_credentials",
        create(integration="slack", refresh="xoxe-1-x"),
        400,
        'Integration "slack" must have clientId and secretKey configured to store a rotating refresh token.',
        arrange=offering("slack"),
    ),
    Refusal(
        "owner_has_one_without_context",
        create(),
        409,
        OWNED('subscriberId "subscriber-123"', "no context"),
        arrange=holding({"identifier": "the-first"}),
    ),
    Refusal(
        "owner_has_one_with_contexts",
        create(context={"region": "us", "tenant": "a"}),
        409,
        OWNED('subscriberId "subscriber-123"', "context [region:us, tenant:a]"),
        arrange=holding({"identifier": "the-first", "context": {"tenant": "a", "region": "us"}}),
    ),
    Refusal(
        "owner_is_a_context",
        create(subscriber=None, mode="shared", context={"tenant": "a"}),
        409,
        OWNED("no subscriberId", "context [tenant:a]"),
        arrange=holding(
            {"identifier": "the-first", "subscriberId": ..., "connectionMode": "shared", "context": {"tenant": "a"}}
        ),
    ),
    Refusal("bad_context_id", create(context={"tenant": "a:b"}), 422, "Validation Error", "ValidationErrorDto"),
    Refusal(
        "six_contexts",
        create(context={f"t{number}": "a" for number in range(6)}),
        422,
        "Validation Error",
        "ValidationErrorDto",
    ),
    Refusal(
        "large_context",
        create(context={"tenant": {"id": "a", "data": {"x": "y" * 65536}}}),
        422,
        "Validation Error",
        "ValidationErrorDto",
    ),
    Refusal(
        "large_body",
        create(context={"tenant": {"id": "a", "data": {"x": "y" * 110_000}}}),
        413,
        "request entity too large",
    ),
    Refusal("field_refused", create(), 422, "Validation Error", "ValidationErrorDto", suffering("rejected")),
    Refusal("retrieve_unknown", lambda client: client.retrieve("nope"), 404, NOT_FOUND_SINGLE),
    Refusal("update_unknown", lambda client: client.update("nope", Ask()), 404, NOT_FOUND_DOUBLE),
    Refusal("delete_unknown", lambda client: client.delete("nope"), 404, NOT_FOUND_SINGLE),
    Refusal(
        "two_cursors",
        lambda client: client.list(after="0" * 24, before="0" * 24),
        400,
        'Cannot specify both "before" and "after" cursors at the same time.',
    ),
    Refusal("malformed_cursor", lambda client: client.list(after="chconn_x"), 500, CRASHED),
    Refusal("page_too_long", lambda client: client.list(limit=101), 422, "Validation Error", "ValidationErrorDto"),
    Refusal("crash", lambda client: client.retrieve("mine"), 500, CRASHED, arrange=suffering("error_twice")),
    Refusal("lost_race", create(), 500, CRASHED, arrange=suffering("duplicate_key")),
    Refusal("feature_off", create(), 404, "Feature not enabled", arrange=suffering("feature_off")),
    Refusal("rate_limited", create(), 429, "API rate limit exceeded", "APIError", suffering("rate_limited")),
    Refusal(
        "limiter_unavailable",
        create(),
        503,
        "Rate limiting cache service is not available",
        "APIError",
        suffering("unavailable"),
    ),
    Refusal("gateway_page", create(), 502, None, "APIError", suffering("html")),
    Refusal("kept_then_crash", create(), 500, CRASHED, arrange=suffering("error_after_commit")),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_refusal_reaches_the_caller(client: Client, local: NovuSite, refusal: Refusal) -> None:
    refusal.arrange(local)
    with pytest.raises(Refused) as caught:
        refusal.call(client)
    assert caught.value.status == refusal.status
    assert refusal.words is None or caught.value.message in told(client, refusal.words, caught.value)
    assert caught.value.kind == (refusal.kind if isinstance(client, Official) else "NovuError")


def told(client: Client, words: str, refused: Refused) -> set[str]:
    """Novu's message; ours goes on with what is wrong with which field."""
    fields = getattr(refused.__cause__, "field_errors", ()) if isinstance(client, Ours) else ()
    return {words, f"{words}: {'; '.join(fields)}"[:300]} if fields else {words}


def test_the_environment_is_named_where_an_identifier_is_taken(client: Client, local: NovuSite) -> None:
    client.create(Ask())
    with pytest.raises(Refused) as caught:
        client.create(Ask(context={"tenant": "a"}))
    place = local.state.environment.id
    assert caught.value.status == 409
    assert caught.value.message == f'Channel connection with identifier "mine" already exists in environment "{place}"'


def test_a_wrong_key_opens_nothing(local: NovuSite) -> None:
    for client in (Official(local.url, "wrong"), Ours(local.url, "wrong")):
        with pytest.raises(Refused) as caught:
            client.list()
        assert (caught.value.status, caught.value.message) == (401, "API Key not found")


def test_no_answer_is_no_status(client: Client, local: NovuSite) -> None:
    local.suffer("down")
    with pytest.raises(Refused) as caught:
        client.create(Ask())
    assert caught.value.status is None


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (
            "refresh_failed",
            "Slack token refresh failed: invalid_refresh_token. Reconnect the Slack channel connection.",
        ),
        (
            "refresh_busy",
            "A token refresh for the Slack channel connection is already in progress."
            " Retry the verification in a few seconds.",
        ),
    ],
)
def test_our_verify_tells_why_a_token_was_not_refreshed(ours: Ours, local: NovuSite, failure: str, words: str) -> None:
    ours.create(Ask(refresh="xoxe-1-old"))
    local.suffer(failure)
    with pytest.raises(Refused) as caught:
        ours.verify("mine")
    assert (caught.value.status, caught.value.message) == (502, words)
    assert local.state.connections[0].auth["refreshToken"] == "xoxe-1-old"


def test_our_verify_refreshes_what_rotates_and_spares_the_rest(ours: Ours, local: NovuSite) -> None:
    ours.create(Ask(refresh="xoxe-1-old"))
    assert ours.verify("mine") == ours.retrieve("mine")
    [rotated] = local.state.connections
    assert rotated.token != Ask().token
    ours.update("mine", Ask())
    ours.verify("mine")
    assert local.state.connections[0].token == Ask().token
    with pytest.raises(Refused) as caught:
        ours.verify("nope")
    assert (caught.value.status, caught.value.message) == (404, NOT_FOUND_SINGLE)


def test_our_errors_say_which_fields_were_wrong(ours: Ours) -> None:
    with pytest.raises(Refused) as caught:
        ours.create(Ask(context={"tenant": "a:b"}))
    assert getattr(caught.value.__cause__, "field_errors", ()) == (STRUCTURE,)


def test_official_errors_say_which_fields_were_wrong(official: Official) -> None:
    with pytest.raises(Refused) as caught:
        official.create(Ask(context={"tenant": "a:b"}))
    cause: Any = caught.value.__cause__
    assert STRUCTURE in str(cause.data.errors["general"].messages)
