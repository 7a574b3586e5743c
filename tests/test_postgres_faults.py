"""PostgreSQL in trouble, in every way it can be: what people see meanwhile, and that nothing is lost or done twice."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from psycopg.conninfo import conninfo_to_dict

from onboarding.flows.patience import PATIENCE
from onboarding.ledger.postgres import BORROW_SECONDS, POOL_SIZE, STATEMENT_SECONDS, Postgres
from onboarding.ledger.statement import ConnectionLost, Pooled, carry_out
from onboarding.model import Secret
from onboarding.model.errors import StoreUnavailable
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Page, Person
from tests.postgres import Server, wait_until
from tests.relay import Relay, Way, relaying
from tests.test_delivery import attempt_id_of, status, until, worker
from tests.witness import Witness

AGE = 0.4
"""Seconds after which the relays in this file forget an idle connection."""
CONNECTED = "Acme HQ is connected"
SLACK = 0.5
"""Seconds that a busy machine may take longer."""
WAITING = """
    FROM pg_stat_activity WHERE application_name = 'slack-onboarding' AND wait_event_type = 'Lock'
        AND backend_type = 'client backend'
"""


@pytest.fixture(scope="module")
def _server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        server = Server(Path(folder))
        yield server
        server.stop()


@pytest.fixture
def own(_server: Server) -> Server:
    """A PostgreSQL that a test may mistreat, as long as it is well again at the end; empty at the start."""
    _server.do("TRUNCATE attempt, attempt_context, connection, owner, work, tally_mark, term, problem")
    return _server


@pytest.fixture
def newcomer(own: Server, make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness) -> Callable[[], Person]:
    """People in front of one and the same service."""
    app = make_app(DATABASE_URL=own.url)
    return lambda: Person(app, slack, witness)


@pytest.fixture
def somebody(newcomer: Callable[[], Person]) -> Person:
    return newcomer()


@contextmanager
def locked(own: Server, what: str) -> Iterator[None]:
    """Hold a lock in a transaction, as a forgotten session of an operator would."""
    with psycopg.connect(own.url) as connection:
        connection.execute(what.encode())
        yield


TABLE = "LOCK TABLE attempt IN ACCESS EXCLUSIVE MODE"
ROW = "SELECT FROM attempt FOR UPDATE"


def terminate_waiting(own: Server) -> None:
    """End the session of ours that waits for a lock."""
    until(lambda: own.do(f"SELECT pid {WAITING}"), 5)
    assert own.do(f"SELECT pg_terminate_backend(pid) {WAITING}") == [(True,)]


def meanwhile(somebody: Person, path: str, is_time: Callable[[], object], act: Callable[[], object]) -> Page:
    """Come back from Slack and, while that takes its time, act."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(somebody.open, path)
        until(is_time, 10)
        act()
        return answer.result()


