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

# A request that never left may go again; one that did, never by itself.
CONNECT_AGAIN: Final = Retry(total=1, connect=1, read=0, redirect=0, status=0, other=0)


class Deadline:
    """A moment on the monotonic clock that several requests share."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        return self._ends - time.monotonic()

    def timeouts(self) -> tuple[float, float]:
        """Connect and read timeouts for the next request, in seconds."""
        left = max(self.remaining, 0.001)
        return min(CONNECT_TIMEOUT, left), min(READ_TIMEOUT, left)


class BoundedAdapter(HTTPAdapter):
    """Gives every request both timeouts, and its whole answer a limit in time and in size."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=POOL_SIZE, max_retries=CONNECT_AGAIN)

    def send(  # noqa: PLR0913, PLR0917 (requests' own signature)
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        deadline = Deadline(READ_TIMEOUT if timeout is None else timeout[1])
        response = super().send(request, stream, timeout or (CONNECT_TIMEOUT, READ_TIMEOUT), verify, cert, proxies)
        response.raw = _BoundedBody(response.raw, deadline)
        return response


class _BoundedBody:
    """Stands before urllib3's response and stops reading at the limits."""

    def __init__(self, raw: Any, deadline: Deadline) -> None:
        self._raw = raw
        self._deadline = deadline

    def stream(self, amount: int, decode_content: bool) -> Iterator[bytes]:
        size = 0
        for chunk in self._raw.stream(amount, decode_content=decode_content):
            size += len(chunk)
            if self._deadline.remaining < 0:
                self._raw.close()
                raise ReadTimeout("the answer took too long")
            if size > MOST_BYTES:
                self._raw.close()
                raise ContentDecodingError("the answer is too large")
            yield chunk

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
