"""Connected means that a message can arrive: whoever approved chooses where notifications go, and tries it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from onboarding.sandbox.novu import Options, create_novu
from onboarding.sandbox.serve import serving
from onboarding.wiring import Wiring
from tests.conftest import MintLink
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Page, Person
from tests.witness import Witness

ACME = "T9TK3CUKW"
GENERAL, DEPLOYS = "C9TK3CUKW000", "C9TK3CUKW002"


@pytest.fixture
def place(person: Person, link: str) -> str:
    """Of an attempt that has just connected."""
    return connect(person, link)


@pytest.fixture
def stranger(app: Flask, slack: LocalSlack, witness: Witness) -> Person:
    """Somebody else, with another browser."""
    return Person(app, slack, witness)


@pytest.fixture
def hiding(make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness) -> Iterator[Person]:
    """Somebody in front of a service whose Novu shows no tokens."""
    with serving(create_novu(NOVU_KEY, options=Options(redact=True))) as url:
        yield Person(make_app(NOVU_URL=url), slack, witness)


def connect(person: Person, link: str, **answer: str) -> str:
    back = person.open(person.come_back(link, **answer))
    assert back.status == 303
    assert person.follow(back).status == 200
    return back.location


def channel(slack: LocalSlack, name: str, workspace: str = ACME) -> str:
    found = slack.state.channel_named(workspace, name)
    assert found
    return found.id


def choose(person: Person, place: str, destination: str, **fields: str) -> Page:
    return person.submit(f"{place}/destination", destination=destination, **fields)


def status(person: Person, place: str) -> str | None:
    told: str | None = json.loads(person.open(f"{place}/status").source)["destination"]
    return told


def targets(novu: LocalNovu) -> list[tuple[str, ...]]:
    return [(each.type, *each.endpoint.values()) for each in novu.state.endpoints]


def test_a_connection_asks_where_notifications_go(person: Person, place: str) -> None:
    page = person.open(place)
    assert page.heading == "Acme HQ is connected"
    assert "One more step: choose where Sprocket should post." in page.text
    assert page.link("Choose a channel") == f"{place}/destination"
    assert status(person, place) == "unset"


def test_a_channel_is_chosen_and_novu_has_its_endpoint(
    person: Person, place: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    page = person.open(f"{place}/destination")
    assert page.heading == "Where should Sprocket post?"
    assert "# deploys" in page.text
    assert "checked" not in page.source
    chosen = choose(person, place, channel(slack, "deploys"))
    assert (chosen.status, chosen.location) == (303, place)
    page = person.follow(chosen)
    assert page.heading == "Sprocket will post to #deploys"
    assert status(person, place) == "set"
    [endpoint] = novu.state.endpoints
    [connection] = novu.state.connections
    assert endpoint.connection_identifier == connection.identifier
    assert endpoint.subscriber_id == "subscriber-123"
    assert targets(novu) == [("slack_channel", DEPLOYS)]


def test_choosing_again_replaces_the_endpoint(person: Person, place: str, slack: LocalSlack, novu: LocalNovu) -> None:
    choose(person, place, channel(slack, "deploys"))
    choose(person, place, channel(slack, "general"))
    assert targets(novu) == [("slack_channel", GENERAL)]
    page = person.follow(choose(person, place, "me"))
    assert page.heading == "Sprocket will post to your direct messages in Slack"
    [(kind, installer)] = targets(novu)
    assert (kind, installer) == ("slack_user", slack.state.installations[0].user_id)
    assert "At the moment it posts to your direct messages in Slack." in person.open(f"{place}/destination").text
    choose(person, place, channel(slack, "deploys"))
    assert targets(novu) == [("slack_channel", DEPLOYS)]


def test_direct_messages_take_one_click_from_the_first_page(person: Person, place: str, novu: LocalNovu) -> None:
    sent = person.submit(place, f"{place}/destination", destination="me")
    assert (sent.status, sent.location) == (303, place)
    assert [kind for kind, _ in targets(novu)] == ["slack_user"]


def test_a_test_message_arrives_and_says_who_set_it_up(
    person: Person, place: str, slack: LocalSlack, wiring: Wiring
) -> None:
    choose(person, place, channel(slack, "deploys"))
    sent = person.submit(place, f"{place}/destination/test")
    assert (sent.status, sent.location) == (303, place)
    assert "Sent. Look in #deploys." in person.follow(sent).text
    assert "Sent." not in person.open(place).text
    [message] = slack.state.messages(DEPLOYS)
    assert "test message from Sprocket" in message.text
    assert f"<@{slack.state.installations[0].user_id}> connected Acme Inc. to Slack" in message.text
    assert f"{wiring.settings.public_url}{place}" in message.text


def test_a_test_message_can_be_sent_three_times_a_minute(person: Person, place: str, slack: LocalSlack) -> None:
    choose(person, place, "me")
    answers = [person.submit(place, f"{place}/destination/test") for _ in range(4)]
    assert [answer.status for answer in answers] == [303, 303, 303, 429]
    assert int(answers[-1].headers["Retry-After"]) <= 60
    assert len(slack.state.messages(slack.state.installations[0].user_id)) == 3


def test_nothing_is_sent_while_nothing_is_chosen(person: Person, place: str) -> None:
    page = person.submit(place, f"{place}/destination/test")
    assert (page.status, page.heading) == (409, "Nothing is chosen yet")


@pytest.mark.parametrize(
    ("name", "breaks", "words"),
    [
        ("deploys", "archive", "The channel is archived."),
        ("announcements", "", "Only some people may post in that channel."),
        ("incident-room", "remove", "Slack cannot find the channel any more."),
    ],
)
def test_slacks_refusal_names_the_fix(
    person: Person, place: str, slack: LocalSlack, name: str, breaks: str, words: str
) -> None:
    chosen = channel(slack, name)
    assert choose(person, place, chosen).status == 303
    if breaks:
        getattr(slack.state, breaks)(chosen)
    page = person.submit(place, f"{place}/destination/test")
    assert (page.status, page.heading) == (422, "The test message was not sent")
    assert words in page.text


def test_a_messages_tab_that_is_off_is_ours_to_switch_on(person: Person, place: str, slack: LocalSlack) -> None:
    slack.state.switch_messages_tab(False)
    choose(person, place, "me")
    assert "Messages tab is switched off" in person.submit(place, f"{place}/destination/test").text


def test_a_private_channel_is_shown_to_its_members_only(person: Person, place: str, slack: LocalSlack) -> None:
    page = person.open(f"{place}/destination")
    assert "incident-room private" in page.text
    assert "leadership" not in page.text
    assert "people-ops" not in page.text
    slack.state.invite(channel(slack, "leadership"))
    slack.state.invite(channel(slack, "people-ops"))
    page = person.open(f"{place}/destination")
    assert "leadership private" in page.text
    assert "people-ops" not in page.text


def test_a_private_channel_is_not_confirmed_to_exist(person: Person, place: str, slack: LocalSlack) -> None:
    secret = channel(slack, "people-ops")
    before = choose(person, place, secret)
    slack.state.invite(secret)
    after = choose(person, place, secret)
    assert (before.status, after.status) == (422, 422)
    assert _problem(before) == _problem(after)
    assert "people-ops" not in after.source


def test_a_private_channel_keeps_its_name_to_itself(
    person: Person, place: str, slack: LocalSlack, stranger: Person, wiring: Wiring, novu: LocalNovu
) -> None:
    page = person.follow(choose(person, place, channel(slack, "incident-room")))
    assert page.heading == "Sprocket will post to the channel you chose"
    [connection] = novu.state.connections
    found = wiring.ledger.connections.find(connection.identifier)
    assert found
    assert found.destination
    assert found.destination.name is None
    assert "incident-room" not in stranger.open(place).source


def test_if_slack_does_not_say_who_is_a_member_no_private_channel_is_shown(
    person: Person, place: str, slack: LocalSlack
) -> None:
    slack.state.faults.set("users.conversations", "unknown_error", 5)
    page = person.open(f"{place}/destination")
    assert page.status == 200
    assert "incident-room" not in page.text
    assert "# deploys" in page.text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("https://acme-hq.slack.com/archives/C9TK3CUKW002", ""),
        ("  <https://acme-hq.slack.com/archives/C9TK3CUKW002|#deploys> ", ""),
        ("https://acme-hq.slack.com/archives/C9TK3CUKW002/p1700000000000100?thread_ts=1", ""),
        ("https://app.slack.com/client/T9TK3CUKW/C9TK3CUKW002", ""),
        ("acme-hq.slack.com/archives/C9TK3CUKW002", ""),
        ("C9TK3CUKW002", ""),
        ("https://app.slack.com/client/T0VMBRE11A/C0VMBRE11A002", "leads to another workspace"),
        ("https://umbrella-and-sons.slack.com/archives/C0VMBRE11A002", "leads to another workspace"),
        ("C0VMBRE11A002", "cannot find that channel"),
        ("C0NOSUCHCHAN", "cannot find that channel"),
        ("https://evil.example/archives/C9TK3CUKW002", "not the link of a channel"),
        ("https://slack.com.evil.example/archives/C9TK3CUKW002", "not the link of a channel"),
        ("https://acme-hq.slack.com/archives/D9TK3CUKW002", "is not a channel"),
        ("D9TK3CUKW002", "is not a channel"),
        ("S0614TZR7", "is not a channel"),
        ("U0614TZR7", "is not a channel"),
        ("#deploys", "not the link of a channel"),
        ("general", "not the link of a channel"),
        ("", "not the link of a channel"),
        ("javascript:alert(1)//archives/C9TK3CUKW002", "not the link of a channel"),
        ("https://[/archives/C9TK3CUKW002", "not the link of a channel"),
        ("<script>alert(1)</script>", "not the link of a channel"),
        ("C" * 8192, "not the link of a channel"),
        ("C9TK3CUKW002\x00", "not the link of a channel"),
        ("С9TK3CUKW002", "not the link of a channel"),
    ],
)
def test_what_people_paste(person: Person, place: str, novu: LocalNovu, given: str, words: str) -> None:
    page = choose(person, place, "link", link=given)
    if not words:
        assert (page.status, page.location) == (303, place)
        assert targets(novu) == [("slack_channel", DEPLOYS)]
        return
    assert page.status == 422
    assert page.heading == "Where should Sprocket post?"
    assert words in page.text
    assert targets(novu) == []
    assert "<script>" not in page.source


@pytest.mark.parametrize("given", ["", "general", "C9", "you", "x" * 8192, "T9TK3CUKW", "C9TK3CUKW002 "])
def test_a_form_nobody_was_shown_changes_nothing(person: Person, place: str, novu: LocalNovu, given: str) -> None:
    assert choose(person, place, given).status == 422
    assert targets(novu) == []


def test_an_archived_channel_is_refused(person: Person, place: str, slack: LocalSlack) -> None:
    assert "launch-2019" not in person.open(f"{place}/destination").text
    assert "is archived" in choose(person, place, channel(slack, "launch-2019")).text


def test_a_channel_of_another_company_needs_an_invitation(person: Person, place: str, slack: LocalSlack) -> None:
    theirs = channel(slack, "ext-hooli-pilot")
    page = choose(person, place, theirs)
    assert page.status == 422
    assert "is not in that channel yet. Type “/invite" in page.text
    slack.state.invite(theirs)
    assert choose(person, place, theirs).status == 303


def test_searching_finds_part_of_a_name(person: Person, place: str) -> None:
    page = person.open(f"{place}/destination?q=%23DEPL")
    assert "# deploys" in page.text
    assert "# general" not in page.text
    assert 'value="#DEPL"' in page.source
    assert "No channel is called like that." in person.open(f"{place}/destination?q=%3Cb%3Enothing").text


def test_twenty_thousand_channels_take_a_bounded_number_of_calls(person: Person, link: str, slack: LocalSlack) -> None:
    place = connect(person, link, workspace="T0GL0BEX20")
    before = slack.state.calls("conversations.list")
    page = person.open(f"{place}/destination")
    assert 1 <= slack.state.calls("conversations.list") - before <= 5
    assert "Look through more" in page.text
    assert page.source.count('type="radio"') < 120
    for _ in range(8):
        page = person.open(f"{place}/destination?q=19999")
    assert "19999" in page.text.split("Direct message")[0]
    assert "Look through more" not in page.text
    asked = slack.state.calls("conversations.list")
    person.open(f"{place}/destination?q=maps")
    assert slack.state.calls("conversations.list") == asked


@pytest.mark.parametrize("fault", ["html", "unknown_error", "429", "500", "endless_cursor"])
def test_a_list_that_slack_does_not_give_leaves_the_rest_of_the_page(
    person: Person, place: str, slack: LocalSlack, novu: LocalNovu, fault: str
) -> None:
    slack.state.faults.set("conversations.list", fault, 50)
    page = person.open(f"{place}/destination")
    assert page.status == 200
    assert "Direct message to you" in page.text
    assert choose(person, place, "link", link=DEPLOYS).status == 303
    assert targets(novu) == [("slack_channel", DEPLOYS)]


@pytest.mark.parametrize(("fault", "expected"), [("html", 503), ("429", 503), ("500", 503), ("unknown_error", 422)])
def test_slack_in_trouble_changes_nothing(
    person: Person, place: str, slack: LocalSlack, novu: LocalNovu, fault: str, expected: int
) -> None:
    choose(person, place, "me")
    before = targets(novu)
    slack.state.faults.set("conversations.info", fault, 1)
    assert choose(person, place, DEPLOYS).status == expected
    assert targets(novu) == before
    assert status(person, place) == "set"


@pytest.mark.parametrize("failure", ["unavailable", "error_after_commit", "truncated", "in_progress"])
def test_novu_in_trouble_changes_nothing_in_the_end(
    person: Person, place: str, slack: LocalSlack, novu: LocalNovu, wiring: Wiring, failure: str
) -> None:
    choose(person, place, channel(slack, "general"))
    token = _token(person, f"{place}/destination")
    novu.suffer(failure)
    page = person.open(f"{place}/destination", "POST", data={"csrf_token": token, "destination": "me"})
    assert (page.status, page.heading) == (503, "We are having problems")
    assert "Nothing was changed." in page.text
    novu.suffer("none")
    wiring.choosing.finish(novu.state.connections[0].identifier, 1)
    assert targets(novu) == [("slack_channel", GENERAL)]
    assert person.open(place).heading == "Sprocket will post to #general"


@pytest.mark.parametrize("failure", ["subscriber_missing", "connection_missing", "rejected", "unauthorized"])
def test_what_novu_refuses_for_good_is_for_our_team(
    person: Person, place: str, novu: LocalNovu, wiring: Wiring, failure: str
) -> None:
    token = _token(person, f"{place}/destination")
    novu.suffer(failure)
    page = person.open(f"{place}/destination", "POST", data={"csrf_token": token, "destination": "me"})
    assert (page.status, page.heading) == (503, "We could not save that")
    assert "Nothing was changed." in page.text
    novu.suffer("none")
    assert wiring.choosing.finish(novu.state.connections[0].identifier, 1) == ""
    assert targets(novu) == []
    assert status(person, place) == "unset"


def test_the_browser_is_remembered_for_as_long_as_the_attempt(app: Flask, link: str, person: Person) -> None:
    settings = app.extensions["onboarding"].settings
    lives = settings.attempt_retention + settings.link_max_age
    landing = person.open(link)
    found = re.search(r'name="csrf_token" value="([^"]+)"', landing.source)
    assert found
    started = person._client.post(link, data={"csrf_token": found[1]})
    [cookie] = [value for name, value in started.headers if name == "Set-Cookie" and "attempt-" in value]
    age = re.search(r"Max-Age=(\d+)", cookie)
    assert age
    assert int(age[1]) >= lives.total_seconds()


def test_another_browser_may_look_and_not_choose(place: str, novu: LocalNovu, stranger: Person, link: str) -> None:
    assert "in the browser that connected Slack" in stranger.open(place).text
    page = stranger.open(f"{place}/destination")
    assert (page.status, page.heading) == (403, "Please use the browser that connected Slack")
    token = _token(stranger, link)
    for path in (f"{place}/destination", f"{place}/destination/test"):
        assert stranger.open(path, "POST", data={"csrf_token": token, "destination": "me"}).status == 403
    assert targets(novu) == []


def test_a_form_without_its_csrf_field_changes_nothing(person: Person, place: str, novu: LocalNovu) -> None:
    page = person.open(f"{place}/destination", "POST", data={"destination": "me"})
    assert page.status == 400
    assert targets(novu) == []


def test_without_a_subscriber_there_is_nothing_to_choose(person: Person, mint: MintLink) -> None:
    place = connect(person, mint(subscriberId=None, context={"tenant": "acme"}))
    page = person.open(place)
    assert "Back in Sprocket, choose which notifications to send." in page.text
    assert "arrive" not in page.text
    assert person.open(f"{place}/destination").status == 404
    assert status(person, place) is None


def test_a_host_can_keep_the_choice_to_itself(person: Person, mint: MintLink) -> None:
    place = connect(person, mint(destination="none"))
    assert person.open(f"{place}/destination").status == 404
    assert status(person, place) is None


def test_a_shared_connection_leads_to_the_links_subscriber(
    person: Person, mint: MintLink, slack: LocalSlack, novu: LocalNovu
) -> None:
    place = connect(person, mint(context={"tenant": "acme"}, connectionMode="shared"))
    assert choose(person, place, channel(slack, "deploys")).status == 303
    [endpoint] = novu.state.endpoints
    assert (endpoint.subscriber_id, endpoint.context_keys) == ("subscriber-123", ("tenant:acme",))


def test_before_it_is_connected_there_is_nothing_to_choose(person: Person, link: str) -> None:
    back = person.open(person.come_back(link, decision="cancel"))
    assert back.status == 303
    assert person.open(f"{back.location}/destination").location == back.location


def test_after_a_disconnect_there_is_nothing_to_choose(
    person: Person, place: str, slack: LocalSlack, novu: LocalNovu, wiring: Wiring
) -> None:
    choose(person, place, channel(slack, "deploys"))
    token = _token(person, f"{place}/destination")
    wiring.upkeep.disconnect(novu.state.connections[0].identifier, revokes=False)
    assert targets(novu) == []
    assert person.open(f"{place}/destination").location == place
    page = person.open(f"{place}/destination", "POST", data={"csrf_token": token, "destination": DEPLOYS})
    assert (page.status, page.heading) == (409, "There is no connection to change")
    assert targets(novu) == []


def test_connecting_the_same_workspace_again_keeps_the_choice(
    person: Person, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    first = connect(person, link)
    choose(person, first, channel(slack, "deploys"))
    second = connect(person, link)
    page = person.open(second)
    assert page.heading == "Sprocket will post to #deploys"
    assert "This was chosen before and stays as it was." in page.text
    assert targets(novu) == [("slack_channel", DEPLOYS)]
    assert person.open(f"{first}/destination").status == 404
    assert status(person, first) is None


def test_another_workspace_asks_again_and_the_old_endpoint_goes(
    person: Person, link: str, slack: LocalSlack, novu: LocalNovu, wiring: Wiring
) -> None:
    choose(person, connect(person, link), channel(slack, "deploys"))
    place = connect(person, link, workspace="T0VMBRE11A")
    page = person.open(place)
    assert "What was chosen before ended with the other workspace" in page.text
    assert status(person, place) == "unset"
    assert wiring.choosing.finish(novu.state.connections[0].identifier, 1) == ""
    assert targets(novu) == []
    choose(person, place, channel(slack, "deploys", "T0VMBRE11A"))
    assert targets(novu) == [("slack_channel", "C0VMBRE11A002")]


def test_the_landing_page_says_where_notifications_go(
    person: Person, link: str, slack: LocalSlack, stranger: Person
) -> None:
    place = connect(person, link)
    assert "Nobody has chosen yet where notifications go." in person.open(link).text
    choose(person, place, channel(slack, "deploys"))
    page = person.open(link)
    assert "Notifications go to #deploys." in page.text
    assert page.link("Change where notifications go") == f"{place}/destination"
    assert "Use another workspace" in page.text
    assert "Change where notifications go" not in stranger.open(link).text


def test_an_organisation_is_asked_for_the_workspace(person: Person, link: str, slack: LocalSlack) -> None:
    place = connect(person, link, workspace="T0NRTHW1ND", outcome="org_wide")
    assert person.open(f"{place}/destination").heading == "Add the app to a workspace first"
    slack.state.add_workspace("E0NRTHW1ND", "T0NRTHW1ND")
    assert person.open(f"{place}/destination").heading == "Where should Sprocket post?"
    slack.state.add_workspace("E0NRTHW1ND", "T0NRTHF00D")
    page = person.open(f"{place}/destination")
    assert page.heading == "Which workspace should Sprocket post to?"
    page = person.open(page.link("Northwind Foods"))
    assert "# deploys" in page.text


def test_a_novu_that_hides_tokens_leaves_messages_and_links(hiding: Person, link: str) -> None:
    place = connect(hiding, link)
    assert "cannot be listed here" in hiding.open(f"{place}/destination").text
    page = hiding.follow(choose(hiding, place, "link", link=DEPLOYS))
    assert page.heading == "Sprocket will post to the channel you chose"
    assert hiding.submit(place, f"{place}/destination/test").status == 409


def _problem(page: Page) -> str:
    return page.text.split("At the moment")[0].split("Find a channel")[0]


def _token(person: Person, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', person.open(path).source)
    assert found
    return found[1]
