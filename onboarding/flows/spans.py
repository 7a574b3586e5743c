"""What a tracing system is told, if there is one: which step ran, for how long, and what came of it.

Nothing here may hold a URL, a code, a token, a link or what an exception says: attributes are ids and words.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Final, Protocol, Self, TypedDict, Unpack


class About(TypedDict, total=False):
    """All that a span may tell. None tells nothing; `status` is that of an HTTP answer."""

    attempt: str | None
    event: str
    event_type: str
    integration: str | None
    outcome: str
    reason: str | None
    status: int | None
    tries: int


class Span(Protocol):
    def note(self, *, is_error: bool = False, **about: Unpack[About]) -> None: ...


class Spans(Protocol):
    def span(self, name: str, traceparent: str | None = None, **about: Unpack[About]) -> AbstractContextManager[Span]:
        """A step. `traceparent` is where the host's own trace stands, to be linked to. An exception passes through."""
        ...

    def close(self) -> None:
        """Send what has not been sent yet, within seconds."""
        ...


class _Untold:
    """No tracing: every span is this one."""

    def span(self, *_: Any, **__: Any) -> Self:
        return self

    def note(self, **_: Any) -> None:
        pass

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


UNTOLD: Final[Spans] = _Untold()
