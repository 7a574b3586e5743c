"""The comparison of ledgers notices each kind of damage, and a short run with faults shows none."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from tests.chaos import plan
from tests.chaos.ledgers import Granted, Held, Kept, Ledgers, Record, Verdict, Witnessed, compare

ROOT = Path(__file__).parents[2]
OLDER = Granted("code-1", "attempt-1", "owner", "token-1", issued_at=1.0)
NEWER = Granted("code-2", "attempt-2", "owner", "token-2", issued_at=2.0)
STORED = {"attempt-1": Record("failed", "superseded", sequence=1), "attempt-2": Record("connected", sequence=2)}
CONNECTED = {"owner": "attempt-2"}
CLEAN = Ledgers((OLDER, NEWER), Kept(STORED, CONNECTED), (Held("owner", "token-2"),))
ALONE = Ledgers((OLDER,), Kept({"attempt-1": Record("started")}), ())
WRONG = {"owner": "attempt-1"}


def found(verdict: Verdict) -> dict[str, int]:
    """How many findings of each kind, where there are any."""
    beside = {
        "unavoidable": verdict.unavoidable,
        "unanswered": verdict.unanswered,
        "unrecorded": verdict.unrecorded,
    }
    return {name: len(findings) for name, findings in {**verdict.faults, **beside}.items() if findings}


def recorded(attempt_id: str, record: Record) -> Ledgers:
    return replace(CLEAN, kept=Kept({**STORED, attempt_id: record}, CONNECTED))


def seen(witnessed: Witnessed) -> Ledgers:
    return replace(ALONE, witnessed=witnessed)


def test_ledgers_that_agree_are_clean() -> None:
    verdict = compare(CLEAN)
    assert verdict.is_clean
    assert found(verdict) == {}


@pytest.mark.parametrize(
    ("name", "ledgers"),
    [
        ("lost", replace(CLEAN, held=())),
        ("lost", ALONE),
        ("lost", replace(ALONE, kept=Kept({}))),
        ("doubled", replace(CLEAN, held=(Held("owner", "token-2"), Held("owner", "token-2")))),
        ("doubled", replace(CLEAN, granted=(OLDER, NEWER, NEWER))),
        ("doubled", replace(CLEAN, witnessed=Witnessed(redeems={"code-2": 2}))),
        ("wrong-token", replace(CLEAN, kept=Kept(STORED, WRONG), held=(Held("owner", "token-1"),))),
        ("stuck", recorded("attempt-2", Record("granted", sequence=2, keeps_grant=True, has_work=True))),
        ("leaked", recorded("attempt-2", Record("connected", sequence=2, keeps_grant=True))),
        ("misplaced", recorded("attempt-2", Record("connected", sequence=2, has_work=True))),
        ("misplaced", recorded("attempt-3", Record("forgotten", has_work=True))),
        ("misplaced", replace(CLEAN, witnessed=Witnessed(missing=3))),
        ("misplaced", replace(CLEAN, kept=Kept(STORED, WRONG))),
        ("misplaced", replace(CLEAN, kept=Kept(STORED))),
        ("misplaced", replace(CLEAN, kept=Kept(STORED, CONNECTED, tally={"failed": 1}, counted={"failed": 2}))),
        ("misplaced", replace(CLEAN, kept=Kept(STORED, CONNECTED, tally={"failed": 1}))),
        ("misplaced", replace(CLEAN, kept=Kept(STORED, CONNECTED, counted={"failed": 1}))),
        ("astray", replace(CLEAN, held=(Held("owner", "token-2", leads_to=()),))),
        ("astray", replace(CLEAN, held=(Held("owner", "token-2", leads_to=("somebody", "somebody")),))),
        ("astray", replace(CLEAN, held=(Held("owner", "token-2", leads_to=("whoever approved before",)),))),
        ("astray", replace(CLEAN, kept=Kept(STORED, CONNECTED, destinations={"owner": "somebody else"}))),
        ("leaked", recorded("attempt-1", Record("failed", "superseded", sequence=1, keeps_grant=True))),
        ("leaked", replace(CLEAN, witnessed=Witnessed(leaks=("a token is in the log of web",)))),
    ],
)
def test_damage_has_a_name_and_is_not_clean(name: str, ledgers: Ledgers) -> None:
    verdict = compare(ledgers)
    assert found(verdict) == {name: 1}
    assert not verdict.is_clean


def test_more_than_one_damage_is_told() -> None:
    stolen = replace(CLEAN, held=(Held("owner", "a token that nobody was given"),))
    assert found(compare(stolen)) == {"wrong-token": 1, "misplaced": 1}
    forgotten = recorded("attempt-2", Record("granted", sequence=2, keeps_grant=True))
    assert found(compare(forgotten)) == {"stuck": 1, "misplaced": 1}


@pytest.mark.parametrize(
    ("name", "ledgers"),
    [
        ("unavoidable", seen(Witnessed(interrupted=frozenset({"code-1"})))),
        ("unanswered", seen(Witnessed(unanswered=frozenset({"code-1"})))),
        ("unrecorded", replace(ALONE, held=(Held("owner", "token-1"),))),
    ],
)
def test_what_a_fault_explains_is_counted_by_itself(name: str, ledgers: Ledgers) -> None:
    verdict = compare(ledgers)
    assert found(verdict) == {name: 1}
    assert verdict.is_clean


def test_a_fault_excuses_nothing_that_was_stored() -> None:
    explained = Witnessed(unanswered=frozenset({"code-2"}), interrupted=frozenset({"code-2"}))
    assert found(compare(replace(CLEAN, held=(), witnessed=explained))) == {"lost": 1}


def past_the_ledger(rescued: str, token: str) -> Ledgers:
    witnessed = Witnessed(delivered=frozenset({"attempt-1", "attempt-2"}), rescued=frozenset({rescued}))
    return replace(CLEAN, held=(Held("owner", token),), witnessed=witnessed)


def test_a_grant_that_went_past_the_ledger_may_stay_only_if_it_is_the_newest() -> None:
    assert compare(past_the_ledger("attempt-2", "token-2")).is_clean
    assert compare(past_the_ledger("attempt-1", "token-2")).is_clean
    assert found(compare(past_the_ledger("attempt-1", "token-1"))) == {"wrong-token": 1}


def test_a_seed_always_plans_the_same() -> None:
    assert plan.installs(7, 100) == plan.installs(7, 100) != plan.installs(8, 100)
    first, again, other = (list(islice(plan.faults(seed), 300)) for seed in (7, 7, 8))
    assert first == again != other
    assert [fault.at for fault in first] == sorted(fault.at for fault in first)
    assert {fault.kind for fault in first} == {kind for lane in plan.LANES.values() for kind in lane.kinds}


def test_forty_installs_under_faults_lose_nothing() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--installs", "40", "--concurrency", "4", "--seed", "8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "40 installs" in done.stdout
