"""Compares what Slack granted with what the attempts say and what Novu holds. Pure: takes ledgers, gives a verdict."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
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
    """An attempt as PostgreSQL has it, and whether a delivery is due.

    `sequence` is its place in the order of grants; None means that the ledger never heard of one.
    """

    status: str
    reason: str = ""
    sequence: int | None = None
    keeps_grant: bool = False
    has_work: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """An event for the host, as PostgreSQL has it."""

    id: str
    owner: str
    sequence: int
    type: str
    status: str = "delivered"


@dataclass(frozen=True, slots=True)
class Kept:
    """What PostgreSQL holds: `connections` and `destinations` by owner, `tally` and what it has to be."""

    records: Mapping[str, Record]
    connections: Mapping[str, str] = field(default_factory=dict)
    destinations: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Told, ...] = ()
    tally: Mapping[str, int] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """A connection at Novu, the people its endpoints lead to, and who approved."""

    owner: str
    token: str
    leads_to: tuple[str, ...] = ("somebody",)
    installer: str = "somebody"
    is_alive: bool = True
    """Whether Slack accepts the token."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What explains a grant that was never stored. `delivered` and `rescued` hold attempts, the others codes."""

    unanswered: frozenset[str] = frozenset()
    interrupted: frozenset[str] = frozenset()
    delivered: frozenset[str] = frozenset()
    rescued: frozenset[str] = frozenset()
    """Taken to Novu past the ledger, and recorded afterwards if at all: their place in the order tells nothing."""
    redeems: Mapping[str, int] = field(default_factory=dict)
    missing: int = 0
    """Grants whose delivery was not due, as the workers found."""
    leaks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ledgers:
    granted: tuple[Granted, ...]
    kept: Kept
    held: tuple[Held, ...]
    witnessed: Witnessed = field(default_factory=Witnessed)
    received: frozenset[str] = frozenset()
    """The ids of the events that came to the host."""


