"""What Slack and Novu said when they were last asked, so that all processes ask once a minute together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from onboarding.ephemeral.store import Redis, answering
from onboarding.model.errors import Problem

KEY: Final = "onboarding:checks"
KEPT: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Checked:
    slack: tuple[Problem, ...]
    novu: tuple[Problem, ...]
    at: datetime


class Checks:
    def __init__(self, client: Redis) -> None:
        self._redis = client

    def put(self, checked: Checked) -> None:
        rows = [[[each.name, each.message] for each in part] for part in (checked.slack, checked.novu)]
        with answering():
            self._redis.set(KEY, json.dumps([*rows, checked.at.timestamp()]), ex=KEPT)

    def get(self) -> Checked | None:
        with answering():
            held = self._redis.get(KEY)
        if held is None:
            return None
        slack, novu, at = json.loads(str(held))
        return Checked(_problems(slack), _problems(novu), datetime.fromtimestamp(at, UTC))


def _problems(rows: list[list[str]]) -> tuple[Problem, ...]:
    return tuple(Problem(name, message) for name, message in rows)
