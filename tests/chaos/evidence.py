"""Gathers the ledgers of a run: from the local Slack and Novu, PostgreSQL, the logs and the visitors themselves."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from onboarding.sandbox.novu import Novu
from onboarding.sandbox.slack import Slack
from onboarding.sandbox.slack.model import SlackError
from tests.aging import Database
from tests.chaos.ledgers import LEEWAY, Granted, Held, Kept, Ledgers, Record, Told, Witnessed
from tests.chaos.visitor import Try, Visit
from tests.chaos.wire import Wire
from tests.hosting import Host

ATTEMPTS: Final = """
    SELECT a.*, EXISTS (SELECT FROM work WHERE kind = 'deliver' AND subject = a.id) AS has_work FROM attempt a
"""
STRAY: Final = """
    SELECT subject FROM work WHERE kind = 'deliver' AND NOT EXISTS (SELECT FROM attempt WHERE id = subject)
"""
CONNECTIONS: Final = """
    SELECT subscriber_id, attempt_id, state, placed ->> 'id' AS target
    FROM connection LEFT JOIN destination USING (owner)
"""
EVENTS: Final = "SELECT id, data ->> 'subscriberId' AS owner, sequence, type, status FROM event ORDER BY sequence"
UNTOLD: Final = """
    SELECT 1 FROM event WHERE status IN ('pending', 'failed')
    UNION ALL SELECT 1 FROM work WHERE kind = 'check' AND due_at <= now() + interval '1 minute'
"""
TALLY: Final = """
    SELECT CASE WHEN day IS NULL THEN 'now ' ELSE 'of a day ' END || name AS name, sum(number)::bigint AS number
    FROM tally_mark GROUP BY 1 HAVING sum(number) <> 0
"""


def read(database: Database) -> Kept:
    """What PostgreSQL holds."""
    attempts = database.execute(ATTEMPTS).fetchall()
    records = {
        each["id"]: Record(
            each["status"], each["reason"] or "", each["grant_order"], each["sealed"] is not None, each["has_work"]
        )
        for each in attempts
    }
    strays = {each["subject"]: Record("forgotten", has_work=True) for each in database.execute(STRAY)}
    connections = database.execute(CONNECTIONS).fetchall()
    return Kept(
        records | strays,
        connections={each["subscriber_id"]: each["attempt_id"] for each in connections},
        states={each["subscriber_id"]: each["state"] for each in connections},
        events=tuple(
            Told(each["id"], each["owner"], each["sequence"], each["type"], each["status"])
            for each in database.execute(EVENTS)
        ),
        destinations={each["subscriber_id"]: each["target"] for each in connections if each["target"]},
        tally={each["name"]: each["number"] for each in database.execute(TALLY)},
        counted=Counter(number for each in attempts for number in _numbers(each))
        + Counter(f"now connection:{each['state']}" for each in connections),
    )


def is_anything_pending(database: Database) -> bool:
    due = "SELECT 1 FROM work WHERE kind IN ('deliver', 'destination', 'disconnect')"
    pending = f"SELECT 1 FROM attempt WHERE status = 'granted' UNION ALL {due}"
    return bool(database.execute(pending).fetchall())


def is_anything_untold(database: Database) -> bool:
    return bool(database.execute(UNTOLD).fetchall())


def given_up(database: Database) -> list[str]:
    """Events that the host has not taken in all their tries."""
    return [row["id"] for row in database.execute("SELECT id FROM event WHERE status = 'failed'")]


def received(host: Host) -> frozenset[str]:
    """The ids of the events that the host answered well, or may have."""
    return frozenset(headers["webhook-id"] for headers, _ in host.came)


def gather(
    visits: Iterable[Visit],
    kept: Kept,
    slack: tuple[Slack, Wire],
    novu: Novu,
    kills: Sequence[float],
    logs: Mapping[str, str],
    links: Iterable[str],
) -> Ledgers:
    state, wire = slack
    tries = {each.code: (visit, each) for visit in visits for each in visit.tries}
    log = "\n".join(logs.values())
    witnessed = Witnessed(
        unanswered=frozenset(wire.unanswered),
        interrupted=frozenset(each.code for _, each in tries.values() if _was_interrupted(each, kills)),
        delivered=frozenset(re.findall(r" connected attempt=(\S+)", log)),
        rescued=frozenset(re.findall(r" grant not stored attempt=(\S+)", log)),
        redeems=dict(wire.codes),
        missing=sum(map(int, re.findall(r" work made anew number=(\d+)", log))),
        leaks=tuple(_leaks(logs, _secrets(tries.values(), state, links))),
    )
    return Ledgers(tuple(_granted(state, tries)), kept, tuple(_held(novu, state)), witnessed)


def _numbers(attempt: Mapping[str, object]) -> Iterator[str]:
    """What an attempt adds to the numbers, by what they mean."""
    status, reason = attempt["status"], attempt["reason"]
    yield f"now {status}"
    if status in {"started", "granted"}:
        yield "now pending"
    if status == "failed" and attempt["sealed"]:
        yield "now waiting"
    yield "of a day started"
    is_connected = attempt["connection"] is not None
    facts = {
        "returned": attempt["returned_at"] is not None,
        "granted": attempt["grant_order"] is not None or is_connected,
        "connected": is_connected,
    }
    yield from (f"of a day {fact}" for fact, is_so in facts.items() if is_so)
    if reason and status != "connected":
        yield f"of a day lost:{reason}"


def _granted(slack: Slack, tries: Mapping[str, tuple[Visit, Try]]) -> Iterator[Granted]:
    for line in slack.grants:
        visit, each = tries[line.code]
        owner = visit.install.subscriber
        yield Granted(line.code, each.attempt_id, owner, line.token, line.issued_at.timestamp())


def _held(novu: Novu, slack: Slack) -> Iterator[Held]:
    leading: dict[str | None, list[str]] = defaultdict(list)
    for endpoint in novu.endpoints:
        leading[endpoint.connection_identifier].append(endpoint.endpoint["userId"])
    for connection in novu.connections:
        yield Held(
            connection.subscriber_id or "nobody",
            connection.token,
            tuple(leading[connection.identifier]),
            f"U{connection.workspace_id[1:]}",
            is_alive=_is_alive(slack, connection.token),
        )


def _is_alive(slack: Slack, token: str) -> bool:
    try:
        with slack.authenticated(token):
            return True
    except SlackError:
        return False


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
