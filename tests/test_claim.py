"""Grants without a link: claimed once, delivered in their place, kept for seven days, and let go without harm."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import redis
import requests
from flask import Flask

from onboarding.flows import claim as claiming
from onboarding.ledger.work import Kind
from onboarding.model import GRANT_KEPT, Secret
from onboarding.model.errors import LinkRevoked, NotClaimable, OtherBrowser, StoreUnavailable
from onboarding.wiring import Wiring
from onboarding.worker import kinds
from tests.aging import Database, make_due, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person, path_of, state_of
from tests.postgres import Server
from tests.test_delivery import until, worker
from tests.test_disconnect import background
from tests.web.test_direct_install import START, add, claim
from tests.witness import Witness

LATER = GRANT_KEPT + timedelta(minutes=1)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(DIRECT_INSTALL="1")


@pytest.fixture
def place(person: Person, slack: LocalSlack, witness: Witness) -> str:
    """The page of an attempt that nobody has claimed yet."""
    return add(person, slack, witness)


def id_of(place: str) -> str:
    return place.rsplit("/", 1)[1]


def browser_of(person: Person, place: str) -> Secret:
    return next(Secret(value) for name, value in person.cookies.items() if name.endswith(id_of(place)))


def attempt(ledger_db: Database, place: str) -> dict[str, object]:
    [row] = ledger_db.execute("SELECT * FROM attempt WHERE id = %s", [id_of(place)]).fetchall()
    return dict(row)


def status(person: Person, place: str) -> str:
    found: list[str] = re.findall(r'"(?:status|reason)":"?(\w+)', person.open(f"{place}/status").source)
    return " ".join(sorted(found))


def events(ledger_db: Database) -> list[str]:
    return [row["type"] for row in ledger_db.execute("SELECT type FROM event ORDER BY at")]


def let_workers_go_on(wiring: Wiring, ledger_db: Database) -> list[str]:
    """Everything that is due to be revoked is tried once. Gives what stood in the way."""
    wiring.ledger.attempts.expire()
    jobs = wiring.ledger.work.take({Kind.REVOKE: 9}, 9)
    obstacles = [wiring.claims.let_go(job.subject) for job in jobs]
    for job, obstacle in zip(jobs, obstacles, strict=True):
        if obstacle:
            wiring.ledger.work.later(job, obstacle)
        else:
            wiring.ledger.work.done(job)
    return obstacles


def claimed(claim_it: Callable[[], None]) -> bool:
    """Whether this claim won. Twenty at once are more than the pool has connections for: those ask again."""
    for _ in range(50):
        with suppress(StoreUnavailable):
            try:
                claim_it()
            except NotClaimable:
                return False
            return True
    raise AssertionError("the ledger never answered")


def works(slack: LocalSlack, number: int = 0) -> bool:
    """Whether Slack still takes the token of its nth grant."""
    headers = {"Authorization": f"Bearer {slack.state.grants[number].token}"}
    return bool(requests.post(f"{slack.url}/api/auth.test", headers=headers, timeout=5).json()["ok"])


# Claimed once.


def test_of_twenty_claims_at_once_exactly_one_wins(
    person: Person, place: str, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    for number in range(20):
        novu.state.environment.add_subscriber(f"s-{number}")
    links = [wiring.links.mint({"subscriberId": f"s-{number}"}, None, wiring.clock()) for number in range(20)]
    browser = browser_of(person, place)

    def one(number: int) -> bool:
        return claimed(lambda: wiring.claims.claim(links[number], id_of(place), browser))

    with ThreadPoolExecutor(20) as pool:
        won = list(pool.map(one, range(20)))
    assert won.count(True) == 1
    [connection] = novu.state.connections
    assert connection.subscriber_id == f"s-{won.index(True)}"
    assert attempt(ledger_db, place)["owner"] == links[won.index(True)].owner.identifier


def test_of_twenty_that_saw_it_unclaimed_one_changes_it(
    person: Person, place: str, link: str, wiring: Wiring, ledger_db: Database
) -> None:
    opened = wiring.minting.open(link.removeprefix("/install/"))

    def one(_: int) -> bool:
        for _ in range(50):
            with suppress(StoreUnavailable):
                return wiring.ledger.unclaimed.claim(id_of(place), opened, "claimed", timedelta(seconds=25))
        raise AssertionError("the ledger never answered")

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(one, range(20))).count(True) == 1
    names = [name for _, name, _ in attempt(ledger_db, place)["timeline"]]  # type: ignore[attr-defined]
    assert names.count("claimed") == 1


def test_only_the_browser_that_brought_it_claims(person: Person, place: str, link: str, wiring: Wiring) -> None:
    opened = wiring.minting.open(link.removeprefix("/install/"))
    for other in (None, Secret(""), Secret("x" * 43)):
        with pytest.raises(OtherBrowser):
            wiring.claims.claim(opened, id_of(place), other)
    assert status(person, place) == "null unclaimed"


def test_a_claimed_grant_is_an_ordinary_one(
    person: Person, place: str, link: str, wiring: Wiring, ledger_db: Database
) -> None:
    claim(person, link, place)
    row, opened = attempt(ledger_db, place), wiring.minting.open(link.removeprefix("/install/"))
    assert (row["status"], row["sealed"], row["subscriber_id"]) == ("connected", None, "subscriber-123")
    assert row["link_id"] == opened.id
    names = [name for _, name, _ in row["timeline"]]  # type: ignore[attr-defined]
    assert names == ["started", "returned", "unclaimed", "claimed", "connected"]
    assert events(ledger_db) == ["connection.connected"]
    [found] = wiring.ledger.lists.search("Acme Inc")
    assert (found.kind, found.value) == ("subscriber", "subscriber-123")
    assert ledger_db.execute("SELECT FROM work WHERE kind IN ('deliver', 'revoke')").fetchall() == []


def test_a_claim_with_contexts_is_found_by_them(
    person: Person, place: str, mint: MintLink, ledger_db: Database
) -> None:
    claim(person, mint(context={"tenant": "org-1", "region": "eu"}), place)
    rows = ledger_db.execute("SELECT context FROM attempt_context WHERE attempt_id = %s ORDER BY 1", [id_of(place)])
    assert [row["context"] for row in rows] == ["region:eu", "tenant:org-1"]


# Its place among other grants.


def test_an_owner_connected_since_slacks_yes_stays_as_they_are(
    person: Person, place: str, link: str, novu: LocalNovu, witness: Witness
) -> None:
    person.install(link, workspace="T0OTHER00")
    assert person.open(link).heading.startswith("Acme Inc. is connected to")
    assert claim(person, link, place).status == 303
    assert status(person, place) == "failed superseded"
    assert [connection.workspace["id"] for connection in novu.state.connections] == ["T0OTHER00"]


def test_an_owner_connected_before_moves_to_what_was_approved_last(
    person: Person, link: str, slack: LocalSlack, novu: LocalNovu, witness: Witness
) -> None:
    person.install(link, workspace="T0OTHER00")
    place = add(person, slack, witness)
    page = person.open(link)
    assert page.heading == "Connect Acme HQ to Acme Inc.?"
    assert "takes its place" in page.text
    claim(person, link, place)
    assert status(person, place) == "connected null"
    assert [connection.workspace["id"] for connection in novu.state.connections] == ["T9TK3CUKW"]


# What breaks in between.


def test_a_worker_delivers_a_claim_that_the_request_could_not(
    env: dict[str, str], tmp_path: Path, person: Person, place: str, link: str, novu: LocalNovu
) -> None:
    novu.suffer("down")
    assert claim(person, link, place).status == 303
    assert status(person, place) == "null pending"
    novu.suffer("none")
    with worker(env, tmp_path / "log"):
        until(lambda: status(person, place) == "connected null", 15)
    assert len(novu.state.connections) == 1


def test_a_claim_whose_process_dies_before_it_delivers_is_delivered_by_a_worker(
    person: Person, place: str, link: str, wiring: Wiring, novu: LocalNovu, ledger_db: Database
) -> None:
    opened = wiring.minting.open(link.removeprefix("/install/"))
    assert wiring.ledger.unclaimed.claim(id_of(place), opened, "claimed", timedelta(seconds=25))
    pass_time(ledger_db, timedelta(seconds=26))
    [job] = wiring.ledger.work.take({Kind.DELIVER: 9}, 9)
    assert wiring.delivery.deliver(job.subject)
    assert status(person, place) == "connected null"
    assert len(novu.state.connections) == 1


def test_redis_wiped_in_between_costs_nothing(person: Person, place: str, link: str, store: redis.Redis) -> None:
    store.flushall()
    assert person.open(link).heading == "Connect Acme HQ to Acme Inc.?"
    claim(person, link, place)
    assert status(person, place) == "connected null"


def test_redis_wiped_on_slacks_page_costs_a_click(
    person: Person, link: str, slack: LocalSlack, store: redis.Redis, witness: Witness
) -> None:
    url = person.open(START).location
    store.flushall()
    assert person.open(path_of(slack.answer(url))).status == 410
    assert add(person, slack, witness)


def test_without_postgres_after_slacks_yes_the_page_says_that_it_is_lost(
    make_app: Callable[..., Flask], private_postgres: Server, slack: LocalSlack, witness: Witness
) -> None:
    somebody = Person(make_app(DIRECT_INSTALL="1", DATABASE_URL=private_postgres.url), slack, witness)
    url = somebody.open(START).location
    witness.secrets.add(state_of(url))
    back = path_of(slack.answer(url, outcome="slow"))
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(somebody.open, back)
        until(lambda: slack.state.redeem_count, 5)
        private_postgres.stop()
        page = coming.result(30)
    assert page.status == 303
    told = somebody.open(page.location)
    assert told.heading == "We could not finish"
    assert told.link("Start again") == "/"


# A token that died before it was claimed.


@pytest.fixture(params=["86400", "0"])
def at_interval(request: pytest.FixtureRequest, make_app: Callable[..., Flask], person: Person, place: str) -> Wiring:
    """Checked every day, or never."""
    app = make_app(DIRECT_INSTALL="1", CHECK_INTERVAL=request.param)
    person.move_to(app)
    wiring: Wiring = app.extensions["onboarding"]
    return wiring


def revoke(slack: LocalSlack) -> None:
    headers = {"Authorization": f"Bearer {slack.state.grants[0].token}"}
    assert requests.post(f"{slack.url}/api/auth.revoke", headers=headers, timeout=5).json()["revoked"]


def check_what_is_due(wiring: Wiring, ledger_db: Database, within: timedelta) -> list[str]:
    """What a worker checks if it waits that long. Gives how the connections stand then."""
    ledger_db.execute("UPDATE work SET due_at = due_at - %s WHERE kind = 'check'", [within])
    for job in wiring.ledger.work.take({Kind.CHECK: 9}, 9):
        if after := kinds(background(wiring))[Kind.CHECK](job):
            wiring.ledger.work.again(job, after)
    return [row["state"] for row in ledger_db.execute("SELECT state FROM connection")]


def test_a_token_that_died_before_the_claim_is_found_out_at_once(
    at_interval: Wiring, person: Person, place: str, link: str, slack: LocalSlack, ledger_db: Database
) -> None:
    revoke(slack)
    claim(person, link, place)
    assert check_what_is_due(at_interval, ledger_db, timedelta(seconds=3)) == ["broken"]
    assert events(ledger_db) == ["connection.connected", "connection.broken"]
    left = ledger_db.execute("SELECT FROM work WHERE kind = 'check'").rowcount
    assert left == (1 if at_interval.settings.check_interval else 0)


def test_an_ordinary_connection_is_checked_after_the_interval_only(
    at_interval: Wiring, person: Person, link: str, slack: LocalSlack, ledger_db: Database
) -> None:
    person.install(link)
    revoke(slack)
    assert check_what_is_due(at_interval, ledger_db, timedelta(hours=1)) == ["working"]


def test_what_was_granted_while_the_token_was_revoked_is_checked_once_it_is_connected(
    at_interval: Wiring,
    person: Person,
    place: str,
    link: str,
    slack: LocalSlack,
    novu: LocalNovu,
    ledger_db: Database,
) -> None:
    """A worker has looked whether anything uses the token. Slack gives it once more, and only then revokes it."""
    pass_time(ledger_db, LATER)
    at_interval.ledger.attempts.expire()
    found = at_interval.ledger.unclaimed.to_let_go(id_of(place))
    assert found
    assert not found.is_in_use
    novu.suffer("down")
    person.open(person.come_back(link))
    revoke(slack)
    at_interval.ledger.unclaimed.let_go(id_of(place), "grant_revoked", None)
    assert check_what_is_due(at_interval, ledger_db, timedelta(0)) == [], "there is nothing to check yet"
    novu.suffer("none")
    make_due(ledger_db)
    for job in at_interval.ledger.work.take({Kind.DELIVER: 9}, 9):
        at_interval.delivery.deliver(job.subject)
    assert check_what_is_due(at_interval, ledger_db, timedelta(minutes=1)) == ["broken"]


def test_what_was_connected_while_the_token_was_revoked_is_checked_too(
    at_interval: Wiring, person: Person, place: str, link: str, slack: LocalSlack, ledger_db: Database
) -> None:
    pass_time(ledger_db, LATER)
    at_interval.ledger.attempts.expire()
    person.install(link)
    revoke(slack)
    at_interval.ledger.unclaimed.let_go(id_of(place), "grant_revoked", None)
    assert check_what_is_due(at_interval, ledger_db, timedelta(0)) == ["broken"]


def test_a_link_that_is_revoked_after_it_was_opened_claims_nothing_and_says_why(
    person: Person, place: str, link: str, wiring: Wiring
) -> None:
    opened = wiring.minting.open(link.removeprefix("/install/"))
    wiring.minting.revoke(opened.id)
    with pytest.raises(LinkRevoked):
        wiring.claims.claim(opened, id_of(place), browser_of(person, place))
    assert status(person, place) == "null unclaimed"


# Seven days.


def test_after_seven_days_it_reads_as_expired_without_any_worker(
    person: Person, place: str, link: str, ledger_db: Database
) -> None:
    pass_time(ledger_db, GRANT_KEPT - timedelta(minutes=1))
    assert status(person, place) == "null unclaimed"
    assert person.open(link).heading == "Connect Acme HQ to Acme Inc.?"
    pass_time(ledger_db, timedelta(minutes=2))
    assert status(person, place) == "expired not_claimed"
    assert person.open(place).heading == "This was not finished in time"
    assert person.open(link).heading == "Connect Acme Inc. to Slack"
    assert claim(person, link, place).status == 410


def test_then_it_is_revoked_and_erased(
    wiring: Wiring, person: Person, place: str, slack: LocalSlack, ledger_db: Database
) -> None:
    pass_time(ledger_db, LATER)
    assert works(slack)
    assert let_workers_go_on(wiring, ledger_db) == [""]
    assert not works(slack)
    row = attempt(ledger_db, place)
    assert (row["status"], row["reason"], row["sealed"]) == ("expired", "not_claimed", None)
    assert status(person, place) == "expired not_claimed"
    assert ledger_db.execute("SELECT FROM work WHERE kind = 'revoke'").fetchall() == []
    assert events(ledger_db) == []


def test_a_worker_does_so_by_itself(
    env: dict[str, str], tmp_path: Path, place: str, slack: LocalSlack, ledger_db: Database
) -> None:
    pass_time(ledger_db, LATER)
    with worker(env, tmp_path / "log"):
        until(lambda: attempt(ledger_db, place)["sealed"] is None, 20)
    assert not works(slack)
    assert slack.state.grants[0].token not in (tmp_path / "log").read_text("utf-8")


@pytest.mark.parametrize("state", ["working", "broken", "unknown"])
def test_a_token_that_a_connection_uses_is_not_revoked(
    wiring: Wiring, person: Person, place: str, link: str, slack: LocalSlack, ledger_db: Database, state: str
) -> None:
    """Slack gives one workspace the same token again."""
    person.install(link)
    ledger_db.execute("UPDATE connection SET state = %s", [state])
    pass_time(ledger_db, LATER)
    let_workers_go_on(wiring, ledger_db)
    assert works(slack)
    row = attempt(ledger_db, place)
    assert row["sealed"] is None
    assert row["timeline"][-1][1:] == ["grant_erased", "in_use"]  # type: ignore[index]


def test_one_that_a_grant_on_its_way_may_use_is_not_revoked(
    wiring: Wiring, person: Person, place: str, link: str, slack: LocalSlack, novu: LocalNovu, ledger_db: Database
) -> None:
    pass_time(ledger_db, LATER)
    novu.suffer("down")
    person.open(person.come_back(link))
    let_workers_go_on(wiring, ledger_db)
    assert works(slack)
    assert attempt(ledger_db, place)["sealed"] is None


def test_a_connection_to_another_workspace_keeps_nothing_alive(
    wiring: Wiring, person: Person, place: str, link: str, mint: MintLink, slack: LocalSlack, ledger_db: Database
) -> None:
    person.install(link, workspace="T0OTHER00")
    pass_time(ledger_db, LATER)
    let_workers_go_on(wiring, ledger_db)
    assert not works(slack)
    assert works(slack, 1)


def test_another_app_in_the_same_workspace_keeps_nothing_alive(
    wiring: Wiring, person: Person, place: str, link: str, slack: LocalSlack, ledger_db: Database
) -> None:
    person.install(link)
    ledger_db.execute("UPDATE connection SET app_id = 'A0ANOTHER'")
    pass_time(ledger_db, LATER)
    let_workers_go_on(wiring, ledger_db)
    assert not works(slack)


def test_while_slack_does_not_answer_it_is_tried_again_and_in_the_end_erased(
    make_app: Callable[..., Flask], place: str, slack: LocalSlack, ledger_db: Database
) -> None:
    wiring: Wiring = make_app(SLACK_URL="http://127.0.0.1:1").extensions["onboarding"]
    pass_time(ledger_db, LATER)
    [obstacle] = let_workers_go_on(wiring, ledger_db)
    assert obstacle
    assert attempt(ledger_db, place)["sealed"]
    [row] = ledger_db.execute("SELECT due_at > now() AS waits, last_error FROM work WHERE kind = 'revoke'").fetchall()
    assert (row["waits"], row["last_error"]) == (True, obstacle)
    pass_time(ledger_db, claiming.GIVE_UP_AFTER)
    assert let_workers_go_on(wiring, ledger_db) == [""]
    assert attempt(ledger_db, place)["sealed"] is None
    assert works(slack)


def test_a_key_that_is_gone_revokes_nothing_and_is_waited_for(
    make_app: Callable[..., Flask], wiring: Wiring, place: str, slack: LocalSlack, ledger_db: Database
) -> None:
    other: Wiring = make_app(SECRET_KEY="another key for tests that is long enough").extensions["onboarding"]
    pass_time(ledger_db, LATER)
    assert let_workers_go_on(other, ledger_db) == ["no key of this process opens the grant"]
    ledger_db.execute("UPDATE work SET due_at = now()")
    assert let_workers_go_on(wiring, ledger_db) == [""]
    assert not works(slack)


def test_a_worker_that_died_after_revoking_erases_the_next_time(
    wiring: Wiring, place: str, slack: LocalSlack, ledger_db: Database
) -> None:
    pass_time(ledger_db, LATER)
    headers = {"Authorization": f"Bearer {slack.state.grants[0].token}"}
    assert requests.post(f"{slack.url}/api/auth.revoke", headers=headers, timeout=5).json()["revoked"]
    assert let_workers_go_on(wiring, ledger_db) == [""]
    assert attempt(ledger_db, place)["sealed"] is None


def test_work_that_is_missing_is_made_anew(wiring: Wiring, place: str, ledger_db: Database) -> None:
    pass_time(ledger_db, LATER)
    wiring.ledger.attempts.expire()
    ledger_db.execute("DELETE FROM work")
    assert wiring.ledger.work.rebuild(timedelta(0)) == 1
    assert wiring.ledger.work.rebuild(timedelta(0)) == 0


def test_it_is_forgotten_in_the_end_and_never_with_a_grant_in_it(
    wiring: Wiring, place: str, ledger_db: Database
) -> None:
    pass_time(ledger_db, timedelta(days=400))
    assert wiring.ledger.attempts.get(id_of(place))
    let_workers_go_on(wiring, ledger_db)
    assert wiring.ledger.attempts.get(id_of(place))
    pass_time(ledger_db, timedelta(days=31))
    assert wiring.ledger.attempts.get(id_of(place)) is None