@dataclass(slots=True)
class Verdict:
    """Each finding names an attempt or an owner, never a secret. The first nine may not happen."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong_token: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    astray: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
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
            "astray": self.astray,
            "untrue": self.untrue,
            "untold": self.untold,
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
    for attempt_id, record in ledgers.kept.records.items():
        _judge_record(attempt_id, record, verdict)
    verdict.misplaced += [*_wrong_connections(ledgers), *_wrong_numbers(ledgers.kept)]
    verdict.astray += _astray(ledgers)
    verdict.untrue += _untrue(ledgers)
    verdict.untold += _untold(ledgers)
    if ledgers.witnessed.missing:
        verdict.misplaced.append(f"workers found {ledgers.witnessed.missing} grants whose delivery was not due")
    verdict.leaked += ledgers.witnessed.leaks
    return verdict


def _judge_record(attempt_id: str, record: Record, verdict: Verdict) -> None:
    if record.status == "granted":
        verdict.stuck.append(attempt_id)
    elif record.keeps_grant and (record.status != "failed" or record.reason in HOPELESS):
        verdict.leaked.append(f"{attempt_id} is {record.status} and its grant is still there")
    if record.has_work != (record.status == "granted"):
        verdict.misplaced.append(f"{attempt_id} is {record.status} and its delivery is {_due(record)}")


def _due(record: Record) -> str:
    return "due" if record.has_work else "not due"


def _wrong_connections(ledgers: Ledgers) -> Iterator[str]:
    """Owners whose connection is another one at Novu, unless it may be: something went past the ledger."""
    attempts = {grant.token: grant.attempt_id for grant in ledgers.granted}
    excused = _excused(ledgers)
    for held in ledgers.held:
        known = ledgers.kept.connections.get(held.owner)
        if known != attempts.get(held.token) and held.owner not in excused:
            yield f"{held.owner} is connected by {known or 'nobody'}, and Novu has {attempts.get(held.token)}"


def _astray(ledgers: Ledgers) -> Iterator[str]:
    """Connections whose notifications go to nobody, to several, or to anybody but who approved."""
    excused = _excused(ledgers)
    for held in ledgers.held:
        known = ledgers.kept.destinations.get(held.owner, held.installer)
        if len(held.leads_to) > 1 or (held.leads_to != (held.installer,) and held.owner not in excused):
            yield f"{held.owner} leads to {held.leads_to or 'nobody'}, and {held.installer} approved"
        elif known not in held.leads_to and held.owner not in excused:
            yield f"{held.owner} leads to {held.leads_to}, and the ledger says {known}"


def _untrue(ledgers: Ledgers) -> Iterator[str]:
    """Connections that the ledger calls working although Slack refuses their token, and the other way round."""
    excused = _excused(ledgers)
    for held in ledgers.held:
        state, true = ledgers.kept.states.get(held.owner), "working" if held.is_alive else "broken"
        if state is not None and state != true and held.owner not in excused:
            yield f"{held.owner} is {state}, and Slack says {true}"


def _untold(ledgers: Ledgers) -> Iterator[str]:
    """Owners whose events have gaps, did not come to the host, or tell another story than the ledger."""
    events: dict[str, list[Told]] = defaultdict(list)
    for event in ledgers.kept.events:
        events[event.owner].append(event)
        if event.status != "delivered" or event.id not in ledgers.received:
            yield f"{event.owner} {event.type} is {event.status}, and the host has not received it"
    for owner, told in events.items():
        if [event.sequence for event in told] != list(range(1, len(told) + 1)):
            yield f"{owner} has events {[event.sequence for event in told]}"
    for owner, state in ledgers.kept.states.items():
        last = next((each.type for each in reversed(events[owner]) if each.type.startswith("connection.")), "nothing")
        if (last == "connection.broken") != (state == "broken") or last == "nothing":
            yield f"{owner} is {state}, and the host was last told {last}"


def _excused(ledgers: Ledgers) -> set[str]:
    return {grant.owner for grant in ledgers.granted if not _is_in_order(ledgers, grant)}


def _wrong_numbers(kept: Kept) -> Iterator[str]:
    for name in sorted({*kept.tally, *kept.counted}):
        told, true = kept.tally.get(name, 0), kept.counted.get(name, 0)
        if told != true:
            yield f"{told} attempts are said to be {name}, and {true} are"


def _judge_redeems(ledgers: Ledgers, verdict: Verdict) -> None:
    grants = Counter(grant.code for grant in ledgers.granted)
    attempts = {grant.code: grant.attempt_id for grant in ledgers.granted}
    verdict.doubled += [f"{attempts[code]} was granted {times} times" for code, times in grants.items() if times > 1]
    for code, times in ledgers.witnessed.redeems.items():
        if times > 1:
            verdict.doubled.append(f"{attempts.get(code, 'an attempt')} asked Slack {times} times")


def _judge_unstored(ledgers: Ledgers, grant: Granted, verdict: Verdict) -> None:
    """What became of a grant that no attempt stored. Without an explanation it is lost."""
    record, seen = ledgers.kept.records.get(grant.attempt_id), ledgers.witnessed
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
    """The grant stored last, or one that went to Novu past the ledger since then."""
    given = list(grants)
    stored = [grant for grant in given if _sequence(ledgers, grant)]
    in_order = [grant for grant in stored if _is_in_order(ledgers, grant)]
    latest = max(in_order, key=lambda grant: _sequence(ledgers, grant), default=None)
    rescued = [
        grant
        for grant in given
        if grant.attempt_id in ledgers.witnessed.delivered
        and not _is_in_order(ledgers, grant)
        and (latest is None or grant.issued_at > latest.issued_at)
    ]
    recorded = max(stored, key=lambda grant: _sequence(ledgers, grant), default=None)
    return [*filter(None, [latest, recorded]), *rescued]


def _is_in_order(ledgers: Ledgers, grant: Granted) -> bool:
    """Whether it was stored before it went to Novu."""
    return _sequence(ledgers, grant) > 0 and grant.attempt_id not in ledgers.witnessed.rescued


def _sequence(ledgers: Ledgers, grant: Granted) -> int:
    """Its place in the order of grants, which begins at 1."""
    record = ledgers.kept.records.get(grant.attempt_id)
    return (record.sequence or 0) if record else 0
