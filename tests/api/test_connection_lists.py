"""The list of connections: who finds what in it, page after page."""

from __future__ import annotations

import pytest

from onboarding.ledger.connection_lists import Sharer
from onboarding.model.destinations import MadeConnection
from onboarding.wiring import Wiring
from tests.aging import Database
from tests.api.host import Host
from tests.conftest import MintLink
from tests.fakes import LocalSlack
from tests.person import Person
from tests.witness import Witness

VERMEER = "T0VMBRE11A"


def found(host: Host, **query: object) -> list[str]:
    answer = host.get("/v1/connections", **query)
    assert answer.status == 200, answer.body
    return [each["identifier"] for each in answer.body["data"]]


@pytest.fixture
def some(more_subscribers: None, person: Person, mint: MintLink, wiring: Wiring) -> None:
    """Oldest first: one of each kind."""
    person.install(mint(identifier="one", subscriberId="s1"))
    person.install(mint(identifier="two", subscriberId="s2", context={"tenant": "org-1", "team": "blue"}))
    person.install(mint(identifier="three", subscriberId="s2", context={"tenant": "org-2"}), workspace=VERMEER)
    person.install(mint(identifier="four", subscriberId="s1", context={"tenant": "org-1"}, connectionMode="shared"))
    person.install(mint(identifier="five", subscriberId="s5"))
    wiring.upkeep.disconnect("five", revokes=False)


def test_there_is_nothing_at_first(host: Host) -> None:
    assert host.get("/v1/connections").body == {"data": [], "next": None}


@pytest.mark.usefixtures("some")
def test_what_was_connected_last_comes_first(host: Host, person: Person, mint: MintLink) -> None:
    assert found(host) == ["five", "four", "three", "two", "one"]
    person.install(mint(identifier="one", subscriberId="s1"))
    assert found(host) == ["one", "five", "four", "three", "two"], "connected again"


@pytest.mark.usefixtures("some")
def test_each_looks_as_it_does_alone(host: Host) -> None:
    host.ask("one", "check")
    for each in host.get("/v1/connections").body["data"]:
        assert host.connection(each["identifier"]).body == each


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("query", "identifiers"),
    [
        ("subscriberId=s2", ["three", "two"]),
        ("subscriberId=%20s2%0A", ["three", "two"]),
        ("subscriberId=s1", ["one"]),
        ("subscriberId=nobody", []),
        ("context=tenant:org-1", ["four", "two"]),
        ("context=tenant:org-1&context=team:blue", ["two"]),
        ("context=tenant:org-1&context=tenant:org-1", ["four", "two"]),
        ("context=tenant:org-1&context=tenant:org-2", []),
        ("context=tenant:org", []),
        ("context=&context=team:blue", ["two"]),
        ("integrationIdentifier=slack-prod", ["five", "four", "three", "two", "one"]),
        ("integrationIdentifier=other", []),
        (f"workspaceId={VERMEER}", ["three"]),
        ("workspaceId=T0NOBODY", []),
        ("state=ended", ["five"]),
        ("state=working", ["four", "three", "two", "one"]),
        ("state=broken", []),
        ("state=working&subscriberId=s2&context=tenant:org-2", ["three"]),
        ("subscriberId=&context=&integrationIdentifier=&workspaceId=&state=&limit=&after=&", None),
    ],
)
def test_every_filter_counts(host: Host, query: str, identifiers: list[str] | None) -> None:
    answer = host.get(f"/v1/connections?{query}")
    assert answer.status == 200, answer.body
    given = [each["identifier"] for each in answer.body["data"]]
    assert given == (["five", "four", "three", "two", "one"] if identifiers is None else identifiers)


@pytest.mark.usefixtures("some")
def test_pages_lead_from_one_to_the_next(host: Host) -> None:
    for query in ({}, {"state": "working"}):
        seen: list[str] = []
        after = ""
        while after is not None:
            page = host.get("/v1/connections", limit=2, after=after, **query).body
            assert len(page["data"]) <= 2
            seen += [each["identifier"] for each in page["data"]]
            after = page["next"]
        assert seen == found(host, **query)


@pytest.mark.usefixtures("some")
def test_pages_hold_among_those_connected_at_the_same_moment(host: Host, ledger_db: Database) -> None:
    ledger_db.execute("UPDATE connection SET connected_at = now()")
    first = host.get("/v1/connections", limit=3).body
    second = host.get("/v1/connections", limit=3, after=first["next"]).body
    assert len({each["identifier"] for page in (first, second) for each in page["data"]}) == 5
    assert second["next"] is None


