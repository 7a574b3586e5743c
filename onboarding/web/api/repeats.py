"""The Idempotency-Key: the same answer to the same request under the same key of one host, for a day."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from onboarding.clock.deadline import Deadline
from onboarding.ephemeral.answers import Answer
from onboarding.model.errors import Problem, StoreUnavailable
from onboarding.web.api.callers import Caller
from onboarding.web.api.problems import Invalid, Refused
from onboarding.web.context import wiring

KEY: Final = "Idempotency-Key"
KEY_PATTERN: Final = r"[ -~]{1,255}"
PATIENCE: Final = 15.0
"""How long a request waits for an earlier one under the same key to finish."""
AGAIN_AFTER: Final = 0.1
STILL_AT_WORK: Final = "The same request under this Idempotency-Key is still at work. Please try again in a moment."

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request under a key, with a fingerprint of what it asks for."""

    caller: Caller
    key: str
    fingerprint: str

    def find(self) -> Content | None:
        """What was answered before. Raises `Invalid` if that was to another request."""
        kept = wiring().ephemeral.answers.find(self.caller.key, self.key)
        return self.same(kept) if kept else None

    def keep(self, content: Content) -> Answer:
        """The answer that counts: this one, unless another request was faster."""
        return wiring().ephemeral.answers.keep(self.caller.key, self.key, Answer(self.fingerprint, content))

    def same(self, answer: Answer) -> Content:
        """What was answered, if it was to this request. Raises `Invalid`."""
        if answer.fingerprint != self.fingerprint:
            raise Invalid([Problem(KEY, "was used with another body in the last 24 hours")])
        return answer.content

    def once(self, do: Callable[[], Content]) -> Content:
        """Do it, unless it has been done. The same request made meanwhile waits for the answer."""
        answers, deadline = wiring().ephemeral.answers, Deadline(PATIENCE)
        while not answers.claim(self.caller.key, self.key):
            if deadline.remaining <= 0:
                raise Refused(503, STILL_AT_WORK)
            time.sleep(AGAIN_AFTER)
        try:
            return self.find() or self.same(self.keep(do()))
        finally:
            with suppress(StoreUnavailable):
                answers.release(self.caller.key, self.key)


def once(caller: Caller, key: str | None, asked: str, do: Callable[[], Content]) -> Content:
    """Answer a call without a body; `asked` says what it asks for. Raises `Invalid`."""
    if broken := problems(key):
        raise Invalid(broken)
    return do() if key is None else Keyed(caller, key, fingerprint(asked)).once(do)


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def problems(key: str | None) -> list[Problem]:
    """What is wrong with a key."""
    if key is None or re.fullmatch(KEY_PATTERN, key):
        return []
    return [Problem(KEY, "must be 1 to 255 printable ASCII characters")]
