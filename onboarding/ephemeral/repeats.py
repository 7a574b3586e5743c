"""What a form made a moment ago, so that the same form sent twice makes one thing."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from onboarding.ephemeral.store import Redis, answering, keep_first

KEPT: Final = timedelta(minutes=1)


class Repeats:
    def __init__(self, client: Redis) -> None:
        self._redis = client

    def first(self, form: str, made: str) -> str:
        """What the form made first within a minute: this, unless it was sent before."""
        return keep_first(self._redis, _key(form), made, KEPT)

    def replace(self, form: str, made: str) -> None:
        """What it made before is of no use any more."""
        with answering():
            self._redis.set(_key(form), made, ex=KEPT)


def _key(form: str) -> str:
    return f"onboarding:repeat:{hashlib.sha256(form.encode(errors='surrogatepass')).hexdigest()}"
