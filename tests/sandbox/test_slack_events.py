"""How Slack's events arrive: signed, repeated, lost, late, twice, out of order."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
import requests
from flask import Response, request

from onboarding.sandbox.serve import hang_up, pause, serving
from onboarding.sandbox.slack import SlackApp, courier, create_slack, delivery
from onboarding.sandbox.slack.sent import KEPT, Delivery
from tests.sandbox.clients import SlackSite
from tests.sandbox.slack_events import SECRET, Recorder
from tests.sandbox.test_commands import SANDBOX, running

HOME = "T9TK3CUKW"
PING = {"type": "ping"}


def answers(status: int, **headers: str) -> Response:
    return Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def last(site: SlackSite) -> tuple[tuple[int, int | None, str], ...]:
    return tuple((each.attempt, each.status, each.reason) for each in site.state.outbox.events[0].deliveries)


def test_the_documented_signature_comes_out() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert delivery.sign("8f742231b10e8888abcd99yyyzzz85a5", 1531420618, body) == expected


def test_an_event_comes_signed_in_slacks_envelope(site: SlackSite, app: Recorder) -> None:
    id_ = site.state.send_event(HOME, {"type": "ping", "text": "żółć"})
    assert site.state.settle(5)
    [heard] = app.heard
    assert re.fullmatch(r"Ev[A-Z0-9]{10}", id_)
    assert abs(time.time() - heard.body.pop("event_time")) < 5
    assert heard.body == {
        "token": "deprecated-verification-token",
        "team_id": HOME,
        "api_app_id": "A0SANDBOX",
        "event": {"type": "ping", "text": "żółć"},
        "type": "event_callback",
        "event_id": id_,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": HOME,
                "user_id": "U9TK3CUKW",
                "is_bot": False,
                "is_enterprise_install": False,
            }
        ],
    }
    assert heard.headers["Content-Type"] == "application/json"
    assert "X-Slack-Retry-Num" not in heard.headers
    assert last(site) == ((0, 200, ""),)


def test_what_stands_around_an_event_can_be_chosen(site: SlackSite, app: Recorder) -> None:
    assert site.state.send_event("E0NRTHW1ND", PING, event_id="Ev1", event_time=1, team_id=None) == "Ev1"
    site.state.send_rate_limited(HOME)
    assert site.state.settle(5)
    event, limited = sorted((each.body for each in app.heard), key=lambda each: "event" not in each)
    assert (event["event_time"], event["team_id"], event["enterprise_id"]) == (1, None, "E0NRTHW1ND")
    assert event["authorizations"][0]["is_enterprise_install"] is True
    assert limited.pop("minute_rate_limited") % 60 == 0
    token = "deprecated-verification-token"
    assert limited == {"token": token, "type": "app_rate_limited", "team_id": HOME, "api_app_id": "A0SANDBOX"}
    with pytest.raises(ValueError, match="No workspace"):
        site.state.send_event("nowhere", PING)


def test_what_fails_is_sent_three_times_more(site: SlackSite, app: Recorder) -> None:
    app.answers = [hang_up, lambda: answers(500), lambda: answers(404), lambda: answers(503)]
    site.state.send_event(HOME, PING)
    assert site.state.settle(5)
    assert last(site) == (
        (0, None, "connection_failed"),
        (1, 500, "http_error"),
        (2, 404, "http_error"),
        (3, 503, "http_error"),
    )
    told = [(each.headers["X-Slack-Retry-Num"], each.headers["X-Slack-Retry-Reason"]) for each in app.heard[1:]]
    assert told == [("1", "connection_failed"), ("2", "http_error"), ("3", "http_error")]
    assert len({each.body["event_id"] for each in app.heard}) == 1
    waits = [second.at - first.at for first, second in zip(app.heard, app.heard[1:], strict=False)]
    assert waits[1] >= 0.2
    assert waits[2] >= 0.4


def test_the_first_success_ends_it(site: SlackSite, app: Recorder) -> None:
    app.answers = [lambda: answers(500), lambda: answers(204)]
    site.state.send_event(HOME, PING)
    assert site.state.settle(5)
    assert last(site) == ((0, 500, "http_error"), (1, 204, ""))


def test_an_app_may_ask_for_no_retry(site: SlackSite, app: Recorder) -> None:
    app.answers = [lambda: answers(503, X_Slack_No_Retry="1")]
    site.state.send_event(HOME, PING)
    assert site.state.settle(5)
    assert last(site) == ((0, 503, "http_error"),)


def test_an_answer_must_come_in_time(site: SlackSite, app: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert delivery.SECONDS == 3
    monkeypatch.setattr(delivery, "SECONDS", 0.5)

    def late() -> Response:
        pause(1)
        return Response()

    app.answers = [late]
    site.state.send_event(HOME, PING)
    assert site.state.settle(5)
    assert last(site) == ((0, None, "http_timeout"), (1, 200, ""))


@pytest.mark.parametrize(("redirects", "outcome"), [(2, (0, 200, "")), (3, (0, 307, "too_many_redirects"))])
def test_two_redirects_are_followed(
    site: SlackSite, app: Recorder, redirects: int, outcome: tuple[int, int, str]
) -> None:
    app.answers = [lambda: answers(307, Location="/elsewhere")] * redirects
    site.state.send_event(HOME, PING)
    assert site.state.settle(5)
    assert last(site)[0] == outcome


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/", "connection_failed"),
        ("ftp://127.0.0.1/", "unknown_error"),
        ("http://[x/", "unknown_error"),
        ("http://\ud800.example/", "unknown_error"),
    ],
)
def test_no_request_url_breaks_it(site: SlackSite, url: str, reason: str) -> None:
    site.state.outbox.url, site.state.outbox.retry_waits = url, ()
    site.state.send_event(HOME, PING)
    assert site.state.settle(5)
    assert last(site) == ((0, None, reason),)


def test_events_are_lost_until_they_are_not(site: SlackSite, app: Recorder) -> None:
    site.state.outbox.spoil("lost")
    site.state.send_event(HOME, PING)
    site.state.outbox.spoil("none")
    site.state.send_event(HOME, {"type": "pong"})
    assert site.state.settle(5)
    assert app.types == ["pong"]
    assert [each.note for each in site.state.outbox.events] == ["", "lost"]


def test_events_come_late(site: SlackSite, app: Recorder) -> None:
    site.state.outbox.spoil("late", 0.3)
    started = time.monotonic()
    site.state.send_event(HOME, PING)
    assert site.state.settle(0.05) is False
    assert site.state.settle(5)
    assert app.heard[0].at - started >= 0.3


def test_events_come_twice(site: SlackSite, app: Recorder) -> None:
    site.state.outbox.spoil("twice")
    site.state.send_event(HOME, PING)
    assert site.state.settle(5)
    assert app.types == ["ping", "ping"]
    assert app.heard[0].body == app.heard[1].body


def test_events_come_in_reverse(site: SlackSite, app: Recorder) -> None:
    site.state.outbox.spoil("out_of_order")
    for type_ in ("one", "two", "three"):
        site.state.send_event(HOME, {"type": type_})
        assert site.state.settle(5)
    assert app.types == ["two", "one"]
    site.state.outbox.spoil("none")
    assert site.state.settle(5)
    assert app.types == ["two", "one", "three"]


def test_an_unheard_of_mishap_is_refused(site: SlackSite) -> None:
    with pytest.raises(ValueError, match="No such mishap"):
        site.state.outbox.spoil("eaten")


def test_a_thousand_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert courier.MOST == 1000
    few = courier.Courier(most=2)
    assert [few.add(lambda: None, 60) for _ in range(3)] == [True, True, False]
    few.clear()
    assert few.settle(1)


def test_the_newest_two_hundred_are_kept(session: requests.Session) -> None:
    made = create_slack(SlackApp())
    for number in range(KEPT + 5):
        made.extensions["slack"].send_event(HOME, {"type": f"ping_{number}"})
    with serving(made) as url:
        told = session.get(f"{url}/sandbox/events").json()
    assert (len(told["events"]), told["pending"]) == (KEPT, 0)
    assert (told["events"][0]["type"], told["events"][0]["note"]) == ("ping_204", "nowhere")


def test_tests_in_another_process_read_what_was_sent(site: SlackSite, app: Recorder) -> None:
    app.answers = [lambda: answers(418)]
    id_ = site.state.send_event(HOME, PING)
    assert site.state.settle(5)
    [told] = site.session.get(f"{site.url}/sandbox/events").json()["events"]
    assert (told["event_id"], told["type"], told["place"]) == (id_, "ping", HOME)
    assert told["envelope"]["event"] == PING
    assert [(each["attempt"], each["status"]) for each in told["deliveries"]] == [(0, 418), (1, 200)]


def test_a_reset_ends_what_was_to_be_sent_again(site: SlackSite, app: Recorder) -> None:
    site.state.outbox.retry_waits = (60,)
    app.answers = [lambda: answers(500)]
    site.state.send_event(HOME, PING)
    while not site.state.outbox.events[0].deliveries:
        time.sleep(0.01)
    assert site.state.settle(0) is False
    site.state.reset()
    assert site.state.settle(1)
    assert (site.state.outbox.events, len(app.heard)) == ((), 1)


def as_text() -> Any:
    return request.get_json()["challenge"]


def as_form() -> str:
    return f"challenge={as_text()}"


def as_json() -> str:
    return json.dumps({"challenge": as_text()})


@pytest.mark.parametrize("challenge", [as_text, as_form, as_json])
def test_a_challenge_comes_back_in_three_ways(site: SlackSite, app: Recorder, challenge: Any) -> None:
    app.answers = [lambda: Response(challenge())]
    assert site.state.outbox.verify(SECRET).came_back
    assert app.types == ["url_verification"]


@pytest.mark.parametrize("answer", [lambda: Response("hello"), lambda: Response(as_text(), 500), hang_up, Response])
def test_nothing_else_is_a_challenge_that_came_back(site: SlackSite, app: Recorder, answer: Any) -> None:
    app.answers = [answer]
    assert not site.state.outbox.verify(SECRET).came_back


def test_no_secret_shows_in_a_repr(site: SlackSite) -> None:
    site.state.send_event(HOME, PING)
    assert site.state.settle(5)
    assert SECRET not in repr((site.state.app, site.state.outbox.events))
    assert isinstance(site.state.outbox.events[0].deliveries[0], Delivery)


def test_the_command_names_the_secret_and_where_events_go(app: Recorder, session: requests.Session) -> None:
    switches = ["--signing-secret", SECRET, "--events-url", f"{app.url}/slack/events"]
    with running(4, *switches, command=[*SANDBOX, "slack", "--port", "0"]) as (place, *credentials):
        assert credentials[-1] == f"Signing secret: {SECRET}"
        url = place.removeprefix("Local Slack: ")
        assert session.post(f"{url}/events/verify").status_code == 200
    assert app.types == ["url_verification"]
