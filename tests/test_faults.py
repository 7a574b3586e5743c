"""Novu and Slack answering in every wrong way, byte by byte."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.clock import utc_now
from onboarding.clock.deadline import Deadline
from onboarding.model import Connection, Grant, Reason, Secret, Workspace
from onboarding.model.errors import NovuError, SlackRefused
from onboarding.remote.novu import Novu
from onboarding.remote.slack import Slack
from onboarding.settings.apps import NovuSettings, SlackSettings
from onboarding.signing.links import Links
from tests.fakes import SECRET_KEY
from tests.person import Person
from tests.scripted import Script, answer, deaf, scripted

LINK = Links([Secret(SECRET_KEY)], timedelta(days=7), "slack-prod").mint({"subscriberId": "s"}, None, datetime.now(UTC))
GRANT = Grant(Workspace("T1", "Acme"), Secret("xoxb-secret"), frozenset({"chat:write"}), datetime.now(UTC))
PERMANENT = set(range(400, 500)) - {408, 425, 429}
CREATED = {
    "identifier": LINK.identifier,
    "integrationIdentifier": "slack-prod",
    "subscriberId": "s",
    "contextKeys": [],
    "workspace": {"id": "T1", "name": "Acme"},
    "auth": {"accessToken": "xoxb-secret"},
}


def connect(url: str, seconds: float = 5) -> Connection:
    return Novu(NovuSettings(url, Secret("the-secret-key"), "slack-prod")).connect(
        LINK, GRANT, "key", Deadline(seconds)
    )


def error_of(script: Script, seconds: float = 5) -> NovuError:
    with scripted(script) as url, pytest.raises(NovuError) as caught:
        connect(url, seconds)
    return caught.value


def created(**changes: object) -> bytes:
    return answer(201, json.dumps({"data": {**CREATED, **changes}}).encode())


@pytest.mark.parametrize("status", [*range(400, 409), *range(410, 600)])
def test_every_status_is_for_good_or_for_now(status: int) -> None:
    error = error_of(Script([answer(status, novus(status))]))
    assert error.status == status
    assert error.is_transient == (status not in PERMANENT)


def novus(status: int, **fields: object) -> bytes:
    """An error as Novu words it."""
    return json.dumps({"statusCode": status, "message": "no", "path": "/v1/channel-connections", **fields}).encode()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    script = Script([answer(status, b"", "Location: http://127.0.0.1:9/\r\n")])
    assert error_of(script).is_transient
    assert len(script.seen) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"{}",
        b'{"data": []}',
        b'{"data": {"identifier": 7}}',
        b"\xff",
    ],
)
@pytest.mark.parametrize("status", [200, 201])
def test_a_good_status_with_a_bad_body_is_asked_again(status: int, body: bytes) -> None:
    assert error_of(Script([answer(status, body)])).is_transient


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>" + b"x" * 5000, b"default backend - 404", b"{", b"[]", b"null", b'{"error": "forbidden"}', b"\xff"],
)
def test_a_page_in_front_of_novu_is_not_novus_word(status: int, body: bytes) -> None:
    """Nor may anybody take its 404 for a connection that is gone, or its 401 for a wrong key."""
    error = error_of(Script([answer(status, body, "Content-Type: text/html\r\n")]))
    assert error.is_transient
    assert error.status is None
    assert f"{status}" in str(error)
    assert len(str(error)) < 100


@pytest.mark.parametrize("fields", [{}, {"message": {"a": 1}}, {"message": None}, {"errors": 7}, {"errors": [7, {}]}])
def test_novus_word_is_final_however_odd(fields: dict[str, object]) -> None:
    error = error_of(Script([answer(422, novus(422, **fields))]))
    assert not error.is_transient
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    ("fields", "sentences"),
    [
        (
            {"message": ["context must have at most 5 keys", "identifier is odd"]},
            ["at most 5 keys", "identifier is odd"],
        ),
        ({"errors": {"general": {"messages": ["workspace must be an object"]}}}, ["no: workspace must be an object"]),
        ({"errors": {"auth": {"messages": ["is short", "is odd"]}}}, ["auth: is short", "auth: is odd"]),
        ({"errors": {"name": {"messages": "is long"}}}, ["name: is long"]),
        ({"errors": {"name": "is long"}}, ["name: is long"]),
        ({"errors": [{"message": "Required", "path": ["workspace", "id"]}]}, ["workspace.id: Required"]),
    ],
)
def test_everything_that_novu_says_is_in_the_error(fields: dict[str, object], sentences: list[str]) -> None:
    error = error_of(Script([answer(400, novus(400, **fields))]))
    for sentence in sentences:
        assert sentence in str(error)
    assert "general" not in str(error)


def test_what_novu_says_is_shortened_and_gives_nothing_away() -> None:
    said = {"message": ["the-key and xoxb-1-2 and XOXE.XOXB-3 and tokenxoxp-4\n" + "x" * 5000]}
    errors = {"a": {"messages": ["xoxb-5 the-key"], "value": "xoxb-6"}}
    with scripted(Script([answer(400, novus(400, errors=errors, **said))])) as url:
        client = Novu(NovuSettings(url, Secret("the-key"), "slack-prod"))
        with pytest.raises(NovuError) as caught:
            client.connect(LINK, GRANT, "key", Deadline(5))
    told = f"{caught.value} {caught.value.field_errors}"
    assert len(told) < 700
    assert "\n" not in told
    for secret in ("the-key", "xoxb-1", "XOXB-3", "xoxp-4", "xoxb-5", "xoxb-6"):
        assert secret not in told


def test_an_error_that_repeats_the_token_does_not_get_it_further() -> None:
    body = {
        "message": "bad xoxb-secret",
        "errors": {"auth": {"messages": ["xoxb-secret is bad"], "value": "xoxb-secret"}},
    }
    error = error_of(Script([answer(422, novus(422, **body))]))
    assert "secret" not in f"{error} {error.field_errors}"


def test_an_answer_about_another_workspace_is_not_believed() -> None:
    assert error_of(Script([created(workspace={"id": "T2"})])).is_transient


def test_new_fields_and_unheard_of_values_are_fine() -> None:
    with scripted(
        Script([created(providerId="carrier-pigeon", channel="air", _new={"a": [1]}, createdAt="soon")])
    ) as url:
        assert connect(url).provider == "carrier-pigeon"


def test_a_token_that_novu_hides_is_not_missed() -> None:
    with scripted(Script([created(auth={"accessToken": ""}, connected=True)])) as url:
        assert connect(url).identifier == LINK.identifier


@pytest.mark.parametrize(
    ("sent", "hangs"),
    [
        (b"", False),
        (b"", True),
        (b"HTTP/1.1 201 Crea", True),
        (b"HTTP/1.1 201 Created\r\nContent-Le", True),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{", True),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{", False),
        (b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", False),
        (b"nonsense\r\n\r\n", False),
    ],
)
def test_an_answer_that_does_not_end_is_given_up_in_time(sent: bytes, hangs: bool) -> None:
    began = time.monotonic()
    error = error_of(Script([sent], hangs), seconds=1)
    assert error.is_transient
    assert error.status is None
    assert time.monotonic() - began < 5


def test_a_body_without_end_is_given_up() -> None:
    began = time.monotonic()
    huge = b"HTTP/1.1 201 Created\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 2_000_000
    assert error_of(Script([huge], hangs=True), seconds=2).is_transient
    assert time.monotonic() - began < 5


def test_headers_at_the_last_moment_do_not_win_time_for_the_body() -> None:
    began = time.monotonic()
    late = Script([b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"], hangs=True, delay=0.8)
    assert error_of(late, seconds=2).is_transient
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("sent", "drip"),
    [
        (b"HTTP/1.1 201 Created\r\n", b"X: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 99999\r\n\r\n", b"x"),
    ],
)
def test_an_answer_that_drips_is_given_up_in_time(sent: bytes, drip: bytes) -> None:
    began = time.monotonic()
    assert error_of(Script([sent], drip=drip), seconds=1).is_transient
    assert time.monotonic() - began < 5


def test_absurd_nesting_is_not_json() -> None:
    assert error_of(Script([answer(201, b"[" * 100_000)])).is_transient
    assert error_of(Script([answer(503, b"[" * 100_000)])).is_transient
    with scripted(Script([answer(200, b"[" * 100_000)])) as url:
        assert redeem(url).reason is Reason.SLACK_UNAVAILABLE


@pytest.mark.parametrize("when", ["Mon, 01 Jan 99999999999 00:00:00 GMT", "soon", "-5", "1e9", "9" * 40, ""])
def test_a_moment_to_come_back_that_is_none_is_ignored(when: str) -> None:
    assert error_of(Script([answer(503, b"{}", f"Retry-After: {when}\r\n")])).retry_after is None


def test_our_key_does_not_come_back_in_novus_words() -> None:
    with scripted(Script([answer(401, b'{"message": "no such key: the-secret-key"}')])) as url:
        client = Novu(NovuSettings(url, Secret("the-secret-key"), "slack-prod"))
        with pytest.raises(NovuError) as caught:
            client.connect(LINK, GRANT, "key", Deadline(5))
    assert "the-secret-key" not in str(caught.value)


@pytest.mark.parametrize("team", [{"id": "T1\nFAKE LINE"}, {"id": "\ud800"}, {"id": "x" * 65}, {"id": 7}])
def test_a_workspace_id_that_is_none_is_refused(team: dict[str, object]) -> None:
    body = {"ok": True, "access_token": "xoxb-1", "scope": "chat:write", "team": team}
    with scripted(Script([answer(200, json.dumps(body).encode())])) as url:
        assert redeem(url).reason is Reason.SLACK_UNAVAILABLE


def test_a_connection_that_is_never_made_is_given_up_in_time() -> None:
    began = time.monotonic()
    with deaf() as url, pytest.raises(NovuError) as caught:
        connect(url, seconds=1)
    assert caught.value.is_transient
    assert time.monotonic() - began < 5


def redeem(url: str) -> SlackRefused:
    slack = Slack(SlackSettings(url, "1.2", Secret("secret"), ("chat:write",), "http://x/back"), utc_now)
    with pytest.raises(SlackRefused) as caught:
        slack.redeem(Secret("code"))
    return caught.value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.SLACK_UNAVAILABLE),
        (b"<html>", Reason.SLACK_UNAVAILABLE),
        (b'{"ok": true', Reason.SLACK_UNAVAILABLE),
        (b"[]", Reason.SLACK_UNAVAILABLE),
        (b"{}", Reason.SLACK_UNAVAILABLE),
        (b'{"ok": false}', Reason.SLACK_UNAVAILABLE),
        (b'{"ok": "true", "access_token": "xoxb-1"}', Reason.SLACK_UNAVAILABLE),
        (b'{"ok": false, "error": {"a": 1}}', Reason.SLACK_REFUSED),
        (b'{"ok": false, "error": "<script>"}', Reason.SLACK_REFUSED),
        (b'{"ok": false, "error": "flux_capacitor_missing"}', Reason.SLACK_REFUSED),
        (b'{"ok": false, "error": "invalid_code", "access_token": "xoxb-1"}', Reason.CODE_REFUSED),
        (b'{"ok": true, "error": null}', Reason.NO_BOT_TOKEN),
        (b'{"ok": true, "expires_in": [7]}', Reason.NO_BOT_TOKEN),
        (b'{"ok": true}', Reason.NO_BOT_TOKEN),
        (b'{"ok": true, "access_token": 7}', Reason.NO_BOT_TOKEN),
        (b'{"ok": true, "access_token": "xoxp-1", "token_type": "user"}', Reason.NO_BOT_TOKEN),
        (b'{"ok": true, "access_token": "xoxb-1"}', Reason.SCOPES_MISSING),
        (b'{"ok": true, "access_token": "xoxb-1", "scope": "chat:write"}', Reason.SLACK_UNAVAILABLE),
        (b'{"ok": true, "access_token": "xoxb-1", "scope": "chat:write", "team": []}', Reason.SLACK_UNAVAILABLE),
    ],
)
def test_what_slack_says_oddly_is_refused(body: bytes, reason: Reason) -> None:
    with scripted(Script([answer(200, body)])) as url:
        assert redeem(url).reason is reason


@pytest.mark.parametrize("status", [301, 307, 400, 403, 404, 429, 500, 502, 503, 504])
def test_a_status_that_slack_does_not_use_is_trouble_at_slack(status: int) -> None:
    script = Script([answer(status, b"<html>", "Location: http://127.0.0.1:9/\r\n")])
    with scripted(script) as url:
        assert redeem(url).reason is Reason.SLACK_UNAVAILABLE
    assert len(script.seen) == 1


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"])
def test_a_request_to_redeem_is_never_repeated(sent: bytes) -> None:
    script = Script([sent])
    with scripted(script) as url:
        assert redeem(url).reason is Reason.SLACK_UNAVAILABLE
    assert len(script.seen) == 1
    assert b"Basic " in script.seen[0]
    assert b"client_secret" not in script.seen[0]


def test_a_slack_that_hangs_is_a_page_within_the_time_of_a_callback(person: Person, link: str) -> None:
    back = person.come_back(link, outcome="hang")
    began = time.monotonic()
    page = person.follow(person.open(back))
    assert page.heading == "Slack did not answer"
    assert 9 < time.monotonic() - began < 25
