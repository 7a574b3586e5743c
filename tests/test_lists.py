"""The lists of attempts: every attempt stands where it belongs, and leaves when it goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from onboarding.clock import utc_now
from onboarding.ledger.lists import Day, Found, Standing, Wanted
from onboarding.model import Grant, Reason, Secret, Workspace
from onboarding.model.errors import CursorMalformed
from onboarding.wiring import Wiring
from tests.aging import Database, make_due, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalNovu
from tests.person import Person
from tests.test_delivery import attempt_id_of


def find(wiring: Wiring, **wanted: object) -> Found:
    return wiring.ledger.lists.find(Wanted(**wanted))  # type: ignore[arg-type]


def ids(found: Found) -> list[str]:
    return [attempt.id for attempt in found.attempts]


def standings(wiring: Wiring) -> dict[str, int]:
    return {standing.value: number for standing, number in wiring.ledger.lists.counts(list(Standing)).items() if number}


def pages(wiring: Wiring, **wanted: object) -> Iterator[Found]:
    after = None
    while True:
        page = find(wiring, after=after, **wanted)
        yield page
        if page.next is None:
            return
        after = page.next


def start(person: Person, link: str) -> None:
    person.add_to_slack(link)


def total(wiring: Wiring, **wanted: object) -> int | None:
    return wiring.ledger.lists.total(Wanted(**wanted))  # type: ignore[arg-type]


def today(wiring: Wiring) -> Day:
    [day] = wiring.ledger.lists.days(1)
    return day


def test_the_newest_attempt_comes_first(wiring: Wiring, person: Person, mint: MintLink) -> None:
    for name in ("a", "b", "c"):
        start(person, mint(subscriberId=name))
    assert [attempt.link.subscriber_id for attempt in find(wiring).attempts] == ["c", "b", "a"]


def test_pages_hold_every_attempt_once(wiring: Wiring, person: Person, mint: MintLink, ledger_db: Database) -> None:
    for number in range(7):
        start(person, mint(subscriberId=f"s{number}"))
    ledger_db.execute("UPDATE attempt SET started_at = now()")
    seen = [attempt_id for page in pages(wiring, limit=2) for attempt_id in ids(page)]
    assert len(seen) == len(set(seen)) == 7


def test_a_page_goes_on_after_an_attempt_that_is_gone(
    wiring: Wiring, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    for number in range(4):
        start(person, mint(subscriberId=f"s{number}"))
    first = find(wiring, limit=2)
    ledger_db.execute("DELETE FROM attempt WHERE id = %s", [ids(first)[-1]])
    assert [attempt.link.subscriber_id for attempt in find(wiring, after=first.next).attempts] == ["s1", "s0"]


def test_an_attempt_stands_where_it_is_in_its_story(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    start(person, mint())
    assert standings(wiring) == {"started": 1, "pending": 1}
    novu.suffer("down")
    stuck = attempt_id_of(person.open(person.come_back(mint())).location)
    assert standings(wiring) == {"started": 1, "granted": 1, "pending": 2}
    novu.suffer("unauthorized")
    make_due(ledger_db)
    wiring.delivery.deliver(stuck)
    assert standings(wiring) == {"started": 1, "pending": 1, "failed": 1, "waiting": 1}
    assert ids(find(wiring, reason=Reason.NOVU_UNAUTHORIZED)) == [stuck]
    novu.suffer("none")
    wiring.delivery.retry(stuck)
    assert standings(wiring) == {"started": 1, "pending": 1, "connected": 1}
    assert ids(find(wiring, reason=Reason.NOVU_UNAUTHORIZED)) == []


def test_an_attempt_that_nobody_finished_expires(
    wiring: Wiring, person: Person, link: str, ledger_db: Database
) -> None:
    start(person, link)
    wiring.ledger.attempts.expire()
    assert standings(wiring) == {"started": 1, "pending": 1}
    pass_time(ledger_db, timedelta(minutes=10, seconds=1))
    [unnoticed] = find(wiring).attempts
    assert unnoticed.status == "expired"
    wiring.ledger.attempts.expire()
    assert standings(wiring) == {"expired": 1}
    [attempt] = find(wiring, reason=Reason.TIMED_OUT).attempts
    assert attempt.status == "expired"


def test_no_attempt_keeps_others_from_expiring(
    wiring: Wiring, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    """Links could hold a NUL once, which no jsonb can."""
    for name in ("nul", "shared", "garbled", "good"):
        start(person, mint(subscriberId=name, context={"tenant": {"id": "a", "data": {"note": "x"}}}))
    ledger_db.execute(
        r"""UPDATE attempt SET link = replace(link, '"x"', '"\u0000\\u0000"') WHERE subscriber_id <> 'good'"""
    )
    ledger_db.execute(
        "UPDATE attempt SET link = replace(link, '\"subscriber\"', '\"shared\"') WHERE subscriber_id = 'shared'"
    )
    ledger_db.execute("UPDATE attempt SET link = link || '}' WHERE subscriber_id = 'garbled'")
    pass_time(ledger_db, timedelta(minutes=10, seconds=1))
    assert wiring.ledger.attempts.expire() == 4
    told = ledger_db.execute(
        "SELECT data ->> 'subscriberId' AS who FROM event WHERE type = 'attempt.expired'"
    ).fetchall()
    assert sorted(str(row["who"]) for row in told) == ["None", "None", "good", "nul"]


def test_an_attempt_that_expired_while_slack_was_asked_still_keeps_its_grant(
    wiring: Wiring, person: Person, link: str, ledger_db: Database
) -> None:
    start(person, link)
    pass_time(ledger_db, timedelta(minutes=10, seconds=1))
    wiring.ledger.attempts.expire()
    [attempt] = find(wiring).attempts
    grant = Grant(Workspace("T1", "Acme"), Secret("xoxb"), frozenset(), utc_now())
    assert wiring.ledger.grants.keep(attempt.id, grant, "sealed", "lease", timedelta(0))
    assert standings(wiring) == {"granted": 1, "pending": 1}
    # Ten minutes ago it may have been yesterday.
    [day] = [day for day in wiring.ledger.lists.days(2) if day.started]
    assert (day.started, day.granted, dict(day.lost)) == (1, 1, {})


def test_who_is_connected_by_somebody_elses_approval_was_allowed_too(wiring: Wiring, person: Person, link: str) -> None:
    person.install(link, outcome="not_permitted")
    person.install(link)
    assert (today(wiring).started, today(wiring).granted, today(wiring).connected) == (2, 2, 2)


def test_an_approval_that_nobody_gave_expires_with_its_link(
    wiring: Wiring, person: Person, link: str, ledger_db: Database
) -> None:
    person.install(link, outcome="not_permitted")
    assert standings(wiring) == {"awaiting_approval": 1}
    pass_time(ledger_db, timedelta(days=7))
    wiring.ledger.attempts.expire()
    assert standings(wiring) == {"expired": 1}
    [attempt] = find(wiring, reason=Reason.APPROVAL_NOT_GIVEN).attempts
    assert attempt.timeline[-1].name == "expired"
    assert wiring.ledger.attempts.forget() == 0


def test_a_kept_grant_waits_until_it_is_gone(
    wiring: Wiring, person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("unauthorized")
    person.install(link)
    assert standings(wiring) == {"failed": 1, "waiting": 1}
    pass_time(ledger_db, timedelta(days=6, hours=23))
    assert wiring.ledger.attempts.erase_grants() == 0
    pass_time(ledger_db, timedelta(hours=2))
    assert wiring.ledger.attempts.erase_grants() == 1
    assert standings(wiring) == {"failed": 1}


def test_an_attempt_leaves_every_list_when_its_time_is_over(
    wiring: Wiring, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    person.install(mint(context={"tenant": "org-1"}))
    pass_time(ledger_db, timedelta(days=31))
    assert standings(wiring) == {}
    assert total(wiring) == 0
    assert ids(find(wiring)) == ids(find(wiring, context="tenant:org-1")) == []


def test_what_is_open_expires_before_it_is_forgotten_however_late(
    wiring: Wiring, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    """No worker was there for a long time, and the host is to hear of it all the same."""
    start(person, mint())
    person.open(person.come_back(mint(), outcome="not_permitted"))
    pass_time(ledger_db, timedelta(days=400))
    assert wiring.ledger.attempts.forget() == 0
    assert wiring.ledger.attempts.expire() == 2
    assert wiring.ledger.attempts.forget() == 1
    assert ids(find(wiring)) == []
    assert ledger_db.execute("SELECT FROM event WHERE type = 'attempt.expired'").rowcount == 2


def test_an_approval_that_comes_after_its_link_has_expired_is_not_the_awaited_one(
    wiring: Wiring, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    person.install(mint(timedelta(hours=1)), outcome="not_permitted")
    pass_time(ledger_db, timedelta(hours=2))
    person.install(mint())
    wiring.ledger.attempts.expire()
    assert standings(wiring) == {"connected": 1, "expired": 1}


def test_what_is_on_its_way_is_never_forgotten(
    wiring: Wiring, person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("down")
    person.install(link)
    pass_time(ledger_db, timedelta(days=400))
    assert wiring.ledger.attempts.forget() == 0
    assert standings(wiring) == {"granted": 1, "pending": 1}


def test_filters_work_alone_and_together(wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu) -> None:
    person.install(mint())
    novu.suffer("unauthorized")
    person.install(mint(context={"tenant": "org-1"}))
    failed = {"standing": Standing.FAILED}
    assert len(ids(find(wiring, subscriber_id="subscriber-123"))) == 2
    assert len(ids(find(wiring, subscriber_id="subscriber-123", **failed))) == 1
    assert len(ids(find(wiring, context="tenant:org-1"))) == 1
    assert len(ids(find(wiring, workspace_id="T9TK3CUKW", integration="slack-prod"))) == 2
    assert ids(find(wiring, subscriber_id="nobody", **failed)) == []
    assert ids(find(wiring, since=utc_now() + timedelta(hours=1))) == []
    assert len(ids(find(wiring, until=utc_now() + timedelta(hours=1), since=utc_now() - timedelta(hours=1)))) == 2
    assert ids(find(wiring, until=utc_now() - timedelta(hours=1))) == []


def test_totals_are_counted(wiring: Wiring, person: Person, mint: MintLink) -> None:
    for number in range(3):
        start(person, mint(subscriberId=f"s{number}"))
    assert total(wiring) == 3
    assert total(wiring, standing=Standing.STARTED) == 3
    assert total(wiring, standing=Standing.STARTED, subscriber_id="s1") == 1
    assert total(wiring, subscriber_id="nobody\0") == 0


def test_nobody_counts_more_than_a_thousand(wiring: Wiring, person: Person, link: str, ledger_db: Database) -> None:
    start(person, link)
    columns = "status, browser, link_id, link, is_short, link_expires_at, owner, integration, subscriber_id"
    rest = "context_keys, started_at, timeline, forget_at"
    ledger_db.execute(
        f"INSERT INTO attempt (id, {columns}, {rest}) SELECT n::text, {columns}, {rest}"
        " FROM attempt, generate_series(1, 1000) n"
    )
    assert total(wiring, subscriber_id="subscriber-123") is None
    assert total(wiring) == 1001


@pytest.mark.parametrize("cursor", ["", "x", "1.2", "*", "1." + "a" * 23, "9" * 40 + "." + "a" * 22, "1.\n" + "a" * 21])
def test_cursors_that_are_not_ours_are_refused(wiring: Wiring, cursor: str) -> None:
    with pytest.raises(CursorMalformed):
        find(wiring, after=cursor)


@pytest.mark.parametrize("text", ["acme", "ACME I", "inc", "subscriber-123", "Subscr", "T9TK3CUKW", "t9tk3cukw", "hq"])
def test_a_search_finds_by_word_name_and_id(wiring: Wiring, person: Person, link: str, text: str) -> None:
    person.install(link)
    assert {match.kind for match in wiring.ledger.lists.search(text)} & {"subscriber", "workspace"}


@pytest.mark.parametrize("text", ["*", "acm?", "[", "\\", "cme", "<b>", "\0", "x" * 10_000, "all", "é"])
def test_a_search_takes_every_character_for_itself(wiring: Wiring, person: Person, link: str, text: str) -> None:
    person.install(link)
    assert wiring.ledger.lists.search(text) == []


def test_a_search_forgets_names_whose_attempts_are_gone(
    wiring: Wiring, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    person.install(mint())
    pass_time(ledger_db, timedelta(days=31))
    person.add_to_slack(mint(subscriberId="somebody-else", account="Acme Ltd."))
    assert [match.value for match in wiring.ledger.lists.search("acme")] == ["somebody-else"]


def test_each_day_counts_what_became_of_its_attempts(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu
) -> None:
    start(person, mint())
    person.install(mint(), decision="cancel")
    person.install(mint())
    novu.suffer("unauthorized")
    failed = attempt_id_of(person.open(person.come_back(mint())).location)
    before, day = wiring.ledger.lists.days(2)
    assert (before.started, day.started, day.returned, day.granted, day.connected) == (0, 4, 3, 2, 1)
    assert day.lost == {Reason.DENIED_BY_PERSON: 1, Reason.NOVU_UNAUTHORIZED: 1}
    novu.suffer("none")
    wiring.delivery.retry(failed)
    day = today(wiring)
    assert (day.granted, day.connected, dict(day.lost)) == (2, 2, {Reason.DENIED_BY_PERSON: 1})


def test_numbers_stay_the_same_when_they_are_added_up(
    wiring: Wiring, person: Person, mint: MintLink, ledger_db: Database
) -> None:
    person.install(mint())
    person.install(mint(), decision="cancel")
    before = standings(wiring), today(wiring)
    wiring.ledger.lists.fold_tally()
    wiring.ledger.lists.fold_tally()
    assert (standings(wiring), today(wiring)) == before
    names = [(row["day"], row["until"], row["name"]) for row in ledger_db.execute("SELECT * FROM tally_mark")]
    assert len(names) == len(set(names))


def test_a_day_keeps_its_numbers_when_its_attempts_are_gone(
    wiring: Wiring, person: Person, link: str, ledger_db: Database
) -> None:
    person.install(link)
    ledger_db.execute("UPDATE attempt SET forget_at = now() - interval '1 day'")
    wiring.ledger.lists.fold_tally()
    assert standings(wiring) == {}
    assert (today(wiring).started, today(wiring).connected) == (1, 1)
    ledger_db.execute("UPDATE tally_mark SET day = day - 41")
    wiring.ledger.lists.fold_tally()
    assert [row["name"] for row in ledger_db.execute("SELECT * FROM tally_mark")] == ["connection:working"]


def test_the_days_end_today(wiring: Wiring) -> None:
    days = wiring.ledger.lists.days(30)
    assert [day.date for day in days] == [utc_now().date() - timedelta(days=back) for back in range(29, -1, -1)]
    assert isinstance(days[0].date, date)


def test_a_newer_connection_settles_what_failed_before(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("unauthorized")
    failed = attempt_id_of(person.open(person.come_back(mint())).location)
    novu.suffer("none")
    person.install(mint())
    assert standings(wiring) == {"connected": 1, "failed": 1}
    attempt = wiring.ledger.attempts.get(failed)
    assert attempt
    assert attempt.reason is Reason.SUPERSEDED
    assert ids(find(wiring, reason=Reason.SUPERSEDED)) == [failed]
    assert ids(find(wiring, reason=Reason.NOVU_UNAUTHORIZED)) == []
    assert ledger_db.execute("SELECT id FROM attempt WHERE sealed IS NOT NULL").fetchall() == []
    day = today(wiring)
    assert day.lost == {Reason.SUPERSEDED: 1}


def test_an_older_connection_does_not_settle_what_is_newer(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu
) -> None:
    novu.suffer("unauthorized")
    older = attempt_id_of(person.open(person.come_back(mint())).location)
    newer = attempt_id_of(person.open(person.come_back(mint())).location)
    novu.suffer("none")
    wiring.delivery.retry(older)
    assert standings(wiring) == {"connected": 1, "failed": 1, "waiting": 1}
    assert wiring.delivery.retry(newer).status == "connected"
