"""The lists of attempts: every attempt stands where it belongs, and leaves when it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis
import time_machine
from flask import Flask

from onboarding.ledger import Found, Standing, Wanted
from onboarding.model import Reason, utc_now
from onboarding.model.errors import CursorMalformed
from onboarding.wiring import Wiring
from tests.conftest import MintLink
from tests.person import Person
from tests.stand_ins import LocalNovu
from tests.test_delivery import attempt_id_of, make_due


def find(wiring: Wiring, **wanted: object) -> Found:
    return wiring.lists.find(Wanted(**wanted), wiring.clock())  # type: ignore[arg-type]


def ids(found: Found) -> list[str]:
    return [attempt.id for attempt in found.attempts]


def standings(wiring: Wiring) -> dict[str, int]:
    return {standing.value: number for standing, number in wiring.lists.counts(list(Standing)).items() if number}


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


def pass_time(store: redis.Redis) -> None:
    """Let everything be due that would be in a while."""
    for attempt_id in store.zrange("onboarding:due", 0, -1):
        store.zadd("onboarding:due", {str(attempt_id): 0})


def test_the_newest_attempt_comes_first(wiring: Wiring, person: Person, mint: MintLink) -> None:
    for name in ("a", "b", "c"):
        start(person, mint(subscriberId=name))
    assert [attempt.link.subscriber_id for attempt in find(wiring).attempts] == ["c", "b", "a"]


def test_pages_hold_every_attempt_once(wiring: Wiring, person: Person, mint: MintLink) -> None:
    with time_machine.travel(utc_now(), tick=False):
        for number in range(7):
            start(person, mint(subscriberId=f"s{number}"))
    seen = [attempt_id for page in pages(wiring, limit=2) for attempt_id in ids(page)]
    assert len(seen) == len(set(seen)) == 7


def test_a_page_goes_on_after_an_attempt_that_is_gone(
    wiring: Wiring, person: Person, mint: MintLink, store: redis.Redis
) -> None:
    for number in range(4):
        start(person, mint(subscriberId=f"s{number}"))
    first = find(wiring, limit=2)
    store.zrem("onboarding:list:all", ids(first)[-1])
    assert [attempt.link.subscriber_id for attempt in find(wiring, after=first.next).attempts] == ["s1", "s0"]


def test_an_attempt_stands_where_it_is_in_its_story(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu, store: redis.Redis
) -> None:
    start(person, mint())
    assert standings(wiring) == {"started": 1, "pending": 1}
    novu.suffer("down")
    stuck = attempt_id_of(person.open(person.come_back(mint())).location)
    assert standings(wiring) == {"started": 1, "granted": 1, "pending": 2}
    novu.suffer("unauthorized")
    make_due(store)
    wiring.delivery.deliver(stuck)
    assert standings(wiring) == {"started": 1, "pending": 1, "failed": 1, "waiting": 1}
    assert ids(find(wiring, reason=Reason.NOVU_UNAUTHORIZED)) == [stuck]
    novu.suffer("none")
    wiring.delivery.retry(stuck)
    assert standings(wiring) == {"started": 1, "pending": 1, "connected": 1}
    assert ids(find(wiring, reason=Reason.NOVU_UNAUTHORIZED)) == []


def test_an_attempt_that_nobody_finished_expires(wiring: Wiring, person: Person, link: str, store: redis.Redis) -> None:
    start(person, link)
    wiring.lists.lapse()
    assert standings(wiring) == {"started": 1, "pending": 1}
    pass_time(store)
    wiring.lists.lapse()
    assert standings(wiring) == {"expired": 1}
    with time_machine.travel(utc_now() + timedelta(minutes=11)):
        [attempt] = find(wiring, reason=Reason.TIMED_OUT).attempts
    assert attempt.status == "expired"


def test_an_attempt_that_lapsed_can_still_be_connected(
    wiring: Wiring, person: Person, link: str, store: redis.Redis
) -> None:
    back = person.come_back(link)
    pass_time(store)
    wiring.lists.lapse()
    person.open(back)
    assert standings(wiring) == {"connected": 1}
    [day] = wiring.lists.days(utc_now().date(), 1)
    assert (day.started, day.connected, dict(day.lost)) == (1, 1, {})


def test_a_kept_grant_waits_until_it_is_gone(
    wiring: Wiring, person: Person, link: str, novu: LocalNovu, store: redis.Redis
) -> None:
    novu.suffer("unauthorized")
    person.install(link)
    assert standings(wiring) == {"failed": 1, "waiting": 1}
    store.delete(*store.scan_iter("onboarding:grant:*"))
    pass_time(store)
    wiring.lists.lapse()
    assert standings(wiring) == {"failed": 1}


def test_an_attempt_leaves_every_list_before_its_record_does(
    wiring: Wiring, person: Person, link: str, novu: LocalNovu, store: redis.Redis
) -> None:
    novu.suffer("unauthorized")
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    store.expire(f"onboarding:attempt:{attempt_id}", 30)
    pass_time(store)
    wiring.lists.lapse()
    assert list(store.scan_iter("onboarding:list:*")) == []
    assert store.zcard("onboarding:due") == 0


def test_an_attempt_whose_record_went_first_leaves_the_lists_too(
    wiring: Wiring, person: Person, link: str, store: redis.Redis
) -> None:
    person.install(link)
    store.delete(*store.scan_iter("onboarding:attempt:*"))
    assert ids(find(wiring)) == []
    pass_time(store)
    wiring.lists.lapse()
    assert standings(wiring) == {}
    assert find(wiring).total == 0


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


def test_totals_are_known_where_one_list_says_it_all(wiring: Wiring, person: Person, mint: MintLink) -> None:
    for number in range(3):
        start(person, mint(subscriberId=f"s{number}"))
    assert find(wiring, limit=1).total == 3
    assert find(wiring, limit=1, standing=Standing.STARTED, subscriber_id="s1").total is None


@pytest.mark.parametrize("cursor", ["", "x", "1.2", "*", "1." + "a" * 23, "9" * 40 + "." + "a" * 22, "1.\n" + "a" * 21])
def test_cursors_that_are_not_ours_are_refused(wiring: Wiring, cursor: str) -> None:
    with pytest.raises(CursorMalformed):
        find(wiring, after=cursor)


@pytest.mark.parametrize("text", ["acme", "ACME I", "inc", "subscriber-123", "Subscr", "T9TK3CUKW", "t9tk3cukw", "hq"])
def test_a_search_finds_by_word_name_and_id(wiring: Wiring, person: Person, link: str, text: str) -> None:
    person.install(link)
    assert {match.kind for match in wiring.lists.search(text, utc_now())} & {"subscriber", "workspace"}


@pytest.mark.parametrize("text", ["*", "acm?", "[", "\\", "cme", "<b>", "\0", "x" * 10_000, "all", "é"])
def test_a_search_takes_every_character_for_itself(wiring: Wiring, person: Person, link: str, text: str) -> None:
    person.install(link)
    assert wiring.lists.search(text, utc_now()) == []


def test_a_search_forgets_names_whose_attempts_are_gone(
    wiring: Wiring, person: Person, link: str, store: redis.Redis
) -> None:
    person.install(link)
    store.delete(*store.scan_iter("onboarding:list:*"))
    assert wiring.lists.search("acme", utc_now()) == []


def test_a_name_is_found_for_as_long_as_its_attempts_are_kept(
    wiring: Wiring, person: Person, link: str, store: redis.Redis
) -> None:
    person.install(link)
    [terms] = store.scan_iter("onboarding:terms:*")
    assert store.ttl(terms) > 2 * 30 * 86_400
    with time_machine.travel(utc_now() + timedelta(days=31)):
        assert wiring.lists.search("acme", utc_now())


def test_each_day_counts_what_became_of_its_attempts(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu
) -> None:
    start(person, mint())
    person.install(mint(), decision="cancel")
    person.install(mint())
    novu.suffer("unauthorized")
    failed = attempt_id_of(person.open(person.come_back(mint())).location)
    before, day = wiring.lists.days(utc_now().date(), 2)
    assert (before.started, day.started, day.returned, day.granted, day.connected) == (0, 4, 3, 2, 1)
    assert day.lost == {Reason.DENIED_BY_PERSON: 1, Reason.NOVU_UNAUTHORIZED: 1}
    novu.suffer("none")
    wiring.delivery.retry(failed)
    [day] = wiring.lists.days(utc_now().date(), 1)
    assert (day.granted, day.connected, dict(day.lost)) == (2, 2, {Reason.DENIED_BY_PERSON: 1})


def test_a_list_forgets_a_record_that_went_before_anybody_noticed(
    wiring: Wiring, person: Person, link: str, store: redis.Redis
) -> None:
    person.install(link)
    store.delete(*store.scan_iter("onboarding:attempt:*"))
    assert find(wiring, subscriber_id="subscriber-123").attempts == ()
    assert find(wiring, subscriber_id="subscriber-123").total == 0


def test_a_new_attempt_does_not_push_out_those_that_are_kept_for_long(
    make_app: Callable[..., Flask], person: Person, link: str
) -> None:
    app = make_app(ATTEMPT_RETENTION=str(90 * 86_400))
    wiring: Wiring = app.extensions["onboarding"]
    person.move_to(app)
    with time_machine.travel(utc_now() - timedelta(days=45)):
        person.install(wiring.minting.url(wiring.minting.mint({"subscriberId": "subscriber-123"}, None))[21:])
    person.add_to_slack(link)
    assert len(ids(find(wiring, subscriber_id="subscriber-123"))) == 2


def test_a_newer_connection_settles_what_failed_before(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu, store: redis.Redis
) -> None:
    novu.suffer("unauthorized")
    failed = attempt_id_of(person.open(person.come_back(mint())).location)
    novu.suffer("none")
    person.install(mint())
    assert standings(wiring) == {"connected": 1, "failed": 1}
    attempt = wiring.attempts.get(failed, utc_now())
    assert attempt
    assert attempt.reason is Reason.SUPERSEDED
    assert ids(find(wiring, reason=Reason.SUPERSEDED)) == [failed]
    assert ids(find(wiring, reason=Reason.NOVU_UNAUTHORIZED)) == []
    assert list(store.scan_iter("onboarding:grant:*")) == []
    [day] = wiring.lists.days(utc_now().date(), 1)
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
