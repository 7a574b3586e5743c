"""Ends, reconnects and refusals around a destination: whatever comes first, Novu and the ledger say the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import requests
from flask import Flask

from onboarding.flows.listing import Place
from onboarding.model.destinations import Destination, EndpointType, MadeConnection
from onboarding.model.errors import DestinationRefused
from onboarding.sandbox.novu import create_novu
from onboarding.sandbox.serve import serving
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.api.host import KEY
from tests.chaos.wire import Wire
from tests.conftest import MintLink
from tests.fakes import NOVU_KEY, LocalNovu, LocalSlack
from tests.person import Person
from tests.scripted import Script, answer, scripted
from tests.test_destinations import after_writes
from tests.test_disconnect import accepts, let_workers_go_on
from tests.witness import Witness

MakeApp = Callable[..., Flask]
Stretch = tuple[Wire, LocalNovu]
GENERAL = Destination(EndpointType.CHANNEL, "C9TK3CUKW000", "general")


@pytest.fixture
def stretch() -> Iterator[tuple[Wire, LocalNovu]]:
    """A Novu that honours idempotency keys, and the last stretch of wire before it."""
    novu = create_novu(NOVU_KEY, idempotency=True)
    wire = Wire(novu, "/v1/")
    with serving(novu) as url:
        yield wire, LocalNovu(url, novu.extensions["novu"])


def made(wiring: Wiring, novu: LocalNovu) -> MadeConnection:
    found = wiring.ledger.connections.find(novu.state.connections[0].identifier)
    assert found
    return found


def agree(wiring: Wiring, novu: LocalNovu, ledger_db: Database) -> None:
    """After everything that is due was done, Novu holds what the ledger says."""
    for _ in range(3):
        let_workers_go_on(wiring, ledger_db)
    assert (
        ledger_db.execute("SELECT FROM work WHERE kind NOT IN ('expire', 'forget', 'webhook', 'check')").rowcount == 0
    )
    held = [dict(each.endpoint) for each in novu.state.endpoints]
    [row] = ledger_db.execute("SELECT placed FROM destination").fetchall() or [{"placed": None}]
    assert [list(each.values()) for each in held] == ([[row["placed"]["id"]]] if row["placed"] else [])


def test_an_end_that_waits_does_not_revoke_what_was_approved_since(
    person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu, slack: LocalSlack, ledger_db: Database
) -> None:
    person.install(mint())
    identifier = made(wiring, novu).identifier
    novu.suffer("down")
    assert wiring.upkeep.disconnect(identifier, revokes=True).goes_on
    person.open(person.come_back(mint()))
    novu.suffer("none")
    assert wiring.upkeep.finish(identifier) == "something else is under way"
    agree(wiring, novu, ledger_db)
    [connection] = novu.state.connections
    assert accepts(slack, connection.token)
    assert made(wiring, novu).state == "working"


def test_while_an_end_waits_the_page_says_so_and_nothing_can_be_chosen(
    person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu
) -> None:
    back = person.open(person.come_back(mint()))
    person.submit(back.location, f"{back.location}/destination", destination="me")
    novu.suffer("down")
    assert wiring.upkeep.disconnect(made(wiring, novu).identifier, revokes=False).goes_on
    assert person.open(back.location).heading == "Acme HQ is being disconnected"
    assert person.open(f"{back.location}/destination").location == back.location
    told = json.loads(person.open(f"{back.location}/status").source)
    assert (told["status"], told["destination"]) == ("connected", None)


def test_an_installers_endpoint_whose_answer_was_lost_belongs_to_nobody_else(
    make_app: MakeApp, slack: LocalSlack, witness: Witness, mint: MintLink, ledger_db: Database, stretch: Stretch
) -> None:
    wire, novu = stretch
    app = make_app(NOVU_URL=novu.url)
    person, wiring = Person(app, slack, witness), app.extensions["onboarding"]
    after_writes(wire, 2, lambda: wire.cut("after", 1))
    person.open(person.come_back(mint(destination="installer")))
    person.install(mint())
    agree(wiring, novu, ledger_db)


def test_a_subscriber_that_novu_does_not_know_leaves_nothing_behind(
    person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    shared = {"context": {"tenant": "acme"}, "connectionMode": "shared"}
    person.install(mint(**shared))
    wiring.choosing.choose(made(wiring, novu), GENERAL)
    person.install(mint(subscriberId="nobody-knows", **shared))
    agree(wiring, novu, ledger_db)
    assert made(wiring, novu).destination is None


def test_a_disconnect_finds_the_endpoint_of_an_identifier_that_is_gone(
    person: Person, mint: MintLink, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    person.install(mint(identifier="mine-1"))
    wiring.choosing.choose(made(wiring, novu), GENERAL)
    headers = {"Authorization": f"ApiKey {NOVU_KEY}"}
    requests.delete(f"{novu.url}/v1/channel-connections/mine-1", headers=headers, timeout=5).raise_for_status()
    person.install(mint(identifier="mine-2"))
    assert wiring.upkeep.disconnect("mine-2", revokes=False).is_done
    agree(wiring, novu, ledger_db)
    assert not novu.state.endpoints


def test_no_link_tells_whether_a_private_channel_exists(
    person: Person, link: str, slack: LocalSlack, wiring: Wiring, novu: LocalNovu
) -> None:
    person.install(link)
    connection = made(wiring, novu)
    ids = [each.id for each in slack.state.channels("T9TK3CUKW") if each.is_private]

    def ask(channel_id: str) -> str:
        address = f"https://someone-else.slack.com/archives/{channel_id}"
        with pytest.raises(DestinationRefused) as refused:
            wiring.channels.pasted(Place(connection), "U0STRANGER1", address)
        return refused.value.why.value

    assert {ask(each) for each in ids} == {ask("C0NOTEXIST9")}


def test_a_timeline_does_not_name_a_private_channel(
    make_app: MakeApp, slack: LocalSlack, witness: Witness, mint: MintLink
) -> None:
    app = make_app(API_KEYS=KEY)
    person = Person(app, slack, witness)
    back = person.open(person.come_back(mint()))
    room = slack.state.channel_named("T9TK3CUKW", "incident-room")
    assert room
    person.submit(f"{back.location}/destination", destination=room.id)
    told = app.test_client().get(f"/v1{back.location}", headers={"Authorization": f"Bearer {KEY}"})
    assert "destination_set" in told.text
    assert room.id not in told.text


def test_half_a_character_at_novu_does_not_keep_a_connection_from_ending(
    make_app: MakeApp, ledger_db: Database
) -> None:
    odd = {"identifier": "odd \ud800", "connectionIdentifier": "chconn_1", "type": "webhook", "endpoint": {}}
    connection = {"identifier": "chconn_1", "integrationIdentifier": "slack-prod", "workspace": {"id": "T1"}}
    gone = answer(404, b'{"statusCode": 404, "message": "gone"}')
    script = Script(
        [
            *[answer(200, json.dumps({"data": connection}).encode())] * 2,
            answer(200, json.dumps({"data": [odd]}).encode()),
            gone,
            answer(204),
        ],
        takes=9,
    )
    with scripted(script) as url:
        wiring: Wiring = make_app(NOVU_URL=url).extensions["onboarding"]
        assert wiring.upkeep.disconnect("chconn_1", revokes=False).is_done
