"""Where notifications go, as a host sets it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from onboarding.ledger.audit import Action
from onboarding.sandbox.novu.options import Options
from onboarding.wiring import Wiring
from tests.api.host import KEYS, Answer, Host
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person
from tests.witness import Witness

ChannelId = Callable[..., str]
DANA = "U9TK3CUKW"


def message(answer: Answer) -> str:
    [error] = answer.body["errors"]
    found: str = error["message"]
    return found


def test_notifications_go_to_a_channel(host: Host, connected: str, channel_id: ChannelId, novu: LocalNovu) -> None:
    deploys = channel_id("deploys")
    answer = host.point(connected, channelId=deploys)
    [endpoint] = novu.state.endpoints
    assert answer.status == 200
    assert answer.body == {
        "identifier": endpoint.identifier,
        "type": "slack_channel",
        "endpoint": {"channelId": deploys},
    }
    assert (endpoint.connection_identifier, endpoint.type, dict(endpoint.endpoint)) == (
        connected,
        "slack_channel",
        {"channelId": deploys},
    )


def test_notifications_go_to_a_person(host: Host, connected: str, novu: LocalNovu) -> None:
    answer = host.point(connected, userId=DANA)
    [endpoint] = novu.state.endpoints
    assert answer.body == {"identifier": endpoint.identifier, "type": "slack_user", "endpoint": {"userId": DANA}}


def test_a_new_choice_takes_the_place_of_the_old(
    host: Host, connected: str, channel_id: ChannelId, novu: LocalNovu
) -> None:
    first = host.point(connected, channelId=channel_id("deploys")).body["identifier"]
    for target in ({"channelId": channel_id("alerts")}, {"userId": DANA}, {"channelId": channel_id("general")}):
        assert host.point(connected, **target).body["identifier"] == first
        [endpoint] = novu.state.endpoints
        assert dict(endpoint.endpoint) == target


def test_null_counts_as_not_given(host: Host, connected: str) -> None:
    assert host.point(connected, userId=DANA, channelId=None).status == 200


def test_a_private_channel_that_the_app_is_in_may_be_named(
    host: Host, connected: str, channel_id: ChannelId, wiring: Wiring
) -> None:
    assert host.point(connected, channelId=channel_id("incident-room")).status == 200
    made = wiring.ledger.connections.find(connected)
    assert made
    assert made.destination
    assert made.destination.name is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("launch-2019", "archived"),
        ("leadership", "not known"),
        ("ext-hooli-pilot", "invites"),
    ],
)
def test_what_cannot_be_posted_to_is_refused(
    host: Host, connected: str, channel_id: ChannelId, novu: LocalNovu, name: str, words: str
) -> None:
    answer = host.point(connected, channelId=channel_id(name))
    assert answer.broken == ["channelId"]
    assert words in message(answer)
    assert novu.state.endpoints == ()


def test_a_channel_of_another_workspace_is_refused(host: Host, connected: str, channel_id: ChannelId) -> None:
    assert host.point(connected, channelId=channel_id("general", "T0VMBRE11A")).broken == ["channelId"]
    assert host.point(connected, channelId="C000000000").broken == ["channelId"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["channelId"]),
        ({"channelId": None, "userId": None}, ["channelId"]),
        ({"channelId": "C024BE91L", "userId": DANA}, ["userId"]),
        ({"channelId": ""}, ["channelId"]),
        ({"channelId": "#deploys"}, ["channelId"]),
        ({"channelId": "c024be91l"}, ["channelId"]),
        ({"channelId": "C024BE91L\n"}, ["channelId"]),
        ({"channelId": "C024BE91L\0"}, ["channelId"]),
        ({"channelId": "C" + "A" * 8000}, ["channelId"]),
        ({"channelId": "https://acme-hq.slack.com/archives/C024BE91L"}, ["channelId"]),
        ({"channelId": DANA}, ["channelId"]),
        ({"channelId": "D024BE91L"}, ["channelId"]),
        ({"channelId": 7}, ["channelId"]),
        ({"channelId": ["C024BE91L"]}, ["channelId"]),
        ({"channelId": {"id": "C024BE91L"}}, ["channelId"]),
        ({"channelId": False}, ["channelId"]),
        ({"userId": "C024BE91L"}, ["userId"]),
        ({"userId": "me"}, ["userId"]),
        ({"userId": True}, ["userId"]),
        ({"userId": "U9TK3CUKW", "type": "slack_user"}, ["type"]),
        ({"channelID": "C024BE91L"}, ["channelID", "channelId"]),
        ([], ["body"]),
        ("C024BE91L", ["body"]),
        (None, ["body"]),
    ],
)
def test_what_cannot_be_a_destination_is_named(
    host: Host, connected: str, slack: LocalSlack, body: object, fields: list[str]
) -> None:
    assert host.put(f"/v1/connections/{connected}/destination", body).broken == fields
    assert slack.state.calls("conversations.info") == 0


@pytest.mark.parametrize("raw", [b"", b"{", b'{"channelId": "C1", "channelId": "C2"}', b'{"userId": "\xff"}'])
def test_what_is_not_plain_json_is_refused(host: Host, connected: str, raw: bytes) -> None:
    path = f"/v1/connections/{connected}/destination"
    assert host.call("PUT", path, data=raw, content_type="application/json").status == 400
    assert host.call("PUT", path, data={"channelId": "C024BE91L"}).status == 415
    assert host.call("PUT", path, data=b" " * 70_000, content_type="application/json").status == 413


def test_without_a_subscriber_nothing_can_be_sent(
    host: Host, person: Person, mint: MintLink, slack: LocalSlack
) -> None:
    person.install(mint(subscriberId=None, context={"tenant": "org-1"}, identifier="shared"))
    assert host.point("shared", userId=DANA).conflict == "no_subscriber"


def test_a_shared_connection_of_a_subscriber_has_a_destination(host: Host, person: Person, mint: MintLink) -> None:
    person.install(mint(connectionMode="shared", context={"tenant": "org-1"}, identifier="shared"))
    assert host.point("shared", userId=DANA).status == 200


def test_a_link_that_left_it_to_the_host_does_not_stand_in_the_way(host: Host, person: Person, mint: MintLink) -> None:
    person.install(mint(destination="none", identifier="mine"))
    assert host.point("mine", userId=DANA).status == 200


def test_an_ended_connection_has_no_destination(host: Host, connected: str, wiring: Wiring, novu: LocalNovu) -> None:
    wiring.upkeep.disconnect(connected, revokes=False)
    assert host.point(connected, userId=DANA).status == 404
    assert novu.state.endpoints == ()


def test_a_connection_that_ends_meanwhile_is_not_found(
    host: Host, connected: str, wiring: Wiring, novu: LocalNovu, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = wiring.channels.person

    def end_first(*given: object) -> object:
        wiring.upkeep.disconnect(connected, revokes=False)
        return find(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(wiring.channels, "person", end_first)
    assert host.point(connected, userId=DANA).status == 404
    assert novu.state.endpoints == ()


def test_a_connection_that_is_made_anew_meanwhile_is_the_one_that_counts(
    host: Host, person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.install(mint(identifier="mine"))
    find, again = wiring.channels.person, [mint(identifier="mine")]

    def reconnect_first(*given: object) -> object:
        if again:
            person.install(again.pop())
        return find(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(wiring.channels, "person", reconnect_first)
    assert host.point("mine", userId=DANA).status == 200
    [endpoint] = novu.state.endpoints
    assert dict(endpoint.endpoint) == {"userId": DANA}


def test_a_token_that_slack_does_not_accept_is_broken(
    host: Host, connected: str, channel_id: ChannelId, slack: LocalSlack, novu: LocalNovu
) -> None:
    slack.state.uninstall(slack.state.installations[0])
    assert host.point(connected, channelId=channel_id("general")).conflict == "broken"
    assert novu.state.endpoints == ()


def test_hidden_tokens_let_the_host_answer_for_it(
    host: Host, connected: str, novu: LocalNovu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(novu.state, "options", Options(redact=True))
    assert host.point(connected, channelId="C024BE91L").status == 200


@pytest.mark.parametrize("kind", ["html", "server_error", "reset_before"])
def test_a_slack_that_fails_changes_nothing(
    host: Host, connected: str, channel_id: ChannelId, slack: LocalSlack, novu: LocalNovu, kind: str
) -> None:
    slack.state.faults.set("conversations.info", kind)
    assert host.point(connected, channelId=channel_id("general")).status == 503
    assert novu.state.endpoints == ()


def test_slack_says_how_long_to_wait(host: Host, connected: str, channel_id: ChannelId, slack: LocalSlack) -> None:
    slack.state.faults.set("conversations.info", "rate_limited", retry_after=9)
    answer = host.point(connected, channelId=channel_id("general"))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "9")


@pytest.mark.parametrize("failure", ["down", "unauthorized", "html", "rejected"])
def test_a_novu_that_fails_changes_nothing(host: Host, connected: str, novu: LocalNovu, failure: str) -> None:
    novu.suffer(failure)
    assert host.point(connected, userId=DANA).status == 503
    novu.suffer("none")
    assert host.connection(connected).body["endpoints"] == []
    assert novu.state.endpoints == ()


def test_two_who_choose_at_once_agree_in_the_end(
    app: Flask, make_app: Callable[..., Flask], witness: Witness, connected: str, channel_id: ChannelId, novu: LocalNovu
) -> None:
    hosts = [Host(app, witness), Host(make_app(API_KEYS=KEYS), witness)]
    targets = [{"channelId": channel_id("deploys")}, {"userId": DANA}, {"channelId": channel_id("alerts")}]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: hosts[n % 2].point(connected, **targets[n % 3]), range(12)))
    assert {answer.status for answer in answers} == {200}
    [endpoint] = novu.state.endpoints
    assert dict(endpoint.endpoint) in targets
    [ours] = hosts[0].connection(connected).body["endpoints"]
    assert ours == {"identifier": endpoint.identifier, "type": endpoint.type}


def test_a_person_whom_slack_does_not_know_is_refused_if_the_app_may_ask(
    make_app: Callable[..., Flask], witness: Witness, slack: LocalSlack, novu: LocalNovu
) -> None:
    app = make_app(API_KEYS=KEYS, SLACK_SCOPES="chat:write,im:write")
    host, person = Host(app, witness), Person(app, slack, witness)
    person.install(host.link(identifier="mine")["url"].removeprefix("http://127.0.0.1:8000"))
    assert host.point("mine", userId="U000000000").broken == ["userId"]
    assert host.point("mine", userId=DANA).status == 200, "known, though the app has never written to them"


def test_it_is_written_down_who_chose(host: Host, connected: str, wiring: Wiring) -> None:
    host.point(connected, userId="wrong")
    host.point(connected, userId=DANA)
    [entry] = wiring.ledger.audit.read(10).entries
    assert (entry.action, entry.target, entry.outcome) == (Action.DESTINATION_SET, connected, f"slack_user {DANA}")
    assert entry.actor.startswith("API key ")
