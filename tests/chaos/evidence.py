"""Gathers the ledgers of a run: from the local Slack, the local Novu, Redis, the logs and the visitors themselves."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import redis

from onboarding.ledger import Standing
from onboarding.sandbox.novu import Novu
from onboarding.sandbox.slack import Slack
from tests.chaos.ledgers import LEEWAY, Granted, Held, Ledgers, Record, Witnessed
from tests.chaos.visitor import Try, Visit
from tests.chaos.wire import Wire

ATTEMPT: Final = "onboarding:attempt:"
GRANT: Final = "onboarding:grant:"
FIELDS: Final = ("status", "reason", "sequence")


def read_attempts(store: redis.Redis) -> dict[str, Record]:
    """Every attempt in Redis, by its id."""
    ids = [str(key).removeprefix(ATTEMPT) for key in store.scan_iter(f"{ATTEMPT}*", count=1000)]
    kept = {str(key).removeprefix(GRANT) for key in store.scan_iter(f"{GRANT}*", count=1000)}
    with store.pipeline(transaction=False) as pipe:
        for attempt_id in ids:
            pipe.hmget(ATTEMPT + attempt_id, *FIELDS)
        rows = pipe.execute()
    standings = _standings(store)
    return {id_: _record(row, id_ in kept, standings[id_]) for id_, row in zip(ids, rows, strict=True)} | {
        id_: Record("forgotten", keeps_grant=True) for id_ in kept.difference(ids)
    }


def is_anything_pending(store: redis.Redis) -> bool:
    return any(record.status == "granted" for record in read_attempts(store).values())


def gather(
    visits: Iterable[Visit],
    records: Mapping[str, Record],
    slack: tuple[Slack, Wire],
    novu: Novu,
    kills: Sequence[float],
    logs: Mapping[str, str],
    links: Iterable[str],
) -> Ledgers:
    state, wire = slack
    tries = {each.code: (visit, each) for visit in visits for each in visit.tries}
    witnessed = Witnessed(
        unanswered=frozenset(wire.unanswered),
        interrupted=frozenset(each.code for _, each in tries.values() if _was_interrupted(each, kills)),
        delivered=frozenset(re.findall(r" connected attempt=(\S+)", "\n".join(logs.values()))),
        redeems=dict(wire.codes),
        leaks=tuple(_leaks(logs, _secrets(tries.values(), state, links))),
    )
    return Ledgers(tuple(_granted(state, tries)), records, tuple(_held(novu)), witnessed)


def _standings(store: redis.Redis) -> dict[str, set[str]]:
    """The standings that each attempt is listed under."""
    found: dict[str, set[str]] = defaultdict(set)
    for standing in Standing:
        for attempt_id in store.zrange(f"onboarding:list:status:{standing}", 0, -1):
            found[str(attempt_id)].add(standing.value)
    return found


def _record(row: list[str | None], keeps_grant: bool, standings: Iterable[str]) -> Record:
    status, reason, sequence = row
    return Record(status or "", reason or "", int(sequence) if sequence else None, keeps_grant, frozenset(standings))


def _granted(slack: Slack, tries: Mapping[str, tuple[Visit, Try]]) -> Iterator[Granted]:
    for line in slack.grants:
        visit, each = tries[line.code]
        owner = visit.install.subscriber
        yield Granted(line.code, each.attempt_id, owner, line.token, line.issued_at.timestamp())


def _held(novu: Novu) -> Iterator[Held]:
    for connection in novu.connections:
        yield Held(connection.subscriber_id or "nobody", connection.token)


def _was_interrupted(each: Try, kills: Sequence[float]) -> bool:
    """Whether a callback broke while a web process was killed, and the person never heard of a grant."""
    return each.told is None and any(
        sent <= kill <= broke + LEEWAY for sent, broke in each.broken for kill in kills if kill >= broke - LEEWAY
    )


def _secrets(tries: Iterable[tuple[Visit, Try]], slack: Slack, links: Iterable[str]) -> dict[str, str]:
    """What no log may hold, and what to call it."""
    secrets = {link.rpartition("/")[2]: "an install link" for link in links}
    for _, each in tries:
        secrets |= {each.state: f"the state of {each.attempt_id}", each.code: f"the code of {each.attempt_id}"}
    return secrets | {line.token: f"a token of {line.workspace_id}" for line in slack.grants}


def _leaks(logs: Mapping[str, str], secrets: Mapping[str, str]) -> Iterator[str]:
    for log, text in logs.items():
        yield from (f"{name} is in the log of {log}" for secret, name in secrets.items() if secret in text)
