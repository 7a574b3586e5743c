"""What can be made to go wrong with calls of the Web API, method by method."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Final

ANY: Final = "*"
KINDS: Final = {
    "html": "HTTP 200 with a web page, as from a proxy.",
    "unknown_error": "ok: false with an unheard-of error.",
    "error": "ok: false with the error named below.",
    "rate_limited": "HTTP 429, ratelimited, Retry-After 30 or as below.",
    "rate_limited_long": "The same with Retry-After 3600.",
    "server_error": "HTTP 500 with a web page.",
    "endless_cursor": "Lists always name a next page.",
    "slow": "Done, and answered some seconds later.",
    "hang": "Done, and answered far too late.",
    "truncated": "Done; half of the answer arrives.",
    "reset_before": "Not done; the connection closes.",
    "reset_after": "Done; the connection closes.",
}
ALIASES: Final = {"500": "server_error", "429": "rate_limited"}
_ERROR: Final = re.compile(r"[a-z_]{1,80}")


@dataclass(frozen=True, slots=True)
class Fault:
    """`count` is how many calls it strikes yet; None means until it is cleared."""

    method: str
    kind: str
    count: int | None = None
    error: str = "flux_capacitor_missing"
    retry_after: int = 30


class Faults:
    """At most one for each method, and one for any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_method: dict[str, Fault] = {}

    def set(
        self, method: str, kind: str, count: int | None = None, *, error: str = "internal_error", retry_after: int = 30
    ) -> None:
        """ValueError for what no fault can be; kind "none" clears the method's."""
        kind = ALIASES.get(kind, kind)
        if kind != "none" and (kind not in KINDS or not _ERROR.fullmatch(error) or (count is not None and count < 1)):
            raise ValueError("No such fault.")
        with self._lock:
            self._by_method.pop(method, None)
            if kind != "none":
                self._by_method[method] = _made(method, kind, count, error, retry_after)

    def clear(self) -> None:
        with self._lock:
            self._by_method.clear()

    @property
    def current(self) -> tuple[Fault, ...]:
        with self._lock:
            return tuple(self._by_method.values())

    def strike(self, method: str) -> Fault | None:
        """The fault of this call, if any; that uses it up once."""
        with self._lock:
            fault = self._by_method.get(method) or self._by_method.get(ANY)
            if fault and fault.count is not None:
                del self._by_method[fault.method]
                if fault.count > 1:
                    left = Fault(fault.method, fault.kind, fault.count - 1, fault.error, fault.retry_after)
                    self._by_method[fault.method] = left
            return fault


def _made(method: str, kind: str, count: int | None, error: str, retry_after: int) -> Fault:
    if kind == "unknown_error":
        return Fault(method, "error", count)
    if kind == "rate_limited_long":
        return Fault(method, "rate_limited", count, retry_after=3600)
    return Fault(method, kind, count, error, retry_after)
