"""The channels that a host may choose from."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from onboarding.clock.deadline import Deadline
from onboarding.sandbox.novu.options import Options
from onboarding.wiring import Wiring
from tests.api.host import Answer, Host
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person

GLOBEX = "T0GL0BEX20"
NORTHWIND = ("T0NRTHW1ND", "T0NRTHF00D", "T0NRTHSH1P")


def names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    assert all(set(each) == {"id", "name"} for each in answer.body["data"])
    return [each["name"] for each in answer.body["data"]]


def walk(host: Host, identifier: str, **query: str) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    after = ""
    while after is not None:
        body = host.channels(identifier, after=after, **query).body
        assert len(body["data"]) <= 100
        assert body["next"] != after, "goes on"
        found, after = [*found, *body["data"]], body["next"]
    return found


@pytest.fixture
def organisation(person: Person, mint: MintLink) -> str:
    """A connection to all of Northwind."""
    person.install(mint(identifier="northwind"), workspace=NORTHWIND[0], outcome="org_wide")
    return "northwind"


def test_public_channels_are_listed(host: Host, connected: str, slack: LocalSlack) -> None:
    public = {each.name: each.id for each in slack.state.channels("T9TK3CUKW") if each.type == "public_channel"}
    answer = host.channels(connected)
    assert {"general", "deploys", "お知らせ"} <= set(names(answer))
    assert "launch-2019" not in names(answer), "archived"
    assert {each["name"]: each["id"] for each in answer.body["data"]}.items() <= public.items()
    assert answer.body["next"] is None


def test_nobody_learns_of_private_channels(host: Host, connected: str) -> None:
    listed = names(host.channels(connected))
    assert not {"leadership", "incident-room", "people-ops"} & set(listed)
    assert names(host.channels(connected, q="incident")) == []


@pytest.mark.parametrize("text", ["DEPLOY", "deploys", "#deploys", " ploy "])
def test_a_part_of_the_name_is_enough(host: Host, connected: str, text: str) -> None:
    assert names(host.channels(connected, q=text)) == ["deploys"]


@pytest.mark.parametrize("text", ["zzz", "%", "_", "x" * 5000, "\0", "💥"])
def test_a_search_may_find_nothing(host: Host, connected: str, text: str) -> None:
    assert names(host.channels(connected, q=text)) == []


def test_pages_lead_through_all_of_many_channels(host: Host, person: Person, mint: MintLink, slack: LocalSlack) -> None:
    person.install(mint(identifier="globex"), workspace=GLOBEX)
    found = walk(host, "globex", q="billing")
    there = {each.id for each in slack.state.channels(GLOBEX) if "billing" in each.name and not each.is_archived}
    assert {each["id"] for each in found} == there
    assert len(found) == len(there) > 1000
    assert slack.state.calls("conversations.list") < 40, "listed once, and kept for a while"


def test_pages_go_on_without_redis_remembering(
    host: Host, person: Person, mint: MintLink, slack: LocalSlack, store: redis.Redis
) -> None:
    person.install(mint(identifier="globex"), workspace=GLOBEX)
    first = host.channels("globex").body
    store.flushall()
    second = host.channels("globex", after=first["next"]).body
    assert len(first["data"]) == len(second["data"]) == 100
    assert not {each["id"] for each in first["data"]} & {each["id"] for each in second["data"]}


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("after=x", ["after"]),
        ("after=c", ["after"]),
        ("after=100", ["after"]),
        ("after=c1%0A", ["after"]),
        ("after=c" + "9" * 5000, ["after"]),
        ("after=%00", ["after"]),
        ("limit=5", ["limit"]),
        ("q=a&q=b", ["q"]),
        ("types=private_channel&after=x", ["types", "after"]),
        ("team=T0VMBRE11A", ["team"]),
        ("team=%00", ["team"]),
    ],
)
def test_a_question_that_makes_no_sense_is_named(host: Host, connected: str, query: str, fields: list[str]) -> None:
    assert host.get(f"/v1/connections/{connected}/channels?{query}").broken == fields


def test_its_own_workspace_may_be_named(host: Host, connected: str) -> None:
    assert names(host.channels(connected, team="T9TK3CUKW")) == names(host.channels(connected, team=""))


def test_a_place_beyond_the_end_is_the_end(host: Host, connected: str) -> None:
    assert host.channels(connected, after="c9999999").body == {"data": [], "next": None}


def test_an_organisation_asks_which_workspace(host: Host, organisation: str, slack: LocalSlack) -> None:
    slack.state.add_workspace("E0NRTHW1ND", NORTHWIND[0])
    slack.state.add_workspace("E0NRTHW1ND", NORTHWIND[1])
    for team in ({}, {"team": "x"}, {"team": NORTHWIND[2]}, {"team": "T9TK3CUKW"}):
        answer = host.channels(organisation, **team)
        assert answer.broken == ["team"]
        assert answer.body["errors"][0]["message"] == f"must be one of {NORTHWIND[0]}, {NORTHWIND[1]}"
    assert "general" in names(host.channels(organisation, team=NORTHWIND[1]))


def test_an_organisation_without_a_workspace_has_no_channels(host: Host, organisation: str) -> None:
    answer = host.channels(organisation)
    assert answer.broken == ["team"]
    assert "none yet" in answer.body["errors"][0]["message"]


def test_a_connection_that_has_ended_has_no_channels(host: Host, connected: str, wiring: Wiring) -> None:
    wiring.upkeep.disconnect(connected, revokes=False)
    assert host.channels(connected).status == 404


def test_a_connection_that_novu_has_lost_is_not_found(host: Host, connected: str, wiring: Wiring) -> None:
    wiring.parties.first.novu.delete(connected, Deadline(5))
    assert host.channels(connected).status == 404


def test_hidden_tokens_cannot_ask(
    host: Host, connected: str, organisation: str, novu: LocalNovu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(novu.state, "options", Options(redact=True))
    assert host.channels(connected).conflict == "token_hidden"
    assert host.channels(organisation).conflict == "token_hidden"


@pytest.mark.parametrize("word", ["token_revoked", "account_inactive", "invalid_auth", "token_expired"])
def test_a_token_that_slack_does_not_accept_is_broken(host: Host, connected: str, slack: LocalSlack, word: str) -> None:
    slack.state.faults.set("conversations.list", "error", error=word)
    assert host.channels(connected).conflict == "broken"


def test_other_refusals_come_in_slacks_own_word(host: Host, connected: str, slack: LocalSlack) -> None:
    slack.state.faults.set("conversations.list", "error", error="missing_scope")
    assert host.channels(connected).conflict == "missing_scope"


def test_slack_says_how_long_to_wait(host: Host, connected: str, slack: LocalSlack) -> None:
    slack.state.faults.set("conversations.list", "rate_limited", retry_after=17)
    answer = host.channels(connected)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "17")


@pytest.mark.parametrize("kind", ["html", "server_error", "reset_before", "truncated"])
def test_a_slack_that_fails_is_asked_again_later(host: Host, connected: str, slack: LocalSlack, kind: str) -> None:
    slack.state.faults.set("conversations.list", kind)
    assert host.channels(connected).status == 503
    slack.state.faults.clear()
    assert host.channels(connected).status == 200


@pytest.mark.parametrize("failure", ["down", "unauthorized", "html", "unavailable"])
def test_a_novu_that_fails_is_asked_again_later(host: Host, connected: str, novu: LocalNovu, failure: str) -> None:
    novu.suffer(failure)
    assert host.channels(connected).status == 503


def test_novu_says_how_long_to_wait(host: Host, connected: str, novu: LocalNovu) -> None:
    novu.suffer("rate_limited")
    assert int(host.channels(connected).headers["Retry-After"]) > 0


def test_another_workspace_has_other_channels_at_once(
    host: Host, person: Person, mint: MintLink, slack: LocalSlack
) -> None:
    person.install(mint(identifier="mine"))
    before = {each["id"] for each in host.channels("mine").body["data"]}
    person.install(mint(identifier="mine"), workspace="T0VMBRE11A")
    after = {each["id"] for each in host.channels("mine").body["data"]}
    assert not before & after
