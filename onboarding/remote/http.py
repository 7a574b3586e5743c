"""The one HTTP policy: pooled connections, bounded time and size, nothing taken from the environment.

A request goes again, once, if it never left. One that did is not repeated here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from requests import PreparedRequest, RequestException
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from onboarding.clock.deadline import Deadline
from onboarding.model import Secret
from onboarding.remote import pools
from onboarding.remote.failure import Failure, NoAnswer, failure_of
from onboarding.settings.addresses import is_loopback

CONNECT_TIMEOUT: Final = 3.0
READ_TIMEOUT: Final = 10.0
LONGEST: Final = 2 * CONNECT_TIMEOUT + READ_TIMEOUT
"""Seconds for a request whose caller sets no deadline."""
MOST_BYTES: Final = 1_048_576
POOL_SIZE: Final = 64
TRUSTED_FOR: Final = 30.0
"""Seconds that a connection may lie idle and still be used."""
Permits = Callable[[list[str]], bool]
USER_AGENT: Final = "slack-onboarding-for-novu"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How to get out: the proxy to ask, and a file of further certificate authorities to trust."""

    proxy: Secret | None = None
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    reason: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> object:
        """The body as JSON; ValueError for anything else, absurd nesting included."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deeply") from None


@dataclass(frozen=True, slots=True)
class Call:
    """Who is asked for what, in words that name no customer. `is_yes` tells what an answer means."""

    upstream: str
    name: str
    is_yes: Callable[[Answer], bool] = lambda answer: answer.is_good


Watch = Callable[[Call, str, float], None]
"""Hears of each call how it ended (`ok`, `refused`, `failed`, `timeout` or `unreachable`) and how long it took."""


@dataclass(frozen=True, slots=True)
class Reading:
    """For how long an answer is waited for, and how much of it is read. `cuts` leaves the rest of a longer one out."""

    seconds: float
    most_bytes: int
    cuts: bool


class Http:
    """Requests to the few origins that this service knows. Clients and threads share it."""

    def __init__(
        self,
        outgoing: Outgoing | None = None,
        trusted_for: float = TRUSTED_FOR,
        *,
        permits: Permits | None = None,
        read_timeout: float = READ_TIMEOUT,
        watch: Watch | None = None,
    ) -> None:
        """`permits` says whether the addresses behind a name may be connected to; a proxy has to know that itself."""
        self._watch = watch
        self.is_watched = watch is not None
        self._adapter = _Adapter(outgoing or Outgoing(), trusted_for, permits)
        self._read_timeout = read_timeout

    def ask(  # noqa: PLR0913 (a request has that many parts)
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        deadline: Deadline | None = None,
        *,
        call: Call | None = None,
        most_bytes: int = MOST_BYTES,
        cuts: bool = False,
    ) -> Answer:
        """What the remote answers, whatever its status; redirects are not followed. Raises `NoAnswer`."""
        request = _prepared(method, url, headers, body)
        deadline, reading = deadline or Deadline(LONGEST), Reading(self._read_timeout, most_bytes, cuts=cuts)
        if call is None or self._watch is None:
            return self._ask(request, deadline, reading)
        began, outcome = time.monotonic(), "unreachable"
        try:
            answer = self._ask(request, deadline, reading)
            outcome = _outcome(call, answer)
            return answer
        except NoAnswer as error:
            outcome = "timeout" if error.failure is Failure.TIMED_OUT else outcome
            raise
        finally:
            self._watch(call, outcome, time.monotonic() - began)

    def _ask(self, request: PreparedRequest, deadline: Deadline, reading: Reading) -> Answer:
        try:
            return self._adapter.ask(request, deadline, reading)
        except _NeverLeft:
            if deadline.remaining <= 0:
                raise
        return self._adapter.ask(request, deadline, reading)

    def prepare(self, url: str) -> None:
        """Do now what the first request to this origin would otherwise wait for. Connects to nothing."""
        self._adapter.prepare(_prepared("GET", url, {}, None))

    def close(self) -> None:
        """Give every connection back."""
        self._adapter.close()


def _outcome(call: Call, answer: Answer) -> str:
    if answer.status >= 500:
        return "failed"
    return "ok" if call.is_yes(answer) else "refused"


class _NeverLeft(NoAnswer):
    """Not even the beginning of the request went out."""


class _Adapter(HTTPAdapter):
    """requests' way to urllib3, with our pools, and without what it would read anew for each connection."""

    def __init__(self, outgoing: Outgoing, trusted_for: float, permits: Permits | None) -> None:
        self._outgoing = outgoing
        rules: Any = {"trusted_for": trusted_for, "permits": None if outgoing.proxy else permits}
        self._classes: Any = {"http": partial(pools.Pool, **rules), "https": partial(pools.SecurePool, **rules)}
        self._pools: dict[tuple[str, str], HTTPConnectionPool] = {}
        super().__init__(pool_maxsize=POOL_SIZE)

    def ask(self, request: PreparedRequest, deadline: Deadline, reading: Reading) -> Answer:
        left = max(deadline.remaining, 0.002)
        connect = min(CONNECT_TIMEOUT, left / 2)
        read = min(reading.seconds, left - connect)
        exchange = pools.Exchange(connect + read)
        try:
            with exchange:
                answer = self._exchange(request, (connect, read), reading)
        except (RequestException, HTTPError, OSError, ValueError) as error:
            failure = failure_of(error, exchange.stage, is_overdue=exchange.is_overdue)
            raise (NoAnswer if exchange.has_sent else _NeverLeft)(failure) from None
        if exchange.is_overdue:
            # What was cut may look complete: a body without a length ends where the connection does.
            raise NoAnswer(Failure.TIMED_OUT)
        return answer

    def prepare(self, request: PreparedRequest) -> None:
        self.get_connection_with_tls_context(request, verify=True, proxies=self._proxies(request))

    def _exchange(self, request: PreparedRequest, timeouts: tuple[float, float], reading: Reading) -> Answer:
        proxies = self._proxies(request)
        with self.send(request, stream=True, timeout=timeouts, proxies=proxies) as response:
            body = response.raw.read(reading.most_bytes + 1, decode_content=True)
        if len(body) > reading.most_bytes and not reading.cuts:
            raise NoAnswer(Failure.TOO_LARGE)
        if response.status_code == 407 and proxies:
            raise NoAnswer(Failure.PROXY_REFUSED)
        return Answer(response.status_code, response.reason, response.headers, body)

    def _proxies(self, request: PreparedRequest) -> dict[str, str] | None:
        proxy = self._outgoing.proxy
        if proxy is None or is_loopback(urlsplit(str(request.url)).hostname or ""):
            return None
        return {"all": proxy.reveal()}

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._classes

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._classes
        return manager

    def get_connection_with_tls_context(
        self,
        request: Any,
        verify: Any,  # noqa: ARG002 (requests' own signature)
        proxies: Mapping[str, str] | None = None,
        cert: Any = None,  # noqa: ARG002
    ) -> HTTPConnectionPool:
        """The origin's pool. Looking it up as requests does takes a tenth of the time of a request."""
        parts = urlsplit(request.url)
        pool = self._pools.get(parts[:2])
        if pool is None:
            manager = self.proxy_manager_for(proxies["all"]) if proxies else self.poolmanager
            tls = {"ssl_context": pools.trust(self._outgoing.ca_file)} if parts.scheme == "https" else {}
            pool = manager.connection_from_host(parts.hostname, parts.port, parts.scheme, pool_kwargs=tls)
            self._pools[parts[:2]] = pool
        return pool

    def close(self) -> None:
        super().close()
        while self._pools:
            self._pools.popitem()[1].close()

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: requests would make every new connection read the authorities again."""


def _prepared(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> PreparedRequest:
    """A request as it is. requests' own preparation takes a URL apart that we have just put together."""
    request = PreparedRequest()
    request.method, request.url, request.body = method, url, body
    length = {} if body is None else {"Content-Length": str(len(body))}
    request.headers = CaseInsensitiveDict({"User-Agent": USER_AGENT, **headers, **length})
    return request
