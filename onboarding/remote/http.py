"""The one HTTP policy: pooled connections, bounded time and size, nothing taken from the environment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from queue import Empty, SimpleQueue
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
        self._connects = 1 + connect_again

    def send(  # noqa: PLR0913, PLR0917 (requests' own signature)
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        connect, read = timeout or (CONNECT_TIMEOUT, READ_TIMEOUT)

        def exchange() -> Response:
            response = HTTPAdapter.send(self, request, stream, (connect, read), verify, cert, proxies)
            response.raw = _BoundedBody(response.raw)
            _ = response.content
            return response

        return _within(self._connects * connect + read, exchange)


def _within(seconds: float, ask: Callable[[], Response]) -> Response:
    """Ask, but wait no longer than this. Sockets only time single reads, so a peer that drips could hold us for ever;
    such a request is left to itself."""
    answers: SimpleQueue[Response | Exception] = SimpleQueue()

    def run() -> None:
        try:
            answers.put(ask())
        except Exception as error:  # noqa: BLE001 (raised again by whoever waits)
            answers.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise ReadTimeout("the answer took too long") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


class _BoundedBody:
    """Stands before urllib3's response and stops reading at the limit."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def stream(self, amount: int, decode_content: bool) -> Iterator[bytes]:
        size = 0
        for chunk in self._raw.stream(amount, decode_content=decode_content):
            size += len(chunk)
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


def read_json(response: Response) -> object:
    """The body as JSON; ValueError for anything else, absurd nesting included."""
    try:
        return response.json()
    except RecursionError:
        raise ValueError("nested too deeply") from None
