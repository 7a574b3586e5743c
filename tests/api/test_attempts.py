"""The list of attempts: who finds what in it, page after page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding.wiring import Wiring
from tests.aging import Database, pass_time
from tests.api.host import Host
from tests.conftest import MintLink
from tests.fakes import LocalNovu
from tests.person import Person


def ids(host: Host, **query: object) -> list[str]:
    answer = host.get("/v1/attempts", **query)
    assert answer.status == 200, answer.body
    return [attempt["id"] for attempt in answer.body["data"]]


def start(person: Person, mint: MintLink, number: int) -> None:
    for each in range(number):
        person.add_to_slack(mint(subscriberId=f"s{each}"))


def test_there_is_nothing_at_first(host: Host) -> None:
    assert host.get("/v1/attempts").body == {"data": [], "next": None}


def test_pages_lead_from_one_to_the_next(host: Host, person: Person, mint: MintLink) -> None:
    start(person, mint, 5)
    every = ids(host)
    seen, after = [], ""
    while after is not None:
        page = host.get("/v1/attempts", limit=2, after=after).body
        assert len(page["data"]) <= 2
        seen += [attempt["id"] for attempt in page["data"]]
        after = page["next"]
    assert seen == every
    assert len(set(seen)) == 5


def test_the_newest_comes_first(host: Host, person: Person, mint: MintLink) -> None:
    start(person, mint, 3)
    assert [ids(host, subscriberId=f"s{number}")[0] for number in (2, 1, 0)] == ids(host)


def test_a_page_holds_fifty_unless_asked(host: Host, person: Person, mint: MintLink) -> None:
    start(person, mint, 51)
    assert len(ids(host)) == len(ids(host, limit="")) == 50
    assert len(ids(host, limit=100)) == 51
    assert len(ids(host, limit=1)) == 1


def test_attempts_are_found_by_their_status(host: Host, person: Person, mint: MintLink, novu: LocalNovu) -> None:
    person.add_to_slack(mint())
    person.install(mint())
    person.install(mint(context={"tenant": "org-1"}), outcome="not_permitted")
    person.install(mint(), decision="cancel")
    novu.suffer("unauthorized")
    person.install(mint())
    novu.suffer("down")
    person.install(mint())
    granted, failed, cancelled, awaiting, connected, started = ids(host)
    for status, found in {
        "started": [started],
        "granted": [granted],
        "pending": [granted, started],
        "connected": [connected],
        "awaiting_approval": [awaiting],
        "cancelled": [cancelled],
        "failed": [failed],
        "expired": [],
        "": [granted, failed, cancelled, awaiting, connected, started],
    }.items():
        assert ids(host, status=status) == found, status


def test_attempts_are_found_by_subscriber(host: Host, person: Person, mint: MintLink) -> None:
    start(person, mint, 3)
    [found] = ids(host, subscriberId="s1")
    assert ids(host, subscriberId="s1", status="pending") == [found]
    assert ids(host, subscriberId="s1", status="connected") == []
    for nobody in ("s", "*", "nobody", "x" * 1000, "\0", "s1\0", "é", "all"):
        assert ids(host, subscriberId=nobody) == []


@pytest.mark.parametrize("same", [" s1", "s1\n", "\u3000s1\t "])
def test_white_space_at_the_ends_makes_no_other_subscriber(
    host: Host, person: Person, mint: MintLink, same: str
) -> None:
    start(person, mint, 2)
    assert ids(host, subscriberId=same) == ids(host, subscriberId="s1") != []


@pytest.mark.parametrize("nothing", ["", " ", "\t\n"])
def test_an_empty_subscriber_counts_as_not_given(host: Host, person: Person, mint: MintLink, nothing: str) -> None:
    start(person, mint, 2)
    assert len(ids(host, subscriberId=nothing)) == 2


def test_what_has_just_expired_is_found_as_such_without_a_worker(
    host: Host, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    person.add_to_slack(mint())
    person.install(mint(timedelta(hours=1)), outcome="not_permitted")
    assert len(ids(host, status="pending")) == len(ids(host, status="awaiting_approval")) == 1
    assert ids(host, status="expired") == []
    pass_time(ledger_db, timedelta(minutes=11))
    assert ids(host, status="pending") == ids(host, status="started") == []
    assert len(ids(host, status="expired")) == 1
    pass_time(ledger_db, timedelta(hours=1))
    assert ids(host, status="awaiting_approval") == []
    assert len(ids(host, status="expired")) == 2


def test_what_another_process_is_just_noting_is_not_shown_as_pending(
    host: Host, person: Person, mint: MintLink, ledger_db: Database, wiring: Wiring
) -> None:
    start(person, mint, 3)
    pass_time(ledger_db, timedelta(minutes=11))
    with ledger_db.transaction():
        ledger_db.execute("SELECT FROM attempt FOR UPDATE")
        assert wiring.ledger.attempts.expire() == 0
        assert ids(host, status="pending") == []


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("status=gone", ["status"]),
        ("status=waiting", ["status"]),
        ("status=Pending", ["status"]),
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=1.0", ["limit"]),
        ("limit=١", ["limit"]),
        ("limit=1%0A", ["limit"]),
        ("limit=" + "9" * 5000, ["limit"]),
        ("after=x", ["after"]),
        ("after=1.%00", ["after"]),
        ("after=1." + "a" * 22 + "%0A", ["after"]),
        ("after=" + "9" * 18 + "." + "a" * 22, ["after"]),
        ("after=%20", ["after"]),
        ("status=failed&status=failed", ["status"]),
        ("status=&status=", ["status"]),
        ("subscriberId=a&subscriberId=b", ["subscriberId"]),
        ("Status=failed", ["Status"]),
        ("offset=3", ["offset"]),
        ("limit=x&status=y&order=z", ["order", "status", "limit"]),
    ],
)
def test_a_question_that_makes_no_sense_is_named(host: Host, query: str, fields: list[str]) -> None:
    assert host.get(f"/v1/attempts?{query}").broken == fields


def test_a_page_goes_on_from_any_place_that_could_be(host: Host, person: Person, mint: MintLink) -> None:
    start(person, mint, 2)
    assert ids(host, after="0." + "a" * 22) == []
    assert len(ids(host, after="9" * 17 + "." + "a" * 22)) == 2
