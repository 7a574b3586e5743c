"""The one HTTP policy: pooled connections, bounded time and size, nothing taken from the environment."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ContentDecodingError, ReadTimeout
from urllib3 import Retry

CONNECT_TIMEOUT: Final = 3.0
READ_TIMEOUT: Final = 10.0
MOST_BYTES: Final = 1_048_576
POOL_SIZE: Final = 64


class Deadline:
    """A moment on the monotonic clock that several requests share, and how often each of them may be tried."""

    def __init__(self, seconds: float, tries: int = 1) -> None:
        self._ends = time.monotonic() + seconds
        self.tries = tries

    @property
    def remaining(self) -> float:
        return self._ends - time.monotonic()

    def timeouts(self) -> tuple[float, float]:
        """Connect and read timeouts for the next request, in seconds; together no more than what is left."""
        left = max(self.remaining, 0.002)
        connect = min(CONNECT_TIMEOUT, left / 2)
        return connect, min(READ_TIMEOUT, left - connect)


class BoundedAdapter(HTTPAdapter):
    """Gives every request both timeouts, and its whole answer a limit in time and in size.

    A request that never left goes again `connect_again` times; one that did, never by itself.
    """

    def __init__(self, connect_again: int = 0) -> None:
        again = Retry(total=connect_again, connect=connect_again, read=0, redirect=0, status=0, other=0)
        super().__init__(pool_connections=1, pool_maxsize=POOL_SIZE, max_retries=again)

    def send(  # noqa: PLR0913, PLR0917 (requests' own signature)
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        timeout = timeout or (CONNECT_TIMEOUT, READ_TIMEOUT)
        deadline = Deadline(sum(timeout))
        response = super().send(request, stream, timeout, verify, cert, proxies)
        response.raw = _BoundedBody(response.raw, deadline)
        return response


class _BoundedBody:
    """Stands before urllib3's response and stops reading at the limits."""

    def __init__(self, raw: Any, deadline: Deadline) -> None:
        self._raw = raw
        self._deadline = deadline

    def stream(self, amount: int, decode_content: bool) -> Iterator[bytes]:
        size = 0
        self._hurry()
        for chunk in self._raw.stream(amount, decode_content=decode_content):
            size += len(chunk)
            if size > MOST_BYTES:
                self._raw.close()
                raise ContentDecodingError("the answer is too large")
            self._hurry()
            yield chunk

    def _hurry(self) -> None:
        """Let the next read wait only for what is left; a read timeout alone starts anew with every byte."""
        if self._deadline.remaining <= 0:
            self._raw.close()
            raise ReadTimeout("the answer took too long")
        connection = self._raw.connection
        if connection is not None and connection.sock is not None:
            connection.sock.settimeout(self._deadline.remaining)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


def session(shared: BoundedAdapter) -> Session:
    """A session over a shared adapter that takes no proxy, password or certificate from the environment."""
    made = Session()
    configure(made, shared)
    return made


def configure(made: Session, shared: BoundedAdapter) -> None:
    made.trust_env = False
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.headers["User-Agent"] = "slack-onboarding-for-novu"
    made.mount("https://", shared)
    made.mount("http://", shared)
