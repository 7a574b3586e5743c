"""Triggering a workflow at the local Novu: what reaches Slack, by which token, and what the activity says of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from onboarding.sandbox.novu import Options, create_novu
from onboarding.sandbox.novu.contexts import STRUCTURE
from onboarding.sandbox.serve import serving
from onboarding.sandbox.slack import SlackApp, create_slack
from tests.sandbox.clients import NovuSite, SlackSite, complaints_of, message_of
from tests.sandbox.novu_clients import EndpointSite
from tests.scripted import Script, answer, scripted

OK = answer(200, b'{"ok":true}')
TENANT = {"tenant": "a"}


def slack_error(error: str, status: int = 200) -> bytes:
    return answer(status, json.dumps({"ok": False, "error": error}).encode())


@dataclass(frozen=True, slots=True)
class Posted:
    """One request, as the recorder got it."""

    path: str
    token: str
    body: dict[str, Any]


def posted(script: Script) -> list[Posted]:
    return list(map(_parsed, script.seen))


def _parsed(request: bytes) -> Posted:
    head, _, body = request.decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(":") for line in lines[1:])}
    token = fields.get("authorization", "").strip().removeprefix("Bearer").strip()
    return Posted(lines[0].split(" ")[1], token, json.loads(body))


Start = Callable[..., EndpointSite]


@pytest.fixture
def start(session: requests.Session) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(slack_url: str = "", *keys: str, **options: Any) -> EndpointSite:
            app = create_novu(*keys, options=Options(slow_seconds=0.2, **options), slack_url=slack_url)
            stack.callback(app.extensions["novu"].close)
            return EndpointSite(NovuSite(stack.enter_context(serving(app)), app.extensions["novu"], session))

        yield start


@pytest.fixture
def slack() -> Script:
    return Script([OK], takes=100)


@pytest.fixture
def site(start: Start, slack: Script) -> Iterator[EndpointSite]:
    with scripted(slack) as url:
        yield start(url)


def test_a_trigger_is_acknowledged_before_it_is_delivered(site: EndpointSite, slack: Script) -> None:
    slack.delay = 0.3
    site.created(identifier="mine")
    acknowledged = site.trigger()
    assert acknowledged.status_code == 201
    assert list(acknowledged.json()) == ["data"]
    transaction = acknowledged.json()["data"]["transactionId"]
    assert re.fullmatch(r"txn_[0-9a-f]{24}", transaction)
    assert acknowledged.json()["data"] == {"acknowledged": True, "status": "processed", "transactionId": transaction}
    waiting = site.novu.session.get(f"{site.novu.url}/sandbox/activity").json()
    assert waiting == {"data": [], "pending": 1}
    assert site.activity(transaction)[0]["status"] == "completed"


def test_a_message_goes_out_by_the_connections_token(site: EndpointSite, slack: Script) -> None:
    site.novu.created(identifier="acme", context=TENANT)
    site.created(identifier="mine", connectionIdentifier="acme", context=TENANT)
    activity = site.delivered(context=TENANT)
    assert posted(slack) == [
        Posted("/api/chat.postMessage", "xoxb-1-2-secret", {"channel": "C0123", "text": "Hello"}),
    ]
    assert {name: activity[name] for name in activity if name not in {"transactionId", "at", "environmentId"}} == {
        "workflow": "greeting",
        "subscriberId": "subscriber-123",
        "contextKeys": ["tenant:a"],
        "status": "completed",
        "detail": "MESSAGE_SENT",
        "results": [
            {
                "endpoint": "mine",
                "type": "slack_channel",
                "target": "C0123",
                "connectionIdentifier": "acme",
                "ok": True,
                "detail": "",
            }
        ],
    }
    assert "xoxb" not in json.dumps(activity)


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"text": "ü\n*x*"}, "ü\n*x*"),
        ({}, "Notification from greeting"),
        (..., "Notification from greeting"),
        (None, "Notification from greeting"),
        ({"text": 1}, "1"),
    ],
)
def test_the_text_is_the_payloads(site: EndpointSite, slack: Script, payload: Any, text: str) -> None:
    site.created()
    site.delivered(payload=payload)
    assert posted(slack)[0].body["text"] == text


def test_a_connection_alone_delivers_nothing(site: EndpointSite, slack: Script) -> None:
    site.novu.created(identifier="acme")
    activity = site.delivered()
    assert (activity["status"], activity["detail"], activity["results"]) == (
        "failed",
        "SUBSCRIBER_NO_ACTIVE_CHANNEL",
        [],
    )
    assert slack.seen == []


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        ({}, TENANT),
        (TENANT, {}),
        (TENANT, {"tenant": "b"}),
        (TENANT, {"tenant": "a", "region": "b"}),
        ({"tenant": "a", "region": "b"}, TENANT),
    ],
)
def test_an_endpoint_in_another_context_is_not_found(
    site: EndpointSite, asked: dict[str, str], held: dict[str, str]
) -> None:
    site.created(context=held or None)
    assert site.delivered(context=asked or None)["detail"] == "SUBSCRIBER_NO_ACTIVE_CHANNEL"


def test_the_order_of_a_context_does_not_matter(site: EndpointSite, slack: Script) -> None:
    site.novu.created(identifier="acme", context={"tenant": "a", "region": "b"})
    site.created(connectionIdentifier="acme", context={"region": "b", "tenant": "a"})
    assert site.delivered(context={"tenant": "a", "region": "b"})["status"] == "completed"
    assert posted(slack)[0].token == "xoxb-1-2-secret"


def _in_another_context(site: EndpointSite) -> None:
    site.novu.created(identifier="acme", context=TENANT)
    site.created(connectionIdentifier="acme")


def _deleted(site: EndpointSite) -> None:
    site.novu.created(identifier="acme")
    site.created(connectionIdentifier="acme")
    site.novu.send("DELETE", "/acme")


def _none_at_all(site: EndpointSite) -> None:
    site.created()


@pytest.mark.parametrize("arrange", [_in_another_context, _deleted, _none_at_all])
def test_without_its_connection_an_endpoint_has_an_empty_token(
    site: EndpointSite, slack: Script, arrange: Callable[[EndpointSite], None]
) -> None:
    slack.answers = [slack_error("not_authed")]
    arrange(site)
    activity = site.delivered()
    assert [each.token for each in posted(slack)] == [""]
    assert (activity["status"], activity["detail"]) == ("failed", "CHAT_ALL_CHANNELS_FAILED")
    assert activity["results"][0]["detail"] == "Slack API Error: not_authed"


def test_a_shared_connection_serves_every_subscriber(site: EndpointSite, slack: Script) -> None:
    site.novu.created(identifier="ours", connectionMode="shared", subscriberId=..., context=TENANT)
    for subscriber in ("one", "two"):
        target = {"type": "slack_user", "endpoint": {"userId": f"U-{subscriber}"}, "createSubscriberIfMissing": True}
        site.created(subscriberId=subscriber, connectionIdentifier="ours", context=TENANT, **target)
    transaction = site.triggered(to=["one", {"subscriberId": "two"}, "one"], context=TENANT)
    assert {each["subscriberId"] for each in site.activity(transaction, 2)} == {"one", "two"}
    assert [(each.token, each.body["channel"]) for each in posted(slack)] == [
        ("xoxb-1-2-secret", "U-one"),
        ("xoxb-1-2-secret", "U-two"),
    ]


def test_every_endpoint_gets_it_and_one_that_works_is_enough(site: EndpointSite, slack: Script) -> None:
    """As at Novu, a dead second channel is seen only by looking closely."""
    slack.answers = [slack_error("channel_not_found"), OK]
    site.created(identifier="dead")
    site.created(identifier="alive", endpoint={"channelId": "C9"})
    activity = site.delivered()
    assert (activity["status"], activity["detail"]) == ("completed", "MESSAGE_SENT")
    assert [(each["endpoint"], each["ok"], each["detail"]) for each in activity["results"]] == [
        ("dead", False, "Slack API Error: channel_not_found"),
        ("alive", True, ""),
    ]
    assert [each.body["channel"] for each in posted(slack)] == ["C0123", "C9"]


@pytest.mark.parametrize(
    ("bytes_", "detail"),
    [
        (slack_error("ratelimited", 429), "Slack API Error: ratelimited"),
        (answer(502, b"<html>"), "Slack answered 502 without JSON."),
        (answer(200, b"[]"), "Slack answered 200 without JSON."),
        (answer(302, b"", "Location: http://127.0.0.1:9/\r\n"), "Slack answered 302 without JSON."),
        (b"nonsense", "Slack did not answer."),
    ],
)
def test_whatever_slack_says_is_told(site: EndpointSite, slack: Script, bytes_: bytes, detail: str) -> None:
    slack.answers, slack.takes = [bytes_], 1
    site.created()
    assert site.delivered()["results"][0]["detail"] == detail


def test_nobody_at_slack_is_told(start: Start) -> None:
    site = start("http://127.0.0.1:9")
    site.created()
    assert site.delivered()["results"][0]["detail"] == "Slack did not answer."


def test_without_a_slack_it_fails_and_says_so(start: Start) -> None:
    site = start()
    site.created()
    activity = site.delivered()
    assert (activity["status"], activity["results"]) == ("failed", [])
    assert activity["detail"] == "This local Novu knows no Slack. Start it with --slack-url."


def test_a_webhook_of_the_local_slack_is_posted_to_without_a_token(site: EndpointSite, slack: Script) -> None:
    slack.answers = [answer(200, b"ok"), answer(404, b"no_service")]
    with scripted(Script([answer(200, b"ok")])) as elsewhere:
        url = site.novu.state.slack_url
        site.created(identifier="hook", type="webhook", endpoint={"url": f"{url}/services/x", "channel": "#x"})
        assert site.delivered()["results"][0]["ok"] is True
        assert posted(slack) == [Posted("/services/x", "", {"text": "Hello", "channel": "#x"})]
        assert site.delivered()["results"][0]["detail"] == "Slack Webhook Error"
        site.send("PATCH", "/hook", json={"endpoint": {"url": f"{elsewhere}/services/x"}})
        result = site.delivered()["results"][0]
        assert result["detail"] == "This local Novu posts to the webhooks of its local Slack only."
        assert elsewhere not in json.dumps(result)


def test_other_channels_are_not_delivered_to(site: EndpointSite, slack: Script) -> None:
    body = {"providerId": "discord", "channel": "chat", "identifier": "discord"}
    site.call("POST", "/v1/integrations", json=body)
    site.created(type="phone", endpoint={"phoneNumber": "+1"})
    site.created(integrationIdentifier="discord")
    assert {each["detail"] for each in site.delivered()["results"]} == {"This local Novu delivers to Slack only."}
    assert slack.seen == []


def test_a_token_of_any_characters_is_sent_as_it_is(site: EndpointSite, slack: Script) -> None:
    site.novu.created(identifier="acme", auth={"accessToken": "ü-\N{ROCKET}"})
    site.created(connectionIdentifier="acme")
    assert site.delivered()["status"] == "completed"
    assert posted(slack)[0].token == "ü-\N{ROCKET}"
    site.novu.send("PATCH", "/acme", json={"workspace": {"id": "T1"}, "auth": {"accessToken": "a\nb"}})
    assert site.delivered()["status"] == "failed"
    assert site.delivered()["status"] == "failed"


@pytest.mark.parametrize("name", [{"name": "a"}, {"name": ..., "workflowId": "a"}, {"name": None, "workflowId": "a"}])
def test_any_name_is_a_workflow(site: EndpointSite, name: dict[str, Any]) -> None:
    assert site.delivered(**name)["workflow"] == "a"


def test_a_transaction_may_have_a_name(site: EndpointSite) -> None:
    assert site.triggered(transactionId="mine") == "mine"


def test_recipients_and_contexts_are_made_on_the_way(site: EndpointSite) -> None:
    site.delivered(to={"subscriberId": "new", "email": "new@example.com"}, context={"tenant": "new"})
    assert site.novu.state.environment.has_subscriber("new")
    assert "tenant:new" in site.novu.state.environment.contexts


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        ({"name": ...}, ["name should not be null or undefined", "name must be a string"]),
        ({"name": 1}, ["name must be a string"]),
        ({"name": ..., "workflowId": 1}, ["workflowId must be a string"]),
        ({"to": ...}, ["to should not be null or undefined"]),
        ({"payload": "x"}, ["payload must be an object"]),
        ({"overrides": []}, ["overrides must be an object"]),
        ({"transactionId": 1}, ["transactionId must be a string"]),
        ({"context": {}}, [STRUCTURE]),
    ],
)
def test_a_bad_trigger_is_told_what_is_wrong(site: EndpointSite, change: dict[str, Any], messages: list[str]) -> None:
    assert complaints_of(site.trigger(**change)) == messages
    assert site.novu.state.activity.pending == 0


@pytest.mark.parametrize("to", ["", 1, {}, {"subscriberId": ""}, ["subscriber-123", {}], [[]]])
def test_a_recipient_needs_an_id(site: EndpointSite, to: Any) -> None:
    status, message = message_of(site.trigger(to=to))
    assert status == 400
    assert message.startswith("subscriberId under property to is not configured")


def test_an_empty_name_is_no_workflow(site: EndpointSite) -> None:
    assert message_of(site.trigger(name="")) == (422, "workflow_not_found")


def test_a_trigger_passes_the_gate(site: EndpointSite) -> None:
    assert message_of(site.call("POST", "/v1/events/trigger", headers={"Authorization": "ApiKey wrong"}))[0] == 401
    site.novu.suffer("rate_limited", times="1")
    assert site.trigger().status_code == 429
    site.novu.suffer("error_twice")
    assert site.trigger().status_code == 500
    assert site.novu.state.requests("trigger") == 3
    assert site.novu.state.activity.activities == ()


def test_each_environment_delivers_to_its_own_endpoints(start: Start, slack: Script) -> None:
    with scripted(slack) as url:
        site = start(url, "one", "two")
        one, two = ({"Authorization": f"ApiKey {key}"} for key in ("one", "two"))
        body = {"subscriberId": "subscriber-123", "integrationIdentifier": "slack-prod", "type": "slack_user"}
        site.send("POST", json={**body, "endpoint": {"userId": "U1"}}, headers=one)
        event = {"name": "greeting", "to": "subscriber-123"}
        for key, status in ((one, "completed"), (two, "failed")):
            transaction = site.call("POST", "/v1/events/trigger", json=event, headers=key).json()["data"][
                "transactionId"
            ]
            assert site.activity(transaction)[0]["status"] == status


def test_the_feed_keeps_the_newest_two_hundred(start: Start) -> None:
    site = start()
    transactions = [site.triggered() for _ in range(201)]
    site.activity(transactions[-1])
    kept = [each["transactionId"] for each in site.novu.session.get(f"{site.novu.url}/sandbox/activity").json()["data"]]
    assert kept == transactions[:0:-1]


def test_reset_forgets_what_was_and_what_is_under_way(site: EndpointSite, slack: Script) -> None:
    slack.delay = 0.3
    site.created()
    site.triggered()
    before = site.novu.state.activity
    site.novu.state.reset()
    assert before.settle(5)
    assert site.novu.state.activity.activities == ()


def test_many_triggers_at_once_are_all_delivered(site: EndpointSite, slack: Script) -> None:
    site.created()
    threads = [threading.Thread(target=site.triggered) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.novu.state.activity.settle(10)
    assert len(slack.seen) == 10


def test_the_local_slack_takes_what_the_local_novu_sends(start: Start, session: requests.Session) -> None:
    app = create_slack(SlackApp())
    with serving(app) as url:
        granted = SlackSite(url, app.extensions["slack"], session).install()
        site = start(url)
        site.created(identifier="mine", type="slack_user", endpoint={"userId": granted["authed_user"]["id"]})
        assert site.delivered()["results"][0]["detail"] == "Slack API Error: not_authed"
        site.send("DELETE", "/mine")
        site.novu.created(identifier="acme", auth={"accessToken": granted["access_token"]})
        target = {"type": "slack_user", "endpoint": {"userId": granted["authed_user"]["id"]}}
        site.created(connectionIdentifier="acme", **target)
        assert site.delivered()["status"] == "completed"


@pytest.mark.parametrize("named", ["option", "environment", "neither"])
def test_the_command_is_told_where_slack_is(slack: Script, session: requests.Session, named: str) -> None:
    with scripted(slack) as url:
        command = [sys.executable, "-m", "onboarding.cli", "sandbox", "novu", "--port", "0"]
        environ = {name: value for name, value in os.environ.items() if name != "SLACK_URL"}
        if named == "environment":
            environ["SLACK_URL"] = url
        if named == "option":
            command += ["--slack-url", url]
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            address = process.stdout.readline().strip().removeprefix("Local Novu: ")
            site = EndpointSite(NovuSite(address, create_novu().extensions["novu"], session))
            site.created()
            status = site.delivered()["status"]
            process.terminate()
    assert (status, len(slack.seen)) == (("failed", 0) if named == "neither" else ("completed", 1))
