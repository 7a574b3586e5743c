"""One request to Novu, and what its answer means."""

from __future__ import annotations

import json
import time
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.model.errors import NovuError
from onboarding.remote.failure import NoAnswer
from onboarding.remote.http import Answer, Call, Http
from onboarding.remote.novu import wire
from onboarding.settings.apps import NovuSettings

FIRST_WAIT: Final = 0.5


class Calls:
    """Asks one Novu environment. Every call raises `NovuError` when Novu did not do it."""

    def __init__(self, settings: NovuSettings, http: Http) -> None:
        self._url = settings.url
        self._secret_key = settings.secret_key
        self._headers = {"Authorization": f"ApiKey {settings.secret_key.reveal()}", "Accept": "application/json"}
        self._http = http

    def call(self, method: str, path: str, deadline: Deadline, key: str = "", body: object = None) -> object:
        """One request, tried again as often as the deadline allows. Every write has a key, so that none doubles."""
        for again in range(deadline.tries - 1, -1, -1):
            try:
                return self.read(self.ask(method, path, deadline, key, body))
            except NovuError as error:
                wait = max(error.retry_after or 0, FIRST_WAIT * 2 ** (deadline.tries - 1 - again))
                if not error.is_transient or not again or wait > deadline.remaining:
                    raise
                time.sleep(wait)
        raise AssertionError("a deadline allows at least one try")

    def ask(self, method: str, path: str, deadline: Deadline, key: str = "", body: object = None) -> Answer:
        if deadline.remaining <= 0:
            raise NovuError("no time left to ask")
        headers = {**self._headers, "Idempotency-Key": key} if key else self._headers
        content = None
        if body is not None:
            headers = {**headers, "Content-Type": "application/json"}
            content = json.dumps(body).encode()
        call = _call(method, path) if self._http.is_watched else None
        try:
            return self._http.ask(method, self._url + path, headers, content, deadline, call=call)
        except NoAnswer as error:
            raise NovuError(error.failure.value) from None

    def read(self, answer: Answer) -> object:
        if not answer.is_good:
            raise wire.read_error(answer, self._secret_key)
        if answer.status == 204:
            return None
        try:
            return answer.json()
        except ValueError:
            raise NovuError("the answer is not JSON") from None


def _call(method: str, path: str) -> Call:
    """`GET /v1/channel-connections/<identifier>` is always the same call, whoever it is about."""
    parts = path.partition("?")[0].split("/")
    parts[3:4] = ["{identifier}"] if len(parts) > 3 else []
    return Call("novu", f"{method} {'/'.join(parts)}")
