"""One endpoint for each connection, whoever chooses at the same time, whoever dies and whatever Novu says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from flask import Flask

from onboarding.clock.deadline import Deadline
from onboarding.ledger.destinations import Take, Taken
from onboarding.ledger.work import Kind
from onboarding.model.destinations import Destination, EndpointType, MadeConnection
from onboarding.model.errors import ConnectionChanged
from onboarding.sandbox.novu import create_novu
from onboarding.sandbox.serve import serving
from onboarding.settings import environment
from onboarding.wiring import Wiring, wire
from tests.aging import Database, pass_time
from tests.chaos.wire import Wire
from tests.conftest import MintLink
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Person
from tests.service import Service, free_port, running
from tests.test_delivery import until, worker
from tests.test_processes import come_back
from tests.witness import Witness

WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Site:
    """The service on a real port, and the last stretch of wire before its Novu."""

    env: dict[str, str]
    service: Service
    novu: LocalNovu
    wire: Wire
    slack: LocalSlack


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody whose browser has just connected."""

    browser: requests.Session
    page: str
    token: str

    def choose(self, destination: str) -> int:
        """The status of the answer; 0 if there was none."""
        try:
            return self.browser.post(
                f"{self.page}/destination",
                data={"csrf_token": self.token, "destination": destination},
                cookies=self.browser.cookies.get_dict(),
                allow_redirects=False,
                timeout=30,
            ).status_code
        except requests.ConnectionError:
            return 0


@pytest.fixture
def site(env: dict[str, str], slack: LocalSlack, tmp_path: Path) -> Iterator[Site]:
    novu = create_novu(NOVU_KEY, idempotency=True)
    stretch = Wire(novu, "/v1/")
    with serving(novu) as url:
        port = free_port()
        ours = {**env, "NOVU_URL": url, "PUBLIC_URL": f"http://127.0.0.1:{port}"}
        with running(ours, tmp_path / "web", port) as service:
            yield Site(ours, service, LocalNovu(url, novu.extensions["novu"]), stretch, slack)


def customer(site: Site, subscriber: str) -> Customer:
    site.novu.state.environment.add_subscriber(subscriber)
    made, browser = wire(environment.load(site.env)), requests.Session()
    link = made.links.sign(made.links.mint({"subscriberId": subscriber}, None, made.clock()))
    back = come_back(browser, f"{site.service.url}/install/{link}", site.slack)
    page = browser.get(back, timeout=30)
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(f"{page.url}/destination", timeout=30).text)
    assert found, page.text
    return Customer(browser, page.url, found[1])


def channels(slack: LocalSlack) -> list[str]:
    """Public channels that anybody may choose."""
    found = slack.state.channels("T9TK3CUKW")
    return [each.id for each in found if not each.is_private and not each.is_archived and not each.shared]


def after_writes(stretch: Wire, number: int, action: Callable[[], None]) -> None:
    """Do it when Novu has carried out so many writes more, before the answer to the last one leaves."""

    def count() -> None:
        nonlocal number
        number -= 1
        if number:
            stretch.set_trap(count)
        else:
            action()

    stretch.set_trap(count)


def kill_web(site: Site) -> None:
    for pid in site.service.workers():
        os.kill(pid, signal.SIGKILL)


def endpoints(novu: LocalNovu) -> dict[str, tuple[str, str]]:
    """By subscriber; fails if one has two."""
    found = {each.subscriber_id: (each.type, *each.endpoint.values()) for each in novu.state.endpoints}
    assert len(found) == len(novu.state.endpoints)
    return found  # type: ignore[return-value]


def test_of_fifty_choices_at_once_one_stands_and_the_page_shows_it(site: Site, slack: LocalSlack) -> None:
    chooser, offered = customer(site, "subscriber-123"), [*channels(slack), "me"]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(chooser.choose, (offered * 50)[:50]))
    assert set(answers) == {303}
    [(kind, target)] = endpoints(site.novu).values()
    page = chooser.browser.get(chooser.page, timeout=30).text
    shown = slack.state.channel(target)
    assert (shown.name if shown and kind == "slack_channel" else "your direct messages") in page


