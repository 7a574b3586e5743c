"""Compares what Slack granted with what the attempts say and what Novu holds. Pure: takes ledgers, gives a verdict."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

LEEWAY: Final = 0.5
"""Seconds between a kill and the moment a browser may notice."""
HOPELESS: Final = frozenset({"superseded", "grant_lost"})
"""Reasons of failure after which there is no grant to keep."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A line of Slack's ledger, and which attempt it was for."""

    code: str
    attempt_id: str
    owner: str
    token: str
    issued_at: float


@dataclass(frozen=True, slots=True)
class Record:
    """An attempt as Redis has it, and the standings it is listed under, if anybody looked.

    `sequence` is its place in the order of stored grants; None means never stored.
    """

    status: str
    reason: str = ""
    sequence: int | None = None
    keeps_grant: bool = False
    standings: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A connection at Novu."""

    owner: str
    token: str


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What explains a grant that was never stored. Sets hold codes, apart from `delivered`: attempts."""

    unanswered: frozenset[str] = frozenset()
    interrupted: frozenset[str] = frozenset()
    delivered: frozenset[str] = frozenset()
    redeems: Mapping[str, int] = field(default_factory=dict)
    leaks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ledgers:
    granted: tuple[Granted, ...]
    records: Mapping[str, Record]
    held: tuple[Held, ...]
    witnessed: Witnessed = field(default_factory=Witnessed)


@dataclass(slots=True)
class Verdict:
    """Each finding names an attempt or an owner, never a secret. The first six may not happen."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong_token: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    unavoidable: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, list[str]]:
        return {
            "lost": self.lost,
            "doubled": self.doubled,
            "wrong-token": self.wrong_token,
            "stuck": self.stuck,
            "leaked": self.leaked,
            "misplaced": self.misplaced,
        }

    @property
    def is_clean(self) -> bool:
        return not any(self.faults.values())


def compare(ledgers: Ledgers) -> Verdict:
    verdict = Verdict()
    _judge_redeems(ledgers, verdict)
    for grant in ledgers.granted:
        _judge_unstored(ledgers, grant, verdict)
    _judge_owners(ledgers, verdict)
    for attempt_id, record in ledgers.records.items():
        if record.status == "granted":
            verdict.stuck.append(attempt_id)
        elif record.keeps_grant and (record.status != "failed" or record.reason in HOPELESS):
            verdict.leaked.append(f"{attempt_id} is {record.status} and its grant is still there")
        if not _stands_right(record):
            listed = ", ".join(sorted(record.standings or ())) or "no list"
            verdict.misplaced.append(f"{attempt_id} is {record.status} and stands in {listed}")
    verdict.leaked += ledgers.witnessed.leaks
    return verdict


def _stands_right(record: Record) -> bool:
    """Whether the attempt is in the lists it belongs to and in no other."""
    if record.standings is None:
        return True
    if record.status == "started":
        return record.standings in ({"started", "pending"}, {"expired"})
    if record.status == "granted":
        return record.standings == {"granted", "pending"}
    return record.standings - {"waiting"} == {record.status} and ("waiting" in record.standings) <= record.keeps_grant


def _judge_redeems(ledgers: Ledgers, verdict: Verdict) -> None:
    grants = Counter(grant.code for grant in ledgers.granted)
    attempts = {grant.code: grant.attempt_id for grant in ledgers.granted}
    verdict.doubled += [f"{attempts[code]} was granted {times} times" for code, times in grants.items() if times > 1]
    for code, times in ledgers.witnessed.redeems.items():
        if times > 1:
            verdict.doubled.append(f"{attempts.get(code, 'an attempt')} asked Slack {times} times")


def _judge_unstored(ledgers: Ledgers, grant: Granted, verdict: Verdict) -> None:
    """What became of a grant that no attempt stored. Without an explanation it is lost."""
    record, seen = ledgers.records.get(grant.attempt_id), ledgers.witnessed
    if record and record.sequence is not None:
        return
    if grant.attempt_id in seen.delivered or any(held.token == grant.token for held in ledgers.held):
        if record is None or record.status != "connected":
            verdict.unrecorded.append(grant.attempt_id)
    elif grant.code in seen.unanswered:
        verdict.unanswered.append(grant.attempt_id)
    elif grant.code in seen.interrupted:
        verdict.unavoidable.append(grant.attempt_id)
    else:
        verdict.lost.append(f"{grant.attempt_id} was granted and never stored, and nobody was killed")


def _judge_owners(ledgers: Ledgers, verdict: Verdict) -> None:
    grants: dict[str, list[Granted]] = defaultdict(list)
    for grant in ledgers.granted:
        grants[grant.owner].append(grant)
    tokens: dict[str, list[str]] = defaultdict(list)
    for held in ledgers.held:
        tokens[held.owner].append(held.token)
    verdict.doubled += [f"{owner} has {len(held)} connections" for owner, held in tokens.items() if len(held) > 1]
    for owner, given in grants.items():
        wanted = _wanted(ledgers, given)
        names = ", ".join(grant.attempt_id for grant in wanted)
        if wanted and not tokens[owner]:
            verdict.lost.append(f"{owner} has no connection; its latest grant is {names}")
        elif wanted and not {grant.token for grant in wanted} & set(tokens[owner]):
            other = ", ".join(grant.attempt_id for grant in given if grant.token in tokens[owner]) or "nobody"
            verdict.wrong_token.append(f"{owner} holds the token of {other}; its latest grant is {names}")


def _wanted(ledgers: Ledgers, grants: Iterable[Granted]) -> list[Granted]:
    """The grant stored last, or one that went to Novu past the store since then."""
    stored = [(record.sequence, grant) for grant, record in _recorded(ledgers, grants) if record.sequence is not None]
    latest = max(stored, key=lambda pair: pair[0])[1] if stored else None
    known = {grant.attempt_id for _, grant in stored}
    rescued = [
        grant
        for grant in grants
        if grant.attempt_id in ledgers.witnessed.delivered
        and grant.attempt_id not in known
        and (latest is None or grant.issued_at > latest.issued_at)
    ]
    return [*([latest] if latest else []), *rescued]


def _recorded(ledgers: Ledgers, grants: Iterable[Granted]) -> list[tuple[Granted, Record]]:
    return [(grant, ledgers.records[grant.attempt_id]) for grant in grants if grant.attempt_id in ledgers.records]
