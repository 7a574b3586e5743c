"""The Slack client with a bot token: pages to their end, refusals by what to do about them, nothing sent twice."""

from __future__ import annotations

import json

import pytest

from onboarding.clock.deadline import Deadline
from onboarding.model import Secret
from onboarding.model.errors import Remedy, SlackSaysNo
from onboarding.remote.http import Http
from onboarding.remote.slack import REMEDIES, Bot
from tests.scripted import Script, answer, scripted

TOKEN = Secret("xoxb-secret")

DOCUMENTED = {
    Remedy.RECONNECT: "token_revoked account_inactive invalid_auth token_expired not_authed app_access_restricted",
    Remedy.CHOOSE_AGAIN: "channel_not_found is_archived user_not_found team_not_found",
    Remedy.ASK_IN_SLACK: "not_in_channel restricted_action restricted_action_read_only_channel "
    "restricted_action_thread_only_channel ekm_access_denied team_access_not_granted message_limit_exceeded",
    Remedy.OURS: "messages_tab_disabled missing_scope invalid_blocks msg_blocks_too_long no_text",
    Remedy.LATER: "ratelimited rate_limited internal_error fatal_error service_unavailable",
}


def say(**fields: object) -> bytes:
    return answer(200, json.dumps({"ok": True, **fields}).encode(), "X-OAuth-Scopes: chat:write, channels:read\r\n")


def no(error: str, status: int = 200, headers: str = "") -> bytes:
    return answer(status, json.dumps({"ok": False, "error": error}).encode(), headers)


def channel(number: int, **fields: object) -> dict[str, object]:
    return {"id": f"C{number:08}", "name": f"channel-{number}", "is_private": False, **fields}


def page(*channels: object, after: str = "") -> bytes:
    return say(channels=channels, response_metadata={"next_cursor": after})


def bot(url: str) -> Bot:
    return Bot(url, Http())


def deadline() -> Deadline:
    return Deadline(3)


@pytest.mark.parametrize(
    ("error", "remedy"), [(error, remedy) for remedy, errors in DOCUMENTED.items() for error in errors.split()]
)
def test_documented_errors_are_grouped_by_what_to_do(error: str, remedy: Remedy) -> None:
    assert REMEDIES[error] is remedy
    with scripted(Script([no(error)])) as url, pytest.raises(SlackSaysNo) as refused:
        bot(url).post(TOKEN, "C1", "Hello", deadline())
    assert (refused.value.word, refused.value.remedy) == (error, remedy)


@pytest.mark.parametrize("error", ["brand_new_error", "<b>", "", None, 7])
def test_an_unheard_of_error_is_ours_and_shows_nothing_odd(error: object) -> None:
    body = json.dumps({"ok": False, "error": error}).encode()
    with scripted(Script([answer(200, body)])) as url, pytest.raises(SlackSaysNo) as refused:
        bot(url).post(TOKEN, "C1", "Hello", deadline())
    assert refused.value.remedy is Remedy.OURS
    assert refused.value.word in {"brand_new_error", "unreadable"}


@pytest.mark.parametrize(
    "reply",
    [answer(200, b"<html>Sign in</html>"), answer(500, b"{}"), answer(200, b"[]"), answer(503, b""), b""],
    ids=["html", "500", "array", "503", "nothing"],
)
def test_what_is_not_slacks_own_answer_is_for_later(reply: bytes) -> None:
    script = Script([reply])
    with scripted(script) as url, pytest.raises(SlackSaysNo) as refused:
        bot(url).post(TOKEN, "C1", "Hello", deadline())
    assert refused.value.remedy is Remedy.LATER
    assert len(script.seen) == 1


def test_slack_says_how_long_to_wait() -> None:
    for header, seconds in (("30", 30), ("99999", 3600), ("9" * 5000, 0), ("soon", 0), ("", 0)):
        reply = no("ratelimited", 429, f"Retry-After: {header}\r\n")
        with scripted(Script([reply])) as url, pytest.raises(SlackSaysNo) as refused:
            bot(url).public_channels(TOKEN, "", "", deadline())
        assert (refused.value.remedy, refused.value.retry_after) == (Remedy.LATER, seconds)


