"""From the grant on: nothing is lost and nothing doubles, whoever dies and whatever Novu says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from onboarding.flows.deliver import FIRST_WAIT, LONGEST_RETRY_AFTER, LONGEST_WAIT, _wait
from onboarding.ledger.work import Kind
from onboarding.model.errors import NothingToRetry
from onboarding.wiring import Wiring
from tests.aging import Database, make_due, pass_time
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Person


@contextmanager
def worker(env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "onboarding.worker"],
            env={"PATH": os.environ["PATH"], **env},
            stdout=output,
            stderr=output,
            cwd="/",
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def until(is_so: Callable[[], object], seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - began


def attempt_id_of(page_location: str) -> str:
    return page_location.rpartition("/")[2]


@pytest.fixture
def stuck(person: Person, link: str, novu: LocalNovu) -> str:
    """The id of an attempt that Slack granted while Novu was down."""
    novu.suffer("down")
    back = person.open(person.come_back(link))
    novu.suffer("none")
    return attempt_id_of(back.location)


def attempt(ledger_db: Database, attempt_id: str) -> dict[str, Any]:
    [row] = ledger_db.execute("SELECT * FROM attempt WHERE id = %s", [attempt_id]).fetchall()
    return dict(row)


def sealed(ledger_db: Database) -> list[str]:
    """The grants that are kept."""
    return [row["sealed"] for row in ledger_db.execute("SELECT sealed FROM attempt WHERE sealed IS NOT NULL")]


def status(person: Person, attempt_id: str) -> str:
    found: list[str] = re.findall(r'"status":"(\w+)"', person.open(f"/attempts/{attempt_id}/status").source)
    return found[0]


def test_a_worker_delivers_what_the_request_could_not(
    env: dict[str, str], tmp_path: Path, person: Person, stuck: str, novu: LocalNovu, slack: LocalSlack
) -> None:
    with worker(env, tmp_path / "log"):
        until(lambda: novu.state.connections, 8)
        until(lambda: status(person, stuck) == "connected", 2)
    assert novu.state.connections[0].auth["accessToken"] == slack.state.grants[0].token


def test_while_novu_stays_down_the_worker_keeps_trying_with_longer_waits(
    env: dict[str, str], tmp_path: Path, person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("down")
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    with worker(env, tmp_path / "log"):
        until(lambda: attempt(ledger_db, attempt_id)["tries"] >= 3, 20)
        novu.suffer("none")
        until(lambda: status(person, attempt_id) == "connected", 15)
    waits = [int(wait) for wait in re.findall(r"wait=(\d+)", (tmp_path / "log").read_text("utf-8"))]
    assert waits == sorted(waits)
    assert len(novu.state.connections) == 1


@pytest.mark.parametrize("failure", ["error_after_commit", "truncated"])
def test_what_novu_kept_without_saying_so_is_not_doubled(
    env: dict[str, str], tmp_path: Path, person: Person, link: str, novu: LocalNovu, failure: str
) -> None:
    novu.suffer(failure)
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    assert len(novu.state.connections) == 1
    with worker(env, tmp_path / "log"):
        until(lambda: status(person, attempt_id) == "connected", 8)
    assert len(novu.state.connections) == 1


def test_a_worker_told_to_stop_finishes_what_it_does(
    env: dict[str, str], tmp_path: Path, person: Person, stuck: str, novu: LocalNovu
) -> None:
    novu.suffer("slow")
    with worker(env, tmp_path / "log") as process:
        until(lambda: novu.state.requests("create") >= 2, 8)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert status(person, stuck) == "connected"


def test_a_worker_with_another_key_leaves_the_grant_alone(
    env: dict[str, str], tmp_path: Path, person: Person, stuck: str, ledger_db: Database, novu: LocalNovu
) -> None:
    before = sealed(ledger_db)
    with worker({**env, "SECRET_KEY": "another key that is also long enough"}, tmp_path / "log"):
        until(lambda: "no key of this process opens the grant" in (tmp_path / "log").read_text("utf-8"), 8)
    assert sealed(ledger_db) == before != []
    make_due(ledger_db)
    with worker({**env, "SECRET_KEY": "n" * 32, "SECRET_KEY_FALLBACKS": env["SECRET_KEY"]}, tmp_path / "log"):
        until(lambda: status(person, stuck) == "connected", 40)
    assert len(novu.state.connections) == 1


def test_a_worker_refuses_a_bad_configuration(env: dict[str, str]) -> None:
    env.pop("NOVU_SECRET_KEY")
    done = subprocess.run(
        [sys.executable, "-m", "onboarding.worker"],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 2
    assert "NOVU_SECRET_KEY: is required" in done.stderr


def test_a_person_retries_what_novu_refused(
    wiring: Wiring, person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("unauthorized")
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    assert wiring.delivery.retry(attempt_id).reason == "novu_unauthorized"
    novu.suffer("none")
    retried = wiring.delivery.retry(attempt_id)
    assert retried.status == "connected"
    assert retried.round == 2
    assert len(novu.state.connections) == 1
    with pytest.raises(NothingToRetry, match="it is connected"):
        wiring.delivery.retry(attempt_id)


def test_there_is_nothing_to_retry_without_a_grant(
    wiring: Wiring, person: Person, link: str, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("rejected")
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)
    ledger_db.execute("UPDATE attempt SET sealed = NULL")
    with pytest.raises(NothingToRetry, match="its grant is gone"):
        wiring.delivery.retry(attempt_id)
    with pytest.raises(NothingToRetry, match="no such attempt"):
        wiring.delivery.retry("x" * 22)


def test_retry_from_the_command_line(env: dict[str, str], person: Person, link: str, novu: LocalNovu) -> None:
    novu.suffer("unauthorized")
    attempt_id = attempt_id_of(person.open(person.come_back(link)).location)

    def retry() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "onboarding.cli", "retry", attempt_id]
        full = {"PATH": os.environ["PATH"], **env}
        return subprocess.run(command, env=full, capture_output=True, text=True, timeout=20, check=False)

    assert retry().returncode == 1
    novu.suffer("none")
    done = retry()
    assert (done.returncode, done.stdout) == (0, f"{attempt_id} is connected\n")
    again = retry()
    assert again.returncode == 1
    assert "it is connected" in again.stderr


def test_the_later_grant_wins_whatever_order_they_arrive_in(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu, slack: LocalSlack, ledger_db: Database
) -> None:
    novu.suffer("down")
    older = attempt_id_of(person.open(person.come_back(mint(), workspace="TOLDER")).location)
    newer = attempt_id_of(person.open(person.come_back(mint(), workspace="TNEWER")).location)
    novu.suffer("none")
    make_due(ledger_db)
    wiring.delivery.deliver(newer)
    wiring.delivery.deliver(older)
    assert status(person, newer) == "connected"
    page = person.open(f"/attempts/{older}")
    assert page.heading == "A newer approval took its place"
    assert [connection.workspace_id for connection in novu.state.connections] == ["TNEWER"]
    assert sealed(ledger_db) == []


@pytest.fixture
def careful(wiring: Wiring, novu: LocalNovu) -> Iterator[LocalNovu]:
    """A Novu that honours idempotency keys, as it does for organisations that asked."""
    novu.state.idempotency.enabled = True
    yield novu
    novu.state.idempotency.enabled = False


def test_an_older_grant_does_not_slip_in_behind_a_newer_one_whose_answer_was_lost(
    wiring: Wiring, person: Person, mint: MintLink, careful: LocalNovu, ledger_db: Database
) -> None:
    careful.suffer("down")
    older = attempt_id_of(person.open(person.come_back(mint(), workspace="TOLDER")).location)
    careful.suffer("truncated")
    newer = attempt_id_of(person.open(person.come_back(mint(), workspace="TNEWER")).location)
    make_due(ledger_db)
    wiring.delivery.deliver(older)
    assert status(person, older) == "pending"
    wiring.delivery.deliver(newer)
    make_due(ledger_db)
    wiring.delivery.deliver(older)
    assert [connection.workspace_id for connection in careful.state.connections] == ["TNEWER"]
    assert status(person, newer) == "connected"
    assert person.open(f"/attempts/{older}").heading == "A newer approval took its place"


def test_an_older_grant_is_delivered_when_the_newer_one_is_refused(
    wiring: Wiring, person: Person, mint: MintLink, novu: LocalNovu, ledger_db: Database
) -> None:
    novu.suffer("down")
    older = attempt_id_of(person.open(person.come_back(mint(), workspace="TOLDER")).location)
    novu.suffer("rejected")
    newer = attempt_id_of(person.open(person.come_back(mint(), workspace="TNEWER")).location)
    novu.suffer("none")
    make_due(ledger_db)
    wiring.delivery.deliver(older)
    assert status(person, newer) == "failed"
    assert status(person, older) == "connected"
    assert wiring.delivery.retry(newer).status == "connected"
    assert [connection.workspace_id for connection in novu.state.connections] == ["TNEWER"]


def test_after_a_day_of_trying_a_person_has_to_look(
    wiring: Wiring, person: Person, stuck: str, novu: LocalNovu, ledger_db: Database
) -> None:
    pass_time(ledger_db, timedelta(days=1))
    novu.suffer("down")
    wiring.delivery.deliver(stuck)
    page = person.open(f"/attempts/{stuck}/status")
    assert '"reason":"novu_unreachable"' in page.source
    assert sealed(ledger_db) != []
    pass_time(ledger_db, timedelta(days=6))
    novu.suffer("none")
    assert wiring.delivery.retry(stuck).status == "connected"


def test_a_grant_that_is_gone_is_said_to_be(wiring: Wiring, person: Person, stuck: str, ledger_db: Database) -> None:
    ledger_db.execute("UPDATE attempt SET sealed = NULL")
    make_due(ledger_db)
    wiring.delivery.deliver(stuck)
    page = person.open(f"/attempts/{stuck}")
    assert "we can no longer use that approval" in page.text


def test_work_that_is_missing_is_made_anew_from_the_attempts(
    env: dict[str, str], tmp_path: Path, person: Person, stuck: str, ledger_db: Database
) -> None:
    ledger_db.execute("DELETE FROM work")
    with worker(env, tmp_path / "log"):
        until(lambda: status(person, stuck) == "connected", 10)
    assert ledger_db.execute("SELECT * FROM work WHERE kind = 'deliver'").fetchall() == []


def test_work_for_an_attempt_that_is_gone_is_dropped(env: dict[str, str], tmp_path: Path, ledger_db: Database) -> None:
    ledger_db.execute("INSERT INTO work (kind, subject) VALUES ('deliver', 'ghost')")
    with worker(env, tmp_path / "log"):
        until(lambda: not ledger_db.execute("SELECT * FROM work WHERE kind = 'deliver'").fetchall(), 10)


def test_work_that_always_breaks_slows_down_and_is_shown(wiring: Wiring, stuck: str, ledger_db: Database) -> None:
    waits = []
    for _ in range(8):
        make_due(ledger_db)
        [job] = wiring.ledger.work.take({Kind.DELIVER: 1}, 1)
        wiring.ledger.work.failed(job, "ValueError")
        [due] = ledger_db.execute("SELECT extract(epoch FROM due_at - now()) AS due FROM work").fetchall()
        waits.append(float(due["due"]))
    assert all(19 < wait < 23 for wait in waits[:3])
    assert all(after > 1.7 * before for before, after in pairwise(waits[3:]))
    [shown] = wiring.ledger.work.backlog().stuck
    assert (shown.subject, shown.tries, shown.last_error) == (stuck, 8, "ValueError")


def test_who_lost_its_lease_changes_nothing_any_more(wiring: Wiring, stuck: str, ledger_db: Database) -> None:
    make_due(ledger_db)
    [late] = wiring.ledger.work.take({Kind.DELIVER: 1}, 1)
    make_due(ledger_db)
    [job] = wiring.ledger.work.take({Kind.DELIVER: 1}, 1)
    wiring.ledger.work.done(late)
    wiring.ledger.work.again(late, timedelta(days=1))
    [row] = ledger_db.execute("SELECT take, due_at < now() + interval '1 hour' AS is_soon FROM work").fetchall()
    assert (row["take"], row["is_soon"]) == (job.take, True)


def test_two_workers_take_different_work(wiring: Wiring, ledger_db: Database) -> None:
    ledger_db.execute("INSERT INTO work (kind, subject) SELECT 'deliver', n::text FROM generate_series(1, 40) n")
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: wiring.ledger.work.take({Kind.DELIVER: 5}, 5), range(8)))
    subjects = [job.subject for jobs in taken for job in jobs]
    assert len(subjects) == len(set(subjects)) == 40


def test_work_holds_ids_only(stuck: str, ledger_db: Database, slack: LocalSlack) -> None:
    work = str(ledger_db.execute("SELECT * FROM work").fetchall())
    assert stuck in work
    assert slack.state.grants[0].token not in work


def test_waits_grow_up_to_a_quarter_of_an_hour() -> None:
    assert FIRST_WAIT * 0.8 <= _wait(0, None) <= FIRST_WAIT * 1.2
    assert all(_wait(tries, None) <= LONGEST_WAIT * 1.2 for tries in range(100))
    assert _wait(50, None) >= LONGEST_WAIT * 0.8


def test_novu_may_ask_for_a_longer_wait_within_reason() -> None:
    assert _wait(0, 600).total_seconds() == 600
    assert _wait(0, 10**8) == LONGEST_RETRY_AFTER
    assert _wait(50, 1) >= LONGEST_WAIT * 0.8