@pytest.mark.usefixtures("some")
def test_a_page_goes_on_from_any_place_that_could_be(host: Host) -> None:
    assert found(host, after="0.chconn_" + "a" * 32) == []
    assert len(found(host, after="9" * 17 + ".chconn_" + "a" * 32)) == 5


@pytest.mark.parametrize("nobody", ["\0", "s1\0", "x" * 5000, "é", "*", "%", "null"])
def test_what_nobody_is_called_finds_nothing(host: Host, connected: str, nobody: str) -> None:
    for name in ("subscriberId", "integrationIdentifier", "workspaceId"):
        assert found(host, **{name: nobody}) == []
    assert found(host, context="x:y") == []


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("state=gone", ["state"]),
        ("state=Working", ["state"]),
        ("state=working&state=working", ["state"]),
        ("context=tenant", ["context"]),
        ("context=tenant:", ["context"]),
        ("context=:org-1", ["context"]),
        ("context=tenant:org%201", ["context"]),
        ("context=tenant:org-1&context=x", ["context"]),
        ("context=a:%00", ["context"]),
        ("context=%00:a", ["context"]),
        ("context=a:b%0A", ["context"]),
        ("&".join(f"context=t:{number}" for number in range(50)), ["context"]),
        ("subscriberId=a&subscriberId=b", ["subscriberId"]),
        ("workspaceId=a&workspaceId=b", ["workspaceId"]),
        ("integrationIdentifier=a&integrationIdentifier=b", ["integrationIdentifier"]),
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("limit=x&limit=y", ["limit", "limit"]),
        ("after=x", ["after"]),
        ("after=1.%00", ["after"]),
        ("after=1.chconn_" + "A" * 32, ["after"]),
        ("after=1.chconn_" + "a" * 32 + "%0A", ["after"]),
        ("after=" + "9" * 18 + ".chconn_" + "a" * 32, ["after"]),
        ("identifier=x", ["identifier"]),
        ("limit=x&state=y&context=z&order=a", ["order", "context", "state", "limit"]),
    ],
)
def test_a_question_that_makes_no_sense_is_named(host: Host, query: str, fields: list[str]) -> None:
    assert host.get(f"/v1/connections?{query}").broken == fields


def sharing(wiring: Wiring, one: MadeConnection) -> list[Sharer]:
    return wiring.ledger.connection_lists.sharing(one.workspace.id, one.owner, one.app_id)


@pytest.mark.usefixtures("some")
def test_who_shares_a_token_is_told_by_subscriber_and_contexts(wiring: Wiring) -> None:
    one = wiring.ledger.connections.find("one")
    assert one
    assert [(each.subscriber_id, each.context_keys) for each in sharing(wiring, one)] == [
        (None, ("tenant:org-1",)),
        ("s2", ("team:blue", "tenant:org-1")),
    ]
    three = wiring.ledger.connections.find("three")
    assert three
    assert sharing(wiring, three) == []


@pytest.mark.usefixtures("some")
def test_another_app_in_the_same_workspace_has_another_token(wiring: Wiring, ledger_db: Database) -> None:
    ledger_db.execute("UPDATE connection SET app_id = 'A0OTHER' WHERE identifier = 'two'")
    ledger_db.execute("UPDATE connection SET app_id = NULL WHERE identifier = 'four'")
    one = wiring.ledger.connections.find("one")
    assert one
    assert [each.subscriber_id for each in sharing(wiring, one)] == [None]


@pytest.mark.usefixtures("some")
def test_a_broken_one_is_found_as_such(host: Host, ledger_db: Database) -> None:
    ledger_db.execute("UPDATE connection SET state = 'broken', reason = 'token_revoked' WHERE identifier = 'two'")
    assert found(host, state="broken") == ["two"]


def test_no_token_is_in_it(host: Host, connected: str, slack: LocalSlack, witness: Witness) -> None:
    witness.secrets |= slack.secrets()
    host.get("/v1/connections")
    assert witness.leaks() == []


@pytest.mark.parametrize(
    ("link_id", "number"), [("mine", 1), (" mine ", 1), ("", 2), ("other", 0), ("\0", 0), ("a" * 22, 0)]
)
def test_attempts_are_found_by_their_link(
    host: Host, person: Person, mint: MintLink, link_id: str, number: int
) -> None:
    made = host.link()
    person.add_to_slack(made["url"].removeprefix("http://127.0.0.1:8000"))
    person.add_to_slack(mint())
    asked = link_id.replace("mine", made["id"])
    attempts = host.get("/v1/attempts", linkId=asked).body["data"]
    assert len(attempts) == number
    if number == 1:
        assert attempts[0]["linkId"] == made["id"]


def test_a_link_is_named_once(host: Host) -> None:
    assert host.get("/v1/attempts?linkId=a&linkId=b").broken == ["linkId"]
