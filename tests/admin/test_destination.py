"""Where notifications go, seen and changed from the status page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests
from flask import Flask

from onboarding.model.errors import NotThere, Remedy
from onboarding.sandbox.novu import Options, create_novu
from onboarding.sandbox.serve import serving
from onboarding.web.admin import destination_words
from onboarding.wiring import Wiring
from tests.admin.operator import CONNECTIONS, PASSWORD, Operator
from tests.admin.test_attempts import rows
from tests.aging import Database
from tests.conftest import MintLink
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Page, Person
from tests.witness import Witness

ACME = "T9TK3CUKW"
DANA = "U9TK3CUKW"


def channel(slack: LocalSlack, name: str) -> str:
    found = slack.state.channel_named(ACME, name)
    assert found
    return found.id


def choose(operator: Operator, place: str, what: str) -> Page:
    return operator.do(place, place, action="choose", place=what)


def targets(novu: LocalNovu) -> list[tuple[str, ...]]:
    return [(each.type, *each.endpoint.values()) for each in novu.state.endpoints]


def hang_on(novu: LocalNovu, connection: str, **changes: object) -> None:
    """What another tool does."""
    body = {
        "subscriberId": "subscriber-123",
        "integrationIdentifier": "slack-prod",
        "connectionIdentifier": connection,
        "type": "slack_user",
        "endpoint": {"userId": "U0OTHER"},
        **changes,
    }
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    requests.post(f"{novu.url}/v1/channel-endpoints", json=body, headers=headers, timeout=5).raise_for_status()


def audited(operator: Operator) -> list[str]:
    return [" ".join(row.split()) for row in rows(operator.open("/admin/audit"))]


def test_at_first_nobody_has_chosen(operator: Operator, place: str) -> None:
    page = operator.open(place)
    assert "Nobody has chosen yet, so notifications go nowhere." in page.text
    assert "Novu holds nothing on this connection" in page.text
    assert "Send a test message" not in page.text
    assert ">Remove<" not in page.source


def test_an_operator_chooses_a_channel(operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu) -> None:
    deploys = channel(slack, "deploys")
    page = choose(operator, place, f" https://acme-hq.slack.com/archives/{deploys} ")
    assert f"Notifications go to the channel #deploys ({deploys}) now." in page.text
    assert f"To the public channel #deploys {deploys}" in page.text
    assert targets(novu) == [("slack_channel", deploys)]
    [row] = rows(page)
    assert row.split() == ["Channel", deploys, "subscriber-123", novu.state.endpoints[0].identifier, "this", "service"]
    assert "Chose where notifications go" in audited(operator)[0]
    assert f"Notifications go to the channel #deploys ({deploys}) now." in audited(operator)[0]


def test_an_operator_chooses_a_person(operator: Operator, place: str, novu: LocalNovu) -> None:
    page = choose(operator, place, DANA)
    assert f"Notifications go to the direct messages of {DANA} now." in page.text
    assert f"To the app's direct messages with {DANA}" in page.text
    assert targets(novu) == [("slack_user", DANA)]


def test_a_private_channel_is_chosen_without_its_name(
    operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    secret = channel(slack, "incident-room")
    page = choose(operator, place, secret)
    assert f"Notifications go to the channel {secret} now." in page.text
    assert f"To a channel whose name only its members know: {secret}" in page.text
    assert targets(novu) == [("slack_channel", secret)]
    for path in (place, "/admin/audit"):
        assert "incident-room" not in operator.open(path).source


def test_removing_leaves_the_connection(operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu) -> None:
    choose(operator, place, channel(slack, "general"))
    page = operator.do(place, place, action="remove")
    assert "Removed: notifications go nowhere until somebody chooses." in page.text
    assert "Nobody has chosen yet" in page.text
    assert novu.state.endpoints == ()
    assert len(novu.state.connections) == 1
    assert "Removed where notifications go" in audited(operator)[0]


def test_a_test_message_arrives(operator: Operator, place: str, slack: LocalSlack) -> None:
    general = channel(slack, "general")
    choose(operator, place, general)
    page = operator.do(place, place, action="test")
    assert f"The test message was sent to the channel #general ({general})." in page.text
    [message] = slack.state.messages(general)
    assert "test message from Sprocket" in message.text
    assert "Sent a test message" in audited(operator)[0]


def test_three_test_messages_a_minute_are_enough(operator: Operator, place: str, slack: LocalSlack) -> None:
    choose(operator, place, DANA)
    told = [operator.do(place, place, action="test").text for _ in range(4)]
    assert all("The test message was sent" in text for text in told[:3])
    assert "Nothing was sent. A test message can be sent three times a minute" in told[3]
    assert re.search(r"Wait \d+ seconds\.", told[3])
    assert len(slack.state.messages(DANA)) == 3


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("", "Nothing was changed. That is neither a channel's link or id nor a person's id."),
        ("updates", "That is neither a channel's link or id nor a person's id."),
        ("https://example.com/archives/C123456789", "That is neither a channel's link or id"),
        ("D0123456789", "That is the id of something else in Slack."),
        ("C00000000000", "Slack knows no such channel or person"),
        ("{launch-2019}", "That channel is archived."),
        ("{leadership}", "Somebody who is in it types “/invite @Sprocket” there."),
        ("{ext-hooli-pilot}", "The app is not in that channel. Somebody who is in it types “/invite @Sprocket” there."),
        ("https://app.slack.com/client/T0000000/C0000000", "That link leads to another workspace."),
        ("x" * 3000, "That is neither a channel's link or id"),
        ("\x00", "That is neither a channel's link or id"),
        ("<script>alert(1)</script>", "That is neither a channel's link or id"),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_the_fix(
    operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu, what: str, words: str
) -> None:
    what = re.sub(r"\{(.+)\}", lambda match: channel(slack, match[1]), what)
    page = choose(operator, place, what)
    assert words in page.text
    assert "Nobody has chosen yet" in page.text
    assert novu.state.endpoints == ()
    assert words[:60] in audited(operator)[0] or "Nothing was changed." in audited(operator)[0]


def test_every_refusal_has_its_words() -> None:
    assert set(destination_words.NOT_THERE) == set(NotThere)
    assert set(destination_words.SLACK_REMEDIES) == set(Remedy)


def test_nothing_is_sent_while_nothing_is_chosen(operator: Operator, place: str) -> None:
    page = operator.do(place, place, action="test")
    assert "Nothing was sent. Nobody has chosen where notifications go. Choose a place first." in page.text


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("error", "messages_tab_disabled", "Slack says messages_tab_disabled. The app takes no direct messages: in"),
        ("error", "missing_scope", "then let the customer add the app again."),
        ("error", "token_revoked", "The token no longer works, so the customer has to connect again: send a new link."),
        ("error", "is_archived", "Nothing was sent. Slack says is_archived. Nothing can be posted there any more."),
        ("error", "restricted_action", "A rule of the workspace does not allow it."),
        ("error", "unheard_of", "That is ours to fix"),
        ("rate_limited", "", "Nothing was sent. Slack says ratelimited. Try again in 30 seconds."),
        ("server_error", "", "Slack did not answer in the end, so the message may have arrived."),
    ],
)
def test_slacks_refusal_of_a_test_names_the_fix(
    operator: Operator, place: str, slack: LocalSlack, kind: str, error: str, words: str
) -> None:
    choose(operator, place, DANA)
    slack.state.faults.set("chat.postMessage", kind, error=error or "internal_error")
    page = operator.do(place, place, action="test")
    slack.state.faults.clear()
    assert words in page.text


def test_while_slack_is_silent_nothing_is_changed(
    operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    slack.state.faults.set("conversations.info", "server_error")
    page = choose(operator, place, channel(slack, "general"))
    slack.state.faults.clear()
    assert "Nothing was changed. Slack says " in page.text
    assert "Try again in a moment." in page.text
    assert novu.state.endpoints == ()


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("down", "Novu did not do it (no answer: "),
        ("unauthorized", "Novu does not accept NOVU_SECRET_KEY."),
        ("subscriber_missing", "Novu refused (404: "),
    ],
)
def test_if_novu_does_not_take_it_nothing_is_changed(
    operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu, failure: str, words: str
) -> None:
    choose(operator, place, DANA)
    operator.do(place, place, action="remove")
    field = operator.csrf_field(place)
    novu.suffer(failure)
    page = operator.open(place, "POST", data={"csrf_token": field, "action": "choose", "place": DANA})
    novu.suffer("none")
    page = operator.follow(page)
    assert f"Nothing was changed. {words}" in page.text
    assert "Nobody has chosen yet" in page.text


def test_a_choice_that_nobody_could_write_down_says_so(
    operator: Operator, place: str, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onboarding.flows.destination.patiently", lambda *_: None)
    page = choose(operator, place, DANA)
    assert "Novu has taken it, and PostgreSQL did not answer in the end. A worker writes it down;" in page.text
    assert "Novu holds something else at this moment." in page.text


def test_a_connection_that_is_being_ended_takes_no_choice(
    operator: Operator, place: str, novu: LocalNovu, ledger_db: Database
) -> None:
    owner = novu.state.connections[0].identifier
    ledger_db.execute(
        "INSERT INTO ending (owner, connection, revokes) VALUES (%(owner)s, %(owner)s, false)", {"owner": owner}
    )
    assert "was made anew or disconnected since you opened this page" in choose(operator, place, DANA).text
    assert novu.state.endpoints == ()


def test_if_novu_hides_tokens_a_test_is_not_possible(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, operator: Operator, mint: MintLink
) -> None:
    with serving(create_novu(NOVU_KEY, options=Options(redact=True))) as url:
        app = make_app(ADMIN_PASSWORD=PASSWORD, NOVU_URL=url)
        Person(app, slack, witness).install(mint())
        operator.move_to(app)
        place = operator.open(CONNECTIONS).link("Acme HQ")
        assert "Notifications go to the channel C0UNSEEN123 now." in choose(operator, place, "C0UNSEEN123").text
        page = operator.do(place, place, action="test")
    assert "Nothing was sent. Novu does not show tokens, so Slack cannot be asked." in page.text


def test_a_link_without_a_subscriber_has_no_destination(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu
) -> None:
    person.install(mint(subscriberId=None, context={"tenant": "org-1"}))
    place = f"{CONNECTIONS}/{novu.state.connections[0].identifier}"
    page = operator.open(place)
    assert "This link has no subscriber, so nothing can be delivered" in page.text
    assert 'name="place"' not in page.source
    assert "Nothing was changed. This link has no subscriber" in choose(operator, place, DANA).text
    assert novu.state.endpoints == ()


def test_a_connection_that_something_else_made_is_left_alone(operator: Operator, novu: LocalNovu) -> None:
    body = {
        "identifier": "elsewhere",
        "subscriberId": "subscriber-123",
        "integrationIdentifier": "slack-prod",
        "workspace": {"id": ACME, "name": "Acme HQ"},
        "auth": {"accessToken": "xoxb-elsewhere"},
    }
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    requests.post(f"{novu.url}/v1/channel-connections", json=body, headers=headers, timeout=5).raise_for_status()
    hang_on(novu, "elsewhere")
    page = operator.open(f"{CONNECTIONS}/elsewhere")
    assert "This service does not know this connection" in page.text
    assert 'name="place"' not in page.source
    assert "Send a test message" not in page.text
    [row] = rows(page)
    assert row.split()[:2] == ["Person", "U0OTHER"]
    assert row.split()[-2:] == ["something", "else"]
    for action in ("choose", "remove", "test"):
        page = operator.do(f"{CONNECTIONS}/elsewhere", f"{CONNECTIONS}/elsewhere", action=action, place=DANA)
        assert "This service does not know this connection" in page.text.split("Where notifications go")[0]
    assert targets(novu) == [("slack_user", "U0OTHER")]


def test_what_others_hung_on_the_connection_is_listed_and_stays(
    operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    general = channel(slack, "general")
    choose(operator, place, general)
    connection = novu.state.connections[0].identifier
    hang_on(novu, connection)
    hang_on(novu, connection, type="webhook", endpoint={"url": "https://hooks.example/secret-path", "channel": "x"})
    page = operator.open(place)
    assert len(rows(page)) == 3
    assert sum("this service" in row for row in rows(page)) == 1
    assert "secret-path" not in page.source
    operator.do(place, place, action="remove")
    assert ("slack_channel", general) not in targets(novu)
    assert len(novu.state.endpoints) == 2


def test_novu_that_lists_no_endpoints_is_no_obstacle(
    operator: Operator, place: str, slack: LocalSlack, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onboarding.remote.novu.endpoints.PATH", "/v1/not-there")
    page = operator.open(place)
    assert page.status == 200
    assert "Novu does not say what it holds here (404: " in page.text
    assert 'name="place"' in page.source


def test_if_novu_holds_something_else_the_page_says_so(
    operator: Operator, place: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    choose(operator, place, DANA)
    [endpoint] = novu.state.endpoints
    address = f"{novu.url}/v1/channel-endpoints/{endpoint.identifier}"
    requests.delete(address, headers={"Authorization": f"ApiKey {NOVU_KEY}"}, timeout=5).raise_for_status()
    assert "Novu holds something else at this moment." in operator.open(place).text
    assert "Novu holds something else" not in choose(operator, place, DANA).text
    assert targets(novu) == [("slack_user", DANA)]


def test_the_timeline_tells_where_notifications_go(
    operator: Operator, person: Person, mint: MintLink, slack: LocalSlack, novu: LocalNovu
) -> None:
    outcome = person.open(person.come_back(mint())).location
    place = f"{CONNECTIONS}/{novu.state.connections[0].identifier}"
    general = channel(slack, "general")
    choose(operator, place, general)
    choose(operator, place, DANA)
    operator.do(place, place, action="remove")
    page = operator.open(f"/admin{outcome}")
    assert f"Notifications go to channel {general}" in page.text
    assert f"Notifications go to the direct messages of {DANA}" in page.text
    assert "Notifications go nowhere until somebody chooses" in page.text


def test_an_operator_puts_right_what_was_refused_with_the_connection(
    operator: Operator, person: Person, mint: MintLink, novu: LocalNovu
) -> None:
    novu.suffer("connection_missing")
    outcome = person.open(person.come_back(mint(destination="installer"))).location
    novu.suffer("none")
    page = operator.open(f"/admin{outcome}")
    assert "Notifications could not be led to whoever approved" in page.text
    assert "The customer is connected, but notifications go nowhere" in page.text
    assert "was refused (404: " in page.text
    place = page.link("Choose a place").removesuffix("#where")
    choose(operator, place, DANA)
    assert "notifications go nowhere:" not in operator.open(f"/admin{outcome}").text
    assert targets(novu) == [("slack_user", DANA)]