def test_what_dies_between_novu_and_the_ledger_is_finished_within_half_a_minute(
    site: Site, slack: LocalSlack, ledger_db: Database, tmp_path: Path
) -> None:
    first, second = channels(slack)[:2]
    choosing, changing, replacing = (customer(site, name) for name in ("choosing", "changing", "replacing"))
    assert (changing.choose(first), replacing.choose(first)) == (303, 303)
    customer(site, "ending").choose("me")
    [ending] = [each.identifier for each in site.novu.state.connections if each.subscriber_id == "ending"]

    for chooser, destination, writes in ((choosing, first, 1), (changing, second, 2), (replacing, "me", 2)):
        after_writes(site.wire, writes, lambda: kill_web(site))
        assert chooser.choose(destination) == 0
        until(lambda: requests.get(f"{site.service.url}/readyz", timeout=5).ok, 10)
    killed = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "onboarding.cli", "connections", "delete", ending, "--yes"],
        env={"PATH": os.environ["PATH"], **site.env},
    )
    after_writes(site.wire, 1, process.kill)
    assert process.wait(20) == -signal.SIGKILL

    assert "replacing" not in endpoints(site.novu)
    with worker(site.env, tmp_path / "worker"):
        until(
            lambda: (
                ledger_db.execute(
                    "SELECT FROM work WHERE kind NOT IN ('expire', 'forget', 'webhook', 'check')"
                ).rowcount
                == 0
            ),
            WITHIN,
        )
    assert time.monotonic() - killed < WITHIN
    found = endpoints(site.novu)
    person = slack.state.installations[0].user_id
    assert found == {
        "choosing": ("slack_channel", first),
        "changing": ("slack_channel", second),
        "replacing": ("slack_user", person),
    }
    assert {each.subscriber_id for each in site.novu.state.connections} == {"choosing", "changing", "replacing"}
    for chooser, words in ((choosing, "#general"), (replacing, "your direct messages")):
        assert words in chooser.browser.get(chooser.page, timeout=30).text


@pytest.fixture
def connection(person: Person, link: str, wiring: Wiring, novu: LocalNovu) -> MadeConnection:
    person.install(link)
    found = wiring.ledger.connections.find(novu.state.connections[0].identifier)
    assert found
    return found


GENERAL = Destination(EndpointType.CHANNEL, "C9TK3CUKW000", "general")
RANDOM = Destination(EndpointType.CHANNEL, "C9TK3CUKW001", "random")


def test_endpoints_that_others_made_stay_until_a_disconnect(
    connection: MadeConnection, wiring: Wiring, novu: LocalNovu
) -> None:
    foreign = {
        "subscriberId": "subscriber-123",
        "integrationIdentifier": "slack-prod",
        "connectionIdentifier": connection.identifier,
        "type": "slack_channel",
        "endpoint": {"channelId": "C0THEIRS1"},
    }
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    assert requests.post(f"{novu.url}/v1/channel-endpoints", json=foreign, headers=headers, timeout=5).ok
    wiring.choosing.choose(connection, GENERAL)
    wiring.choosing.choose(connection, RANDOM)
    assert len(novu.state.endpoints) == 2
    wiring.choosing.choose(connection, None)
    assert [each.endpoint for each in novu.state.endpoints] == [{"channelId": "C0THEIRS1"}]
    assert wiring.upkeep.disconnect(connection.identifier, revokes=False).is_done
    assert not novu.state.endpoints


def test_a_connection_that_was_made_anew_keeps_its_choice(
    connection: MadeConnection, person: Person, link: str, wiring: Wiring, novu: LocalNovu
) -> None:
    wiring.choosing.choose(connection, GENERAL)
    person.install(link)
    with pytest.raises(ConnectionChanged):
        wiring.choosing.choose(connection, RANDOM)
    assert [each.endpoint for each in novu.state.endpoints] == [{"channelId": GENERAL.id}]