def seconds(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def assert_connected_once(somebody: Person, page: Page, slack: LocalSlack, novu: LocalNovu, own: Server) -> None:
    assert somebody.follow(page).heading == CONNECTED
    assert slack.state.redeem_count == 1
    assert [connection.token for connection in novu.state.connections] == [slack.state.grants[0].token]
    assert own.do("SELECT status, sealed FROM attempt") == [("connected", None)]
    assert own.do("SELECT count(*) FROM work WHERE kind = 'deliver'") == [(0,)]


# What people see, and how soon.


def test_a_postgres_that_is_down_is_a_page_and_one_that_is_back_is_used_at_once(
    somebody: Person, own: Server, link: str
) -> None:
    assert somebody.open(link).status == 200
    own.crash()
    for _ in range(2):
        began = time.monotonic()
        page = somebody.open(link)
        assert (page.status, page.heading) == (503, "We are having trouble")
        assert time.monotonic() - began < BORROW_SECONDS + SLACK
    own.start()
    assert somebody.install(link).heading == CONNECTED


def test_a_stalled_postgres_is_a_page_within_seconds(somebody: Person, own: Server, link: str) -> None:
    assert somebody.open(link).status == 200
    own.pause()
    try:
        for _ in range(2):
            began = time.monotonic()
            assert somebody.open(link).status == 503
            assert time.monotonic() - began < BORROW_SECONDS + STATEMENT_SECONDS + SLACK
        began = time.monotonic()
        assert somebody.open("/readyz").status == 503
        assert time.monotonic() - began < 2
    finally:
        own.resume()
    assert somebody.install(link).heading == CONNECTED


def test_nobody_queues_behind_the_first_connection_to_a_stalled_postgres(
    newcomer: Callable[[], Person], own: Server, link: str
) -> None:
    own.pause()
    try:
        with ThreadPoolExecutor(6) as pool:
            took = list(pool.map(lambda _: seconds(lambda: newcomer().open(link)), range(6)))
    finally:
        own.resume()
    assert max(took) < STATEMENT_SECONDS + BORROW_SECONDS + SLACK
    assert newcomer().install(link).heading == CONNECTED


def test_after_a_restart_no_request_fails(newcomer: Callable[[], Person], own: Server, link: str) -> None:
    def statuses(number: int) -> list[int]:
        with ThreadPoolExecutor(16) as pool:
            return list(pool.map(lambda _: newcomer().open(link).status, range(number)))

    assert newcomer().open(link).status == 200
    assert set(statuses(64)) == {200}
    own.restart()
    assert statuses(32) == [200] * 32
    own.terminate_clients()
    assert statuses(32) == [200] * 32


def test_a_postgres_without_a_free_connection_is_a_page_until_it_has_one(
    own: Server, make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, link: str
) -> None:
    own.do("CREATE ROLE service LOGIN CONNECTION LIMIT 1")
    own.do("GRANT ALL ON ALL TABLES IN SCHEMA public TO service")
    own.do("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO service")
    url = own.url.replace("onboarding@", "service@")
    somebody = Person(make_app(DATABASE_URL=url), slack, witness)
    with psycopg.connect(url):
        assert somebody.open(link).status == 503
    wait_until(lambda: not own.do("SELECT 1 FROM pg_stat_activity WHERE usename = 'service'"), "somebody stays")
    assert somebody.install(link).heading == CONNECTED


def test_when_every_connection_is_taken_the_next_request_is_told_within_a_second(
    newcomer: Callable[[], Person], own: Server, link: str
) -> None:
    back = newcomer().press(link)
    assert back.status == 303
    [(attempt,)] = own.do("SELECT id FROM attempt")
    with locked(own, TABLE), ThreadPoolExecutor(POOL_SIZE) as pool:
        busy = [pool.submit(newcomer().open, f"/attempts/{attempt}") for _ in range(POOL_SIZE)]
        wait_until(lambda: own.do(f"SELECT count(*) {WAITING}") == [(POOL_SIZE,)], "not all of them wait")
        began = time.monotonic()
        assert newcomer().open(link).status == 503
        assert time.monotonic() - began < 1 + SLACK
        assert {request.result().status for request in busy} == {503}
    assert newcomer().install(link).heading == CONNECTED


def test_a_read_only_postgres_still_answers_and_is_used_as_soon_as_it_can_be_written(
    somebody: Person, own: Server, link: str
) -> None:
    assert somebody.open(link).status == 200
    own.set_read_only(True)
    try:
        page = somebody.press(link)
        assert (page.status, page.heading) == (503, "We are having trouble")
        assert somebody.open(link).status == 200
    finally:
        own.set_read_only(False)
    assert somebody.install(link).heading == CONNECTED


# A callback whose session is ended in the middle of each of its three statements.


def test_ended_while_it_reads_the_attempt_the_return_can_be_repeated(
    somebody: Person, own: Server, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    path = somebody.come_back(link)
    with locked(own, TABLE):
        page = meanwhile(somebody, path, lambda: own.do(f"SELECT 1 {WAITING}"), lambda: terminate_waiting(own))
    assert page.status == 503
    assert slack.state.redeem_count == 0
    assert_connected_once(somebody, somebody.open(path), slack, novu, own)


def test_ended_while_it_keeps_the_grant_it_keeps_it_again(
    somebody: Person, own: Server, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    path = somebody.come_back(link)
    with ThreadPoolExecutor(1) as pool:
        with locked(own, ROW):
            answer = pool.submit(somebody.open, path)
            terminate_waiting(own)
            until(lambda: own.do(f"SELECT 1 {WAITING}"), 5)
        assert_connected_once(somebody, answer.result(), slack, novu, own)


def test_ended_while_it_records_the_connection_it_records_it_again(
    somebody: Person, own: Server, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    novu.suffer("slow")
    path = somebody.come_back(link)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(somebody.open, path)
        until(lambda: novu.state.requests("create"), 5)
        with locked(own, ROW):
            terminate_waiting(own)
            until(lambda: own.do(f"SELECT 1 {WAITING}"), 5)
        assert_connected_once(somebody, answer.result(), slack, novu, own)


def test_a_statement_that_goes_through_after_we_gave_up_on_it_does_no_harm(
    somebody: Person, own: Server, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    path = somebody.come_back(link)
    with ThreadPoolExecutor(1) as pool:
        with locked(own, ROW):
            answer = pool.submit(somebody.open, path)
            # The first is cut off on our side, and goes on waiting on the server's.
            wait_until(lambda: own.do(f"SELECT count(*) {WAITING}") == [(2,)], "it is not tried again")
        assert_connected_once(somebody, answer.result(), slack, novu, own)
    assert own.do("SELECT lease FROM owner") == [(None,)]


# After Slack said yes.


def test_killed_between_store_and_delivery_it_loses_nothing(
    somebody: Person, own: Server, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    def die() -> None:
        own.crash()
        own.start()

    novu.suffer("slow")
    page = meanwhile(somebody, somebody.come_back(link), lambda: novu.state.requests("create"), die)
    assert_connected_once(somebody, page, slack, novu, own)


def test_away_right_after_slack_said_yes_the_grant_goes_straight_to_novu_and_the_page_says_so(
    somebody: Person, own: Server, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    path = somebody.come_back(link, outcome="slow")
    took = seconds(lambda: _away_after_redeem(somebody, path, slack, novu, own))
    assert took < 2 * PATIENCE + 4
    own.start()
    page = somebody.open(f"/attempts/{attempt_id_of(somebody.open(path).location)}")
    assert page.heading == CONNECTED


def _away_after_redeem(somebody: Person, path: str, slack: LocalSlack, novu: LocalNovu, own: Server) -> None:
    page = meanwhile(somebody, path, lambda: slack.state.redeem_count, own.crash)
    assert somebody.follow(page).heading == CONNECTED
    assert [connection.token for connection in novu.state.connections] == [slack.state.grants[0].token]


def test_back_within_the_time_of_the_request_it_is_told_what_came_of_the_grant(
    somebody: Person, own: Server, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    def blink() -> None:
        own.crash()
        time.sleep(1.5)
        own.start()

    path = somebody.come_back(link, outcome="slow")
    page = meanwhile(somebody, path, lambda: slack.state.redeem_count, blink)
    assert_connected_once(somebody, page, slack, novu, own)


def test_when_novu_is_away_as_well_the_page_admits_it(
    somebody: Person, own: Server, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    novu.suffer("down")
    path = somebody.come_back(link, outcome="slow")
    page = somebody.follow(meanwhile(somebody, path, lambda: slack.state.redeem_count, own.crash))
    assert page.heading == "We could not finish"
    assert "we can no longer use that approval" in page.text
    novu.suffer("none")
    own.start()
    assert somebody.install(link).heading == CONNECTED


def test_an_attempt_that_the_ledger_has_lost_is_connected_all_the_same(
    somebody: Person, own: Server, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    """As after a fail-over to a standby that was behind."""
    path = somebody.come_back(link, outcome="slow")
    page = meanwhile(somebody, path, lambda: slack.state.redeem_count, lambda: own.do("DELETE FROM attempt"))
    assert somebody.follow(page).heading == CONNECTED
    assert [connection.token for connection in novu.state.connections] == [slack.state.grants[0].token]


def test_a_worker_outlives_a_postgres_that_stalls_and_restarts(
    somebody: Person, own: Server, link: str, novu: LocalNovu, env: dict[str, str], tmp_path: Path
) -> None:
    novu.suffer("down")
    attempt = attempt_id_of(somebody.open(somebody.come_back(link)).location)
    log = tmp_path / "log"
    with worker({**env, "DATABASE_URL": own.url}, log) as process:
        until(lambda: "delivery postponed" in log.read_text("utf-8"), 8)
        own.pause()
        until(lambda: "no look for work" in log.read_text("utf-8"), 8)
        own.resume()
        own.crash()
        seen = log.read_text("utf-8").count("no look for work")
        until(lambda: log.read_text("utf-8").count("no look for work") > seen, 8)
        own.start()
        novu.suffer("none")
        own.do("UPDATE work SET due_at = now() WHERE kind = 'deliver'")
        until(lambda: status(somebody, attempt) == "connected", 30)
        assert process.poll() is None
    assert "Traceback" not in log.read_text("utf-8")
    assert len(novu.state.connections) == 1


# Connections that the network has forgotten.


@pytest.fixture(params=["swallow", "reset"])
def relay(request: pytest.FixtureRequest, database_url: str) -> Iterator[tuple[Relay, str]]:
    """A way to PostgreSQL over TCP that forgets, and the address at its near end."""
    way: Way = request.param
    place = conninfo_to_dict(database_url)
    path = f"{place['host']}/.s.PGSQL.{place['port']}"

    def reach() -> socket.socket:
        inside = socket.socket(socket.AF_UNIX)
        inside.connect(path)
        return inside

    with relaying(socket.create_server(("127.0.0.1", 0)), reach, AGE, way) as relay:
        yield relay, f"postgresql://onboarding@127.0.0.1:{relay.port}/{place['dbname']}?sslmode=disable"


def test_the_first_statement_after_a_pause_works_at_once(relay: tuple[Relay, str]) -> None:
    line, url = relay
    postgres = Postgres(Secret(url), idle_seconds=AGE / 2)
    with ThreadPoolExecutor(6) as threads:
        for _ in range(2):
            began = time.monotonic()
            answers = list(threads.map(lambda number: postgres.row("SELECT %(n)s::int", {"n": number}), range(30)))
            assert time.monotonic() - began < STATEMENT_SECONDS / 2
            assert answers == [(number,) for number in range(30)]
            time.sleep(AGE * 1.5)
    postgres.close()
    assert line.taken > 1


def test_one_that_trusts_old_connections_fails_there(relay: tuple[Relay, str]) -> None:
    line, url = relay
    postgres = Postgres(Secret(url), size=1, idle_seconds=60)
    postgres.ping()
    time.sleep(AGE * 1.5)
    with pytest.raises(StoreUnavailable):
        postgres.ping()
    postgres.ping()
    postgres.close()
    assert line.forgotten == 1


def test_a_connection_in_use_stays(relay: tuple[Relay, str]) -> None:
    line, url = relay
    postgres = Postgres(Secret(url), idle_seconds=AGE)
    for _ in range(5):
        postgres.ping()
        opened, longest = line.taken, 0.0
        for _ in range(40):
            began = time.monotonic()
            postgres.ping()
            time.sleep(AGE / 16)
            longest = max(longest, time.monotonic() - began)
        if longest < AGE:  # Otherwise this machine stood still, and the connection really lay idle.
            break
    postgres.close()
    assert line.taken == opened


NOTICE = b"SNOTICE\0C00000\0Mhello\0\0"


def test_a_statement_that_does_not_get_through_is_told_like_any_other_problem(database_url: str) -> None:
    """If libpq cannot write but has something to read, it says so without a state, and calls the connection good."""
    place = conninfo_to_dict(database_url)
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        front = socket.create_server(f"{folder}/.s.PGSQL.5432", family=socket.AF_UNIX)
        taken: list[socket.socket] = []
        threading.Thread(target=_join, args=(front, str(place["host"]), taken), daemon=True).start()
        with front, Pooled.connect(host=folder, user="onboarding", dbname=place["dbname"]) as connection:
            connection.autocommit = True
            assert carry_out(connection, "SELECT 1", {}).rows == [(1,)]
            taken[0].sendall(b"N" + (len(NOTICE) + 4).to_bytes(4, "big") + NOTICE)
            taken[0].shutdown(socket.SHUT_RD)
            with pytest.raises(ConnectionLost):
                carry_out(connection, "SELECT 1", {})


def _join(front: socket.socket, host: str, taken: list[socket.socket]) -> None:
    outside, _ = front.accept()
    taken.append(outside)
    with outside, socket.socket(socket.AF_UNIX) as inside, suppress(OSError):
        inside.connect(f"{host}/.s.PGSQL.5432")
        threading.Thread(target=_copy, args=(inside, outside), daemon=True).start()
        _copy(outside, inside)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
