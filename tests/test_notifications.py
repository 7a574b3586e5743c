"""What a page promises is what Novu does: notifications arrive where somebody chose, once, and nowhere else."""

from __future__ import annotations

import re

import requests

from onboarding.wiring import Wiring
from tests.conftest import MintLink
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Page, Person

DEPLOYS = "C9TK3CUKW002"


def notify(novu: LocalNovu, text: str, **context: str) -> str:
    """Send a notification as a product does, and give what became of it."""
    event = {"name": "news", "to": "subscriber-123", "payload": {"text": text}, "context": context or None}
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    body = {name: value for name, value in event.items() if value}
    sent = requests.post(f"{novu.url}/v1/events/trigger", json=body, headers=headers, timeout=5)
    assert sent.status_code == 201
    assert novu.state.activity.settle(5)
    return novu.state.activity.activities[0].detail


def texts(slack: LocalSlack, place: str) -> list[str]:
    return [message.text for message in slack.state.messages(place)]


def connect(person: Person, link: str, **answer: str) -> tuple[str, Page]:
    back = person.open(person.come_back(link, **answer))
    return back.location, person.follow(back)


def choose(person: Person, place: str, destination: str) -> Page:
    return person.follow(person.submit(f"{place}/destination", destination=destination))


def test_whoever_chose_gets_each_notification_once(
    person: Person, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    place, _ = connect(person, link)
    assert "will post to #deploys" in choose(person, place, DEPLOYS).heading
    assert notify(novu, "One") == "MESSAGE_SENT"
    _, page = connect(person, link)
    assert "will post to #deploys" in page.heading
    assert notify(novu, "Two") == "MESSAGE_SENT"
    assert texts(slack, DEPLOYS) == ["One", "Two"]


def test_whoever_did_not_choose_was_told_so_and_gets_none(
    person: Person, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    _, page = connect(person, link)
    assert "One more step" in page.text
    assert not re.search(r"will (post|arrive)|notifications arrive", page.text)
    assert notify(novu, "Lost") == "SUBSCRIBER_NO_ACTIVE_CHANNEL"
    assert slack.state.spoken() == ()


def test_the_last_choice_counts(person: Person, link: str, slack: LocalSlack, novu: LocalNovu) -> None:
    place, _ = connect(person, link)
    choose(person, place, DEPLOYS)
    assert "direct messages" in choose(person, place, "me").heading
    notify(novu, "For you")
    assert texts(slack, DEPLOYS) == []
    assert texts(slack, slack.state.installations[0].user_id) == ["For you"]


def test_another_workspace_gets_nothing_before_somebody_chooses(
    person: Person, link: str, slack: LocalSlack, novu: LocalNovu, wiring: Wiring
) -> None:
    place, _ = connect(person, link)
    choose(person, place, DEPLOYS)
    place, page = connect(person, link, workspace="T0VMBRE11A")
    assert "One more step" in page.text
    wiring.choosing.finish(novu.state.connections[0].identifier, 1)
    assert notify(novu, "Lost") == "SUBSCRIBER_NO_ACTIVE_CHANNEL"
    choose(person, place, "C0VMBRE11A002")
    assert notify(novu, "Found") == "MESSAGE_SENT"
    assert (texts(slack, DEPLOYS), texts(slack, "C0VMBRE11A002")) == ([], ["Found"])


def test_a_context_goes_with_the_connection_and_its_endpoint(
    person: Person, mint: MintLink, slack: LocalSlack, novu: LocalNovu
) -> None:
    place, _ = connect(person, mint(context={"tenant": "acme", "region": {"id": "eu", "data": {"plan": "pro"}}}))
    choose(person, place, DEPLOYS)
    assert notify(novu, "Without") == "SUBSCRIBER_NO_ACTIVE_CHANNEL"
    assert notify(novu, "With", tenant="acme", region="eu") == "MESSAGE_SENT"
    assert texts(slack, DEPLOYS) == ["With"]


def test_a_shared_connection_delivers_to_the_links_subscriber(
    person: Person, mint: MintLink, slack: LocalSlack, novu: LocalNovu
) -> None:
    place, _ = connect(person, mint(context={"tenant": "acme"}, connectionMode="shared"))
    choose(person, place, DEPLOYS)
    assert notify(novu, "Shared", tenant="acme") == "MESSAGE_SENT"
    assert texts(slack, DEPLOYS) == ["Shared"]


def test_the_installer_gets_direct_messages_without_a_choice(
    person: Person, mint: MintLink, slack: LocalSlack, novu: LocalNovu
) -> None:
    _, page = connect(person, mint(destination="installer"))
    assert "direct messages" in page.heading
    assert notify(novu, "Hello") == "MESSAGE_SENT"
    assert texts(slack, slack.state.installations[0].user_id) == ["Hello"]


def test_after_a_disconnect_nothing_arrives_and_nothing_is_left(
    person: Person, link: str, slack: LocalSlack, novu: LocalNovu, wiring: Wiring
) -> None:
    place, _ = connect(person, link)
    choose(person, place, DEPLOYS)
    wiring.upkeep.disconnect(novu.state.connections[0].identifier, revokes=False)
    assert notify(novu, "Lost") == "SUBSCRIBER_NO_ACTIVE_CHANNEL"
    assert person.open(place).heading == "Acme HQ is no longer connected"
    assert texts(slack, DEPLOYS) == []