def test_the_token_travels_in_the_header_only() -> None:
    script = Script([page()])
    with scripted(script) as url:
        bot(url).public_channels(TOKEN, "T1", "next", deadline())
    [request] = [each.decode() for each in script.seen]
    head, body = request.split("\r\n\r\n")
    assert "Authorization: Bearer xoxb-secret" in head
    assert "xoxb" not in body
    assert "team_id=T1" in body
    assert "cursor=next" in body
    assert "limit=999" in body


def test_a_page_may_be_empty_and_go_on() -> None:
    with scripted(Script([page(after="more")])) as url:
        found = bot(url).public_channels(TOKEN, "", "", deadline())
    assert (found.channels, found.next) == ((), "more")


def test_private_channels_are_read_to_the_end_and_not_for_ever() -> None:
    pages = [page(channel(1, is_private=True), after="a"), page(after="b"), page(channel(2, is_private=True))]
    with scripted(Script(pages, takes=9)) as url:
        found = bot(url).private_channels(TOKEN, "U1", "", deadline())
    assert [each.name for each in found] == ["channel-1", "channel-2"]
    for endless in ([page(after="same")] * 9, [page(after=str(number)) for number in range(9)]):
        script = Script(endless, takes=9)
        with scripted(script) as url:
            bot(url).private_channels(TOKEN, "U1", "", deadline())
        assert len(script.seen) <= 5


def test_only_what_is_clearly_public_counts_as_public() -> None:
    rows = [channel(1), channel(2, is_private=True), channel(3, is_private=None), {"id": "C4", "name": "odd"}]
    with scripted(Script([page(*rows)])) as url:
        found = bot(url).public_channels(TOKEN, "", "", deadline())
    assert [each.name for each in found.channels if not each.is_private] == ["channel-1"]


def test_what_is_no_channel_is_left_out() -> None:
    rows = [
        channel(1, is_im=True),
        channel(2, is_mpim=True),
        channel(3, is_archived=True),
        channel(4, name=""),
        channel(5, name=None),
        {"name": "x"},
        {"id": "C/../6", "name": "x"},
        None,
        "channel",
    ]
    with scripted(Script([page(*rows)])) as url:
        assert bot(url).public_channels(TOKEN, "", "", deadline()).channels == ()


def test_odd_names_stay_on_their_line() -> None:
    with scripted(Script([page(channel(1, name="\u202eedoc\n-\N{ROCKET}" + "x" * 200))])) as url:
        [found] = bot(url).public_channels(TOKEN, "", "", deadline()).channels
    assert found.name.startswith("edoc -\N{ROCKET}")
    assert len(found.name) <= 80


@pytest.mark.parametrize("answered", [None, [], {"id": "C00000002", "name": "x"}, {"id": "C00000001", "is_im": True}])
def test_an_answer_about_another_channel_is_none(answered: object) -> None:
    with scripted(Script([say(channel=answered)])) as url, pytest.raises(SlackSaysNo) as refused:
        bot(url).channel(TOKEN, "C00000001", deadline())
    assert refused.value.word == "channel_not_found"


def test_a_page_larger_than_a_megabyte_is_read() -> None:
    rows = [channel(number, topic={"value": "t" * 1500}) for number in range(999)]
    with scripted(Script([page(*rows)])) as url:
        assert len(bot(url).public_channels(TOKEN, "", "", deadline()).channels) == 999


def test_the_workspace_behind_a_token() -> None:
    for url_, host in (("https://acme.slack.com/", "acme.slack.com"), ("https://[", ""), (None, "")):
        with scripted(Script([say(url=url_)])) as url:
            identity = bot(url).identity(TOKEN, deadline())
        assert identity.host == host
        assert identity.scopes == {"chat:write", "channels:read"}


@pytest.mark.parametrize("cursor", ["\\ud800", "x" * 5000, "with space", "\u00fc"])
def test_a_cursor_that_cannot_be_sent_again_is_the_end(cursor: str) -> None:
    body = b'{"ok": true, "channels": [], "response_metadata": {"next_cursor": "%s"}}' % cursor.encode()
    with scripted(Script([answer(200, body)])) as url:
        assert bot(url).public_channels(TOKEN, "", "", deadline()).next == ""