def test_a_choice_is_safe_from_a_disconnect_that_came_first(
    connection: MadeConnection, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    """The connection was looked at before, and a worker meets what is left of the choice."""
    ledger_db.execute(
        "INSERT INTO destination (owner, connection, workspace_id, number, choice) "
        "VALUES (%s, %s, %s, nextval('choice_order'), %s)",
        [connection.owner, connection.identifier, connection.workspace.id, GENERAL.to_json()],
    )
    ledger_db.execute("UPDATE connection SET state = 'ended'")
    assert wiring.choosing.finish(connection.owner, 1) == ""
    assert novu.state.endpoints == ()
    assert ledger_db.execute("SELECT FROM destination").rowcount == 0


def test_whoever_was_away_for_too_long_does_not_leave_novu_with_an_older_choice(
    connection: MadeConnection, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    ours, theirs = wiring.ledger.destinations, "stopped for a while"
    number = ours.propose(connection, GENERAL)
    assert number
    assert ours.take(connection.owner, theirs).number == number
    ledger_db.execute("UPDATE owner SET leased_until = now()")
    wiring.choosing.choose(connection, RANDOM)
    wiring.parties.first.novu.endpoints.update(connection.endpoint(GENERAL), "late", Deadline(5))
    taken = ours.take(connection.owner, "nobody")
    assert taken.number == 0
    wiring.choosing._settle(connection, Taken(Take.TAKEN, number, GENERAL), theirs)
    assert wiring.choosing.finish(connection.owner, 1) == ""
    assert [each.endpoint for each in novu.state.endpoints] == [{"channelId": RANDOM.id}]


def test_work_that_is_missing_is_made_anew(
    connection: MadeConnection, wiring: Wiring, ledger_db: Database, novu: LocalNovu
) -> None:
    assert wiring.ledger.destinations.propose(connection, GENERAL)
    ledger_db.execute("DELETE FROM work WHERE kind IN ('destination', 'disconnect', 'deliver')")
    assert wiring.ledger.work.rebuild(timedelta(0)) == 1
    [job] = wiring.ledger.work.take({Kind.DESTINATION: 1}, 1)
    assert wiring.choosing.finish(job.subject, job.tries) == ""
    assert [each.endpoint for each in novu.state.endpoints] == [{"channelId": GENERAL.id}]


def test_the_installer_gets_direct_messages_along_with_the_connection(
    person: Person, mint: MintLink, slack: LocalSlack, novu: LocalNovu, ledger_db: Database
) -> None:
    page = person.install(mint(destination="installer"))
    [endpoint] = novu.state.endpoints
    assert (endpoint.type, endpoint.endpoint) == ("slack_user", {"userId": slack.state.installations[0].user_id})
    assert "Sprocket will post to your direct messages in Slack" in page.heading
    [attempt] = ledger_db.execute("SELECT timeline FROM attempt").fetchall()
    assert [event[1] for event in attempt["timeline"]][-2:] == ["connected", "destination_set"]
    assert ledger_db.execute("SELECT FROM work WHERE kind IN ('deliver', 'destination')").rowcount == 0


def test_a_worker_gives_the_installer_direct_messages_too(
    person: Person, mint: MintLink, slack: LocalSlack, novu: LocalNovu, wiring: Wiring
) -> None:
    novu.suffer("down")
    back = person.open(person.come_back(mint(destination="installer")))
    novu.suffer("none")
    assert wiring.delivery.deliver(back.location.rpartition("/")[2])
    [endpoint] = novu.state.endpoints
    assert endpoint.endpoint == {"userId": slack.state.installations[0].user_id}
    [connection] = novu.state.connections
    found = wiring.ledger.connections.find(connection.identifier)
    assert found
    assert found.installer_id == slack.state.installations[0].user_id


def test_direct_messages_that_novu_does_not_take_now_are_set_up_by_a_worker(
    make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, mint: MintLink
) -> None:
    novu = create_novu(NOVU_KEY)
    stretch, state = Wire(novu, "/v1/"), novu.extensions["novu"]
    with serving(novu) as url:
        app = make_app(NOVU_URL=url)
        person = Person(app, slack, witness)
        after_writes(stretch, 1, lambda: stretch.cut("before", 1))
        back = person.open(person.come_back(mint(destination="installer")))
        page = person.open(back.location)
        assert page.heading == "Acme HQ is connected"
        assert "We are setting up where Sprocket will post" in page.text
        assert (len(state.connections), len(state.endpoints)) == (1, 0)
        wiring: Wiring = app.extensions["onboarding"]
        assert wiring.choosing.finish(state.connections[0].identifier, 1) == ""
        assert (len(state.connections), len(state.endpoints)) == (1, 1)
        assert "direct messages" in person.open(back.location).heading


def test_an_endpoint_that_novu_refuses_leaves_the_connection_and_says_why(
    person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("connection_missing")
    page = person.install(mint(destination="installer"))
    assert page.heading == "Acme HQ is connected"
    assert "was to send you direct messages, and that could not be set up" in page.text
    assert page.link("Choose a channel")
    [attempt] = ledger_db.execute("SELECT timeline FROM attempt").fetchall()
    assert attempt["timeline"][-1][1] == "destination_refused"
    assert "not found" in attempt["timeline"][-1][2]


def test_an_installer_link_leaves_a_choice_in_the_same_workspace_alone(
    connection: MadeConnection, person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu, slack: LocalSlack
) -> None:
    wiring.choosing.choose(connection, GENERAL)
    page = person.install(mint(destination="installer"))
    assert page.heading == "Sprocket will post to #general"
    assert [each.endpoint for each in novu.state.endpoints] == [{"channelId": GENERAL.id}]
    person.open(person.come_back(mint(destination="installer"), workspace="T0VMBRE11A"))
    assert [each.type for each in novu.state.endpoints] == ["slack_user"]


def test_a_disconnect_that_novu_does_not_take_is_finished_by_a_worker(
    connection: MadeConnection, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    wiring.choosing.choose(connection, GENERAL)
    novu.suffer("down")
    done = wiring.upkeep.disconnect(connection.identifier, revokes=False)
    assert (done.is_done, done.goes_on) == (False, True)
    with pytest.raises(ConnectionChanged):
        wiring.choosing.choose(connection, RANDOM)
    novu.suffer("none")
    pass_time(ledger_db, timedelta(minutes=1))
    assert wiring.upkeep.finish(connection.owner) == ""
    assert (novu.state.endpoints, novu.state.connections) == ((), ())
    assert ledger_db.execute("SELECT FROM ending").rowcount == 0


def test_whoever_connects_again_is_not_disconnected_by_what_was_asked_before(
    connection: MadeConnection, person: Person, link: str, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    back = person.come_back(link)
    novu.suffer("down")
    assert wiring.upkeep.disconnect(connection.identifier, revokes=False).goes_on
    novu.suffer("none")
    assert person.follow(person.open(back)).heading == "Acme HQ is connected"
    assert wiring.upkeep.finish(connection.owner) == ""
    assert len(novu.state.connections) == 1
    assert ledger_db.execute("SELECT FROM work WHERE kind = 'disconnect'").rowcount == 0


def test_whoever_connects_again_after_half_an_end_gets_the_endpoint_back(
    connection: MadeConnection, person: Person, link: str, wiring: Wiring, novu: LocalNovu
) -> None:
    wiring.choosing.choose(connection, GENERAL)
    back = person.come_back(link)
    lease = "an operator"
    assert wiring.ledger.endings.ask(connection.owner, connection.identifier, lease, revokes=False)
    wiring.parties.first.novu.endpoints.delete_all(connection.identifier, Deadline(5))
    wiring.ledger.connections.release(connection.owner, lease)
    person.open(back)
    assert wiring.choosing.finish(connection.owner, 1) == ""
    assert [each.endpoint for each in novu.state.endpoints] == [{"channelId": GENERAL.id}]
    assert wiring.upkeep.finish(connection.owner) == ""
    assert len(novu.state.connections) == 1


def test_an_end_that_is_given_up_restores_the_endpoint_and_is_told(
    connection: MadeConnection, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    wiring.choosing.choose(connection, GENERAL)
    lease = "an operator"
    assert wiring.ledger.endings.ask(connection.owner, connection.identifier, lease, revokes=False)
    wiring.parties.first.novu.endpoints.delete_all(connection.identifier, Deadline(5))
    wiring.ledger.endings.withdraw(connection.owner, lease, "Novu refused")
    assert wiring.choosing.finish(connection.owner, 1) == ""
    assert [each.endpoint for each in novu.state.endpoints] == [{"channelId": GENERAL.id}]
    [attempt] = ledger_db.execute("SELECT timeline FROM attempt").fetchall()
    assert ["not_disconnected", "Novu refused"] in [event[1:] for event in attempt["timeline"]]


def test_a_shared_connection_follows_the_newest_links_subscriber(
    person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu
) -> None:
    novu.state.environment.add_subscriber("somebody-else")
    shared = {"context": {"tenant": "acme"}, "connectionMode": "shared"}
    person.install(mint(**shared))
    connection = wiring.ledger.connections.find(novu.state.connections[0].identifier)
    assert connection
    wiring.choosing.choose(connection, GENERAL)
    person.install(mint(subscriberId="somebody-else", **shared))
    assert wiring.choosing.finish(connection.owner, 1) == ""
    assert [each.subscriber_id for each in novu.state.endpoints] == ["somebody-else"]
    person.install(mint(subscriberId=None, **shared))
    found = wiring.ledger.connections.find(connection.identifier)
    assert found
    assert found.subscriber_id == "somebody-else"


def test_without_a_subscriber_nothing_can_be_chosen(
    person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu
) -> None:
    person.install(mint(subscriberId=None, context={"tenant": "acme"}))
    connection = wiring.ledger.connections.find(novu.state.connections[0].identifier)
    assert connection
    with pytest.raises(ConnectionChanged):
        wiring.choosing.choose(connection, GENERAL)
    assert not novu.state.endpoints


def test_a_timeline_does_not_grow_with_every_choice(
    connection: MadeConnection, wiring: Wiring, ledger_db: Database
) -> None:
    for number in range(110):
        wiring.choosing.choose(connection, (GENERAL, RANDOM)[number % 2])
    [attempt] = ledger_db.execute("SELECT timeline FROM attempt").fetchall()
    assert len(attempt["timeline"]) == 100
