"""What is asked of Redis, one round trip each. A Redis in trouble is `StoreUnavailable`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final, cast

import redis

from onboarding.attempts import record
from onboarding.errors import StoreUnavailable, TooManyStarts
from onboarding.model import STATE_LIFETIME, Attempt, Event, Grant, LastConnection, Reason, Secret, Status

PREFIX: Final = "onboarding"
TIMEOUT: Final = 1.0
MOST_STARTS: Final = 30
STARTS_WINDOW: Final = timedelta(hours=1)
ABANDONED_AFTER: Final = timedelta(hours=12)
GRANT_KEPT: Final = timedelta(days=7)
DELIVERY_KEPT: Final = GRANT_KEPT + timedelta(days=1)
"""How long a grant on its way to Novu stays: longer than anybody tries to deliver it."""


class Claim(StrEnum):
    CLAIMED = "claimed"
    ALREADY_CLAIMED = "already_claimed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    OTHER_BROWSER = "other_browser"


@dataclass(frozen=True, slots=True)
class _Step:
    """One move of an attempt. `grant` says what becomes of the sealed grant: seal, keep or drop it."""

    allowed_from: Sequence[Status]
    event: Event
    life: timedelta
    fields: dict[str, str]
    grant: str = "drop"
    sealed: str | None = None
    connection: LastConnection | None = None

    def to_json(self) -> str:
        step: dict[str, Any] = {
            "from": [status.value for status in self.allowed_from],
            "event": record.dump_event(self.event),
            "life": _seconds(self.life),
            "fields": self.fields,
            "grant": self.grant,
            "grant_life": _seconds(GRANT_KEPT if self.sealed is None else DELIVERY_KEPT),
            "sealed": self.sealed,
        }
        if self.connection:
            step["connection"] = record.dump_connection(self.connection)
        return json.dumps(step)


class Attempts:
    """The attempts of one deployment. `retention` is how long a finished one stays readable."""

    def __init__(self, url: Secret, retention: timedelta) -> None:
        self._redis = redis.Redis.from_url(
            url.reveal(),
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=None,
            protocol=2,
            decode_responses=True,
        )
        self._retention = retention
        self._start, self._claim, self._move = map(self._script, ("start", "claim", "move"))

    def ping(self) -> None:
        with _answering():
            self._redis.ping()

    def start(self, attempt: Attempt) -> None:
        """Record a new attempt. Raises `TooManyStarts` when its link was started too often."""
        pairs = [part for pair in record.dump(attempt).items() for part in pair]
        limits = [MOST_STARTS, _seconds(STARTS_WINDOW), _seconds(ABANDONED_AFTER)]
        with _answering():
            wait = self._start([_key("starts", attempt.link.id), _key("attempt", attempt.id)], [*limits, *pairs])
        if wait >= 0:
            raise TooManyStarts(retry_after=max(wait, 1))

    def claim(self, attempt_id: str, browser_hash: str, now: datetime) -> tuple[Claim, Attempt | None]:
        """Give the attempt to this callback, or say why not. Only a successful claim brings it along."""
        oldest = record.dump_moment(now - STATE_LIFETIME)
        event = record.dump_event(Event(now, "returned"))
        with _answering():
            answer, *flat = self._claim(
                [_key("attempt", attempt_id)], [record.dump_moment(now), oldest, browser_hash, event]
            )
        claim = Claim(answer)
        if claim is not Claim.CLAIMED:
            return claim, None
        return claim, record.load(attempt_id, dict(zip(flat[::2], flat[1::2], strict=True)), now)

    def get(self, attempt_id: str, now: datetime) -> Attempt | None:
        with _answering():
            fields = cast("dict[str, str]", self._redis.hgetall(_key("attempt", attempt_id)))
        return record.load(attempt_id, fields, now) if fields else None

    def last_connection(self, identifier: str) -> LastConnection | None:
        with _answering():
            text = cast("str | None", self._redis.get(_key("connection", identifier)))
        return record.load_connection(text) if text else None

    def grant(self, attempt: Attempt, grant: Grant, sealed: str) -> bool:
        """Keep what Slack gave, sealed, until Novu has it."""
        step = _Step(
            allowed_from=[Status.STARTED],
            event=Event(grant.granted_at, "granted", grant.workspace.name),
            life=max(self._retention, DELIVERY_KEPT),
            fields={"status": Status.GRANTED.value, **record.dump_workspace(grant.workspace, grant.app_id)},
            grant="seal",
            sealed=sealed,
        )
        return self._go(attempt, step)

    def connect(self, attempt: Attempt, connection: LastConnection) -> bool:
        """Novu has it: the grant is erased."""
        step = _Step(
            allowed_from=[Status.STARTED, Status.GRANTED, Status.FAILED],
            event=Event(connection.connected_at, "connected", connection.workspace.name),
            life=self._retention,
            fields={
                "status": Status.CONNECTED.value,
                "reason": "",
                "detail": "",
                **record.dump_workspace(connection.workspace, connection.app_id),
            },
            connection=connection,
        )
        return self._go(attempt, step)

    def postpone(self, attempt: Attempt, detail: str, now: datetime) -> bool:
        """Novu did not take it this time; the grant waits."""
        step = _Step(
            allowed_from=[Status.GRANTED],
            event=Event(now, "delivery_postponed", detail),
            life=max(self._retention, DELIVERY_KEPT),
            fields={"detail": detail},
            grant="keep",
        )
        return self._go(attempt, step)

    def end(self, attempt: Attempt, reason: Reason, detail: str, now: datetime) -> bool:
        """No grant was given, or none that can be used."""
        status = Status.CANCELLED if reason in _CANCELLED else Status.FAILED
        step = _Step(
            allowed_from=[Status.STARTED],
            event=Event(now, status.value, detail or reason.value),
            life=self._retention,
            fields={"status": status.value, "reason": reason.value, "detail": detail},
        )
        return self._go(attempt, step)

    def reject(self, attempt: Attempt, reason: Reason, detail: str, now: datetime) -> bool:
        """Novu refused for good; the grant is kept for a person to try again."""
        step = _Step(
            allowed_from=[Status.GRANTED],
            event=Event(now, Status.FAILED.value, detail),
            life=max(self._retention, GRANT_KEPT),
            fields={"status": Status.FAILED.value, "reason": reason.value, "detail": detail},
            grant="keep",
        )
        return self._go(attempt, step)

    def _go(self, attempt: Attempt, step: _Step) -> bool:
        """Whether the attempt moved; it does not where another process was faster."""
        keys = [
            _key("attempt", attempt.id),
            _key("grant", attempt.id),
            _key("connection", attempt.link.identifier),
        ]
        with _answering():
            return bool(self._move(keys, [step.to_json()]))

    def _script(self, name: str) -> Any:
        return self._redis.register_script(files(__package__).joinpath(f"{name}.lua").read_text("utf-8"))


_CANCELLED: Final = {Reason.DENIED_BY_PERSON, Reason.NOT_PERMITTED, Reason.SLACK_REFUSED}


def _key(kind: str, name: str) -> str:
    return f"{PREFIX}:{kind}:{name}"


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise StoreUnavailable(type(error).__name__) from error
