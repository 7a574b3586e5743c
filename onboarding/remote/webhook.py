"""The host's own endpoint: the only place to which this service sends on its own, and whose address it does not know.

Nothing is followed, nothing is taken from the environment, and the address that was looked at is the one that is used.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from onboarding.clock.deadline import Deadline
from onboarding.remote import retry_after
from onboarding.remote.failure import NoAnswer
from onboarding.remote.http import Http, Outgoing
from onboarding.remote.public import are_public
from onboarding.settings.addresses import is_loopback

SECONDS: Final = 15.0
MOST_BYTES: Final = 4096
"""Nobody reads the answer, only its status."""
LONGEST_RETRY_AFTER: Final = 86_400


@dataclass(frozen=True, slots=True)
class Answered:
    """The status of an answer; None without one, and then `why`."""

    status: int | None
    why: str = ""
    retry_after: int = 0

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Webhook:
    def __init__(self, url: str, allowed_hosts: frozenset[str], outgoing: Outgoing) -> None:
        self._url = url
        self.name = hashlib.sha256(url.encode()).hexdigest()[:16]
        """Stands for the address, which may hold a secret."""
        self.host = urlsplit(url).netloc
        host = (urlsplit(url).hostname or "").lower()
        is_trusted = host in allowed_hosts or is_loopback(host)
        self._http = Http(outgoing, permits=None if is_trusted else are_public, read_timeout=SECONDS)

    def post(self, headers: dict[str, str], body: bytes) -> Answered:
        sent = {**headers, "Content-Type": "application/json"}
        try:
            answer = self._http.ask("POST", self._url, sent, body, Deadline(SECONDS), most_bytes=MOST_BYTES, cuts=True)
        except NoAnswer as error:
            return Answered(None, error.failure.value)
        seconds = math.ceil(retry_after.seconds(answer.headers) or 0)
        return Answered(answer.status, retry_after=min(seconds, LONGEST_RETRY_AFTER))
