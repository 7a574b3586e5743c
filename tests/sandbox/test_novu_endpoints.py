"""Channel endpoints at the local Novu: the life of one, how it is refused, how endpoints are listed and kept."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from onboarding.sandbox.novu import Options, create_novu, endpoints
from onboarding.sandbox.novu.contexts import STRUCTURE
from onboarding.sandbox.serve import serving
from tests.sandbox.clients import NovuSite, complaints_of, gets_no_answer, message_of
from tests.sandbox.novu_clients import EndpointSite, endpoint
from tests.sandbox.test_novu_failures import ANSWERS

MISMATCH = 'Endpoint must match the required format for type "{}"'.format
KEYS = [
    "identifier",
    "channel",
    "providerId",
    "integrationIdentifier",
    "connectionIdentifier",
    "subscriberId",
    "contextKeys",
    "type",
    "endpoint",
    "createdAt",
    "updatedAt",
]


@pytest.fixture
def site(novu_site: NovuSite) -> EndpointSite:
    return EndpointSite(novu_site)


def test_an_endpoint_comes_back_whole_and_wrapped(site: EndpointSite) -> None:
    site.novu.created(identifier="acme", context={"tenant": "a"})
    answer = site.create(connectionIdentifier="acme", context={"tenant": "a"})
    assert answer.status_code == 201
    assert answer.headers["RateLimit-Limit"] == "100"
    assert list(answer.json()) == ["data"]
    made = answer.json()["data"]
    assert list(made) == KEYS
    assert re.fullmatch(r"chendp_[0-9a-z]{12}", made["identifier"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["createdAt"])
    assert {name: made[name] for name in KEYS[1:-2]} == {
        "channel": "chat",
        "providerId": "slack",
        "integrationIdentifier": "slack-prod",
        "connectionIdentifier": "acme",
        "subscriberId": "subscriber-123",
        "contextKeys": ["tenant:a"],
        "type": "slack_channel",
        "endpoint": {"channelId": "C0123"},
    }
    assert site.send("GET", f"/{made['identifier']}").json()["data"] == made
    assert site.novu.state.endpoints[0].endpoint == {"channelId": "C0123"}


@pytest.mark.parametrize(
    ("type_", "target"),
    [
        ("slack_channel", {"channelId": "#no shape check"}),
        ("slack_user", {"userId": "U1"}),
        ("webhook", {"url": "anything"}),
        ("webhook", {"url": "https://hooks.slack.com/services/x", "channel": "#x"}),
        ("phone", {"phoneNumber": "+1"}),
        ("ms_teams_channel", {"teamId": "a", "channelId": "b"}),
        ("telegram_chat", {"chatId": "1"}),
    ],
)
def test_each_type_takes_its_own_keys(site: EndpointSite, type_: str, target: dict[str, str]) -> None:
    made = site.created(type=type_, endpoint=target)
    assert (made["type"], made["endpoint"], made["connectionIdentifier"]) == (type_, target, None)


def test_no_two_endpoints_are_the_same_to_novu(site: EndpointSite) -> None:
    """Only an identifier keeps the second of two equal creates away."""
    assert site.created()["identifier"] != site.created()["identifier"]
    site.created(identifier="mine")
    expected = (
        f'Channel endpoint with identifier "mine" already exists in environment "{site.novu.state.environment.id}"'
    )
    answer = site.create(identifier="mine", context={"tenant": "a"})
    assert message_of(answer) == (409, expected)
    assert "Retry-After" not in answer.headers


def test_patch_replaces_the_target_alone(site: EndpointSite) -> None:
    made = site.created(identifier="mine", type="webhook", endpoint={"url": "a", "channel": "b"})
    body = {"endpoint": {"url": "c"}, "subscriberId": "other", "type": "slack_user", "identifier": "other"}
    answer = site.send("PATCH", "/mine", json=body)
    assert answer.status_code == 200
    changed = answer.json()["data"]
    assert changed == {**made, "endpoint": {"url": "c"}, "updatedAt": changed["updatedAt"]}
    assert changed["updatedAt"] >= made["updatedAt"]


def test_patch_checks_the_body_then_the_identifier_then_the_format(site: EndpointSite) -> None:
    bodies: list[Any] = [{}, {"endpoint": None}, []]
    for body in bodies:
        complaints = complaints_of(site.send("PATCH", "/nope", json=body))
        assert complaints == ["endpoint should not be null or undefined", "endpoint must be an object"]
    environment = site.novu.state.environment.id
    missing = f'Channel endpoint with identifier "nope" not found in environment "{environment}"'
    assert message_of(site.send("PATCH", "/nope", json={"endpoint": {}})) == (404, missing)
    site.created(identifier="mine")
    for target in ({}, {"userId": "U1"}, {"channelId": 1}, {"channelId": "C1", "more": "x"}):
        answer = site.send("PATCH", "/mine", json={"endpoint": target})
        assert message_of(answer) == (400, MISMATCH("slack_channel"))


def test_delete_is_final_and_empty(site: EndpointSite) -> None:
    site.created(identifier="mine")
    answer = site.send("DELETE", "/mine")
    assert (answer.status_code, answer.content) == (204, b"")
    missing = (404, "Channel endpoint with identifier 'mine' not found")
    assert message_of(site.send("DELETE", "/mine")) == missing
    assert message_of(site.send("GET", "/mine")) == missing
    assert site.created(identifier="mine")


def test_an_endpoint_outlives_its_connection(site: EndpointSite) -> None:
    site.novu.created(identifier="acme")
    made = site.created(connectionIdentifier="acme")
    assert site.novu.send("DELETE", "/acme").status_code == 204
    assert site.send("GET", f"/{made['identifier']}").json()["data"] == made
    assert site.rows(connectionIdentifier="acme") == [made["identifier"]]


def test_checks_come_in_novus_order(site: EndpointSite) -> None:
    site.created(identifier="mine")
    wrong = {
        "type": "nonsense",
        "integrationIdentifier": "nope",
        "subscriberId": "nobody",
        "identifier": "mine",
        "connectionIdentifier": "nowhere",
        "context": {"left": "behind"},
    }
    steps = [
        ("type", "slack_channel", 422, "Validation Error"),
        ("integrationIdentifier", "slack-prod", 404, "Integration not found: nope"),
        ("subscriberId", "subscriber-123", 404, f"Subscriber not found: nobody{endpoints.HINT}"),
        ("identifier", "other", 409, 'Channel endpoint with identifier "mine" already exists in environment'),
        ("connectionIdentifier", "", 404, "Channel connection not found: nowhere"),
    ]
    for field, right, status, words in steps:
        answer = site.create(**wrong)
        assert answer.status_code == status
        assert words in answer.json()["message"]
        wrong[field] = right
    assert site.novu.state.environment.contexts == {"left:behind": {}}
    assert site.created(**wrong)["connectionIdentifier"] is None


def test_a_connection_of_another_integration_is_not_found(site: EndpointSite) -> None:
    body = {"providerId": "slack", "channel": "chat", "identifier": "eu"}
    site.call("POST", "/v1/integrations", json=body)
    site.novu.created(identifier="acme", integrationIdentifier="eu")
    answer = site.create(connectionIdentifier="acme")
    assert message_of(answer) == (404, "Channel connection not found: acme")


def test_nobody_compares_owner_and_context_of_the_connection(site: EndpointSite) -> None:
    site.novu.created(identifier="acme", context={"tenant": "a"})
    site.novu.state.environment.add_subscriber("other")
    made = site.created(connectionIdentifier="acme", subscriberId="other")
    assert (made["subscriberId"], made["contextKeys"]) == ("other", [])


def test_a_subscriber_is_made_only_when_asked_for(site: EndpointSite) -> None:
    for asked in ({}, {"createSubscriberIfMissing": False}, {"createSubscriberIfMissing": None}):
        assert site.create(subscriberId="new", **asked).status_code == 404
    assert site.create(subscriberId="", createSubscriberIfMissing=True).status_code == 404
    assert site.created(subscriberId="new", createSubscriberIfMissing=True)["subscriberId"] == "new"
    before = site.novu.state.environment.subscribers
    assert site.created(subscriberId="new", createSubscriberIfMissing=True)
    assert site.novu.state.environment.subscribers == before


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        ({"identifier": 1}, ["identifier must be a string"]),
        (
            {"subscriberId": ...},
            ["subscriberId should not be null or undefined", "subscriberId must be a string"],
        ),
        ({"createSubscriberIfMissing": "yes"}, ["createSubscriberIfMissing must be a boolean value"]),
        ({"context": {}}, [STRUCTURE]),
        (
            {"context": {str(number): "a" for number in range(6)}},
            ["Too many contexts: 6 provided, maximum allowed is 5"],
        ),
        ({"integrationIdentifier": 1}, ["integrationIdentifier must be a string"]),
        ({"connectionIdentifier": {}}, ["connectionIdentifier must be a string"]),
        ({"endpoint": {}}, ["endpoint.channelId must be a string", MISMATCH("slack_channel")]),
        ({"endpoint": {"channelId": 1}}, ["endpoint.channelId must be a string", MISMATCH("slack_channel")]),
        ({"endpoint": {"channelId": "C1", "more": "x"}}, [MISMATCH("slack_channel")]),
        ({"endpoint": ["C1"]}, [MISMATCH("slack_channel")]),
        ({"endpoint": ...}, ["endpoint should not be null or undefined", "endpoint must be an object"]),
        (
            {"type": "webhook", "endpoint": {"url": "x", "channel": None}},
            ["endpoint.channel must be a string", MISMATCH("webhook")],
        ),
        ({"type": "pagerduty_service", "endpoint": {"routingKey": "x"}}, [MISMATCH("pagerduty_service")]),
    ],
)
def test_a_bad_field_is_told_what_is_wrong(site: EndpointSite, change: dict[str, Any], messages: list[str]) -> None:
    assert complaints_of(site.create(**change)) == messages


@pytest.mark.parametrize("type_", [..., "nonsense", [], {}])
def test_a_type_that_nobody_knows_is_refused_by_name(site: EndpointSite, type_: Any) -> None:
    complaint = complaints_of(site.create(type=type_))[-1]
    assert complaint.startswith("type must be one of the following values: slack_channel, slack_user, webhook, ")


@pytest.mark.parametrize("identifier", ["a/b", "a%2Fb", "a?b#c", "ü/\N{ROCKET}", "acme:subscriber"])
def test_an_identifier_may_hold_anything_that_is_encoded(site: EndpointSite, identifier: str) -> None:
    path = f"/{quote(identifier, safe='')}"
    assert site.created(identifier=identifier)["identifier"] == identifier
    assert site.send("GET", path).json()["data"]["identifier"] == identifier
    assert site.send("PATCH", path, json={"endpoint": {"channelId": "C2"}}).status_code == 200
    assert site.send("DELETE", path).status_code == 204


@pytest.mark.parametrize(("method", "path"), [("PUT", ""), ("POST", "/x"), ("POST", "/x/verify")])
def test_an_unknown_route_is_a_404(site: EndpointSite, method: str, path: str) -> None:
    answer = site.send(method, path, json=endpoint())
    assert message_of(answer) == (404, f"Cannot {method} /v1/channel-endpoints{path}")


def test_without_the_key_there_is_nothing(site: EndpointSite) -> None:
    answer = site.send("GET", headers={"Authorization": "ApiKey wrong"})
    assert message_of(answer) == (401, "API Key not found")


@pytest.fixture
def stocked(site: EndpointSite) -> EndpointSite:
    """Five endpoints, oldest first: plain, a, ab, other, loose."""
    site.novu.state.environment.add_subscriber("other")
    site.novu.created(identifier="acme")
    site.novu.created(identifier="acme-a", context={"tenant": "a"})
    site.created(identifier="plain", connectionIdentifier="acme")
    site.created(identifier="a", connectionIdentifier="acme-a", context={"tenant": "a"})
    site.created(identifier="ab", connectionIdentifier="acme-a", context={"tenant": "a", "region": "b"})
    site.created(identifier="other", connectionIdentifier="acme", subscriberId="other")
    site.created(identifier="loose")
    return site


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({}, ["loose", "other", "ab", "a", "plain"]),
        ({"connectionIdentifier": "acme"}, ["other", "plain"]),
        ({"connectionIdentifier": "acme", "subscriberId": "subscriber-123"}, ["plain"]),
        ({"connectionIdentifier": "gone"}, []),
        ({"connectionIdentifier": ""}, ["loose", "other", "ab", "a", "plain"]),
        ({"subscriberId": "other"}, ["other"]),
        ({"contextKeys": "tenant:a"}, ["a"]),
        ({"contextKeys": ["region:b", "tenant:a"]}, ["ab"]),
        ({"contextKeys": ""}, ["loose", "other", "plain"]),
        ({"contextKeys": "", "connectionIdentifier": "acme", "subscriberId": "other"}, ["other"]),
        ({"channel": "chat", "providerId": "slack", "integrationIdentifier": "slack-prod", "limit": "1.0"}, ["loose"]),
        ({"channel": "email"}, []),
        ({"integrationIdentifier": "nope"}, []),
        ({"orderDirection": "ASC", "limit": "2"}, ["plain", "a"]),
        ({"orderBy": "updatedAt", "limit": "1"}, ["a"]),
        ({"connectionMode": "nonsense"}, ["loose", "other", "ab", "a", "plain"]),
    ],
)
def test_filters_narrow_the_list(stocked: EndpointSite, query: dict[str, Any], rows: list[str]) -> None:
    stocked.send("PATCH", "/a", json={"endpoint": {"channelId": "C9"}})
    assert stocked.rows(**query) == rows


def test_pages_follow_one_another_both_ways(stocked: EndpointSite) -> None:
    first = stocked.send("GET", params={"limit": "2"}).json()
    assert list(first) == ["data", "next", "previous", "totalCount", "totalCountCapped"]
    assert re.fullmatch(r"[0-9a-f]{24}", first["next"])
    assert (first["previous"], first["totalCount"], first["totalCountCapped"]) == (None, 5, False)
    second = stocked.send("GET", params={"limit": "2", "after": first["next"]}).json()
    assert [row["identifier"] for row in second["data"]] == ["ab", "a"]
    assert stocked.send("GET", params={"limit": "2", "before": second["previous"]}).json() == first
    assert stocked.rows(after="0" * 24) == []
    assert stocked.send("GET", params={"after": "x"}).status_code == 500
    both = {"after": "0" * 24, "before": "0" * 24}
    assert stocked.send("GET", params=both).status_code == 400
    assert complaints_of(stocked.send("GET", params={"limit": "101"})) == ["limit must not be greater than 100"]


def test_ten_thousand_endpoints_are_no_burden(site: EndpointSite) -> None:
    environment = site.novu.state.environment
    for number in range(10_000):
        environment.add_subscriber(f"s-{number}")
        body = endpoint(subscriberId=f"s-{number}", identifier=f"e-{number}", context={"tenant": f"t-{number % 100}"})
        endpoints.create(environment, body)
    started = time.perf_counter()
    for number in range(20):
        assert site.rows(subscriberId=f"s-{number}") == [f"e-{number}"]
        assert len(site.rows(contextKeys=f"tenant:t-{number}", integrationIdentifier="slack-prod", limit=100)) == 100
        assert site.rows(subscriberId=f"s-{number}", contextKeys=f"tenant:t-{number}") == [f"e-{number}"]
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(("slug", "status", "words"), ANSWERS)
def test_a_failure_strikes_endpoints_too(site: EndpointSite, slug: str, status: int, words: str) -> None:
    site.novu.suffer(slug)
    answer = site.create(identifier="mine")
    assert answer.status_code == status
    message = answer.json()["message"]
    assert words in message
    assert ("Channel endpoint" in message) is (slug == "conflict")
    assert site.novu.state.endpoints == ()
    assert ("Retry-After" in answer.headers) is (slug in {"rate_limited", "in_progress"})


def test_a_connection_can_be_missing_by_failure(site: EndpointSite) -> None:
    site.novu.created(identifier="acme")
    site.novu.suffer("connection_missing")
    assert message_of(site.create(connectionIdentifier="acme")) == (404, "Channel connection not found: acme")
    assert site.create().status_code == 201
    assert site.novu.create(context={"tenant": "a"}).status_code == 201


def test_failures_on_the_wire_strike_endpoints_too(site: EndpointSite) -> None:
    site.novu.suffer("down")
    assert gets_no_answer(lambda: site.send("GET"))
    site.novu.suffer("html")
    assert site.send("DELETE", "/mine").status_code == 502
    site.novu.suffer("slow")
    assert site.create().elapsed.total_seconds() >= 0.2
    assert site.novu.state.requests("list_endpoints") == 1
    assert site.novu.state.requests("create_endpoint") == 1
    assert site.novu.state.requests("create") == 0


def test_what_comes_too_late_is_kept(site: EndpointSite) -> None:
    site.novu.suffer("error_after_commit")
    assert site.create(identifier="mine").status_code == 500
    site.novu.suffer("truncated")
    answer = site.send("PATCH", "/mine", json={"endpoint": {"channelId": "C9"}})
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert site.novu.state.endpoints[0].endpoint == {"channelId": "C9"}


def test_answers_can_be_strange(site: EndpointSite) -> None:
    made = site.created(identifier="mine")
    site.novu.suffer("unknown_provider")
    assert site.send("GET", "/mine").json()["data"] == {**made, "providerId": "carrier-pigeon"}
    site.novu.suffer("extra_fields")
    [row] = site.send("GET").json()["data"]
    assert "futureField" in row
    assert "futureField" in row["endpoint"]


MakeSite = Callable[..., EndpointSite]


@pytest.fixture
def make(session: requests.Session) -> Iterator[MakeSite]:
    with ExitStack() as stack:

        def make(*keys: str, idempotency: bool = False, **options: Any) -> EndpointSite:
            app = create_novu(*keys, idempotency=idempotency, options=Options(**options))
            url = stack.enter_context(serving(app))
            return EndpointSite(NovuSite(url, app.extensions["novu"], session))

        yield make


def test_a_key_is_honoured_when_creating_and_changing(make: MakeSite) -> None:
    site = make(idempotency=True)
    answers = [site.create("key") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotency-Replay"] == "true"
    assert len(site.novu.state.endpoints) == 1
    assert message_of(site.create("key", identifier="other"))[0] == 422
    refused = [site.create("another key", subscriberId="late") for _ in range(2)]
    site.novu.state.environment.add_subscriber("late")
    assert [message_of(answer)[0] for answer in (*refused, site.create("another key", subscriberId="late"))] == [
        404
    ] * 3
    path, body, key = (
        f"/{answers[0].json()['data']['identifier']}",
        {"endpoint": {"channelId": "C2"}},
        {"Idempotency-Key": "k"},
    )
    changed = [site.send("PATCH", path, json=body, headers=key) for _ in range(2)]
    assert changed[0].json() == changed[1].json()


def test_connections_and_endpoints_share_their_keys(make: MakeSite) -> None:
    site = make(idempotency=True)
    site.create("key")
    assert site.novu.create("key").status_code == 422


def test_connections_and_endpoints_share_one_limit(make: MakeSite) -> None:
    site = make(rate_limit=True)
    left = [int(answer.headers["RateLimit-Remaining"]) for answer in (site.send("GET"), site.novu.send("GET"))]
    assert left[1] == left[0] - 1
    while site.send("GET").status_code == 200:
        pass
    assert site.create().status_code == 429


def test_a_discreet_novu_shows_endpoints_as_they_are(make: MakeSite) -> None:
    site = make(redact=True)
    made = site.created(identifier="mine")
    assert list(made) == KEYS
    assert site.rows() == ["mine"]


def test_each_environment_has_its_own_endpoints(make: MakeSite) -> None:
    site = make("one", "two")
    one, two = ({"Authorization": f"ApiKey {key}"} for key in ("one", "two"))
    body = endpoint(identifier="mine")
    assert [site.send("POST", json=body, headers=key).status_code for key in (one, two, two)] == [201, 201, 409]
    assert site.send("DELETE", "/mine", headers=one).status_code == 204
    assert site.send("GET", "/mine", headers=two).status_code == 200


def test_endpoints_outlive_a_restart(make: MakeSite, tmp_path: Path) -> None:
    site = make(data=tmp_path / "novu.data")
    site.novu.created(identifier="acme", context={"tenant": "a"})
    site.created(identifier="a\u2028", connectionIdentifier="acme", context={"tenant": "a"})
    site.created(identifier="hook", type="webhook", endpoint={"url": "x", "channel": "ü"})
    site.send("PATCH", "/hook", json={"endpoint": {"url": "y"}})
    site.created(identifier="gone")
    site.send("DELETE", "/gone")
    site.novu.send("DELETE", "/acme")
    before = site.send("GET").json()
    site.novu.state.close()
    again = make(data=tmp_path / "novu.data")
    assert again.send("GET").json() == before
    assert again.rows(subscriberId="subscriber-123") == ["hook", "a\u2028"]
    assert again.create(identifier="hook").status_code == 409
    again.novu.state.close()


def test_reset_forgets_endpoints(site: EndpointSite) -> None:
    site.created()
    site.novu.state.reset()
    assert site.novu.state.endpoints == ()
