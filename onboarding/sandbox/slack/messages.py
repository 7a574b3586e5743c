"""What was posted, by conversation: the latest 200 of each. Not locked; the state that owns it is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

KEPT: Final = 200
CONVERSATIONS: Final = 5000


@dataclass(frozen=True, slots=True)
class Message:
    """`user` is who posted; `by_app` tells the app's bot from a person."""

    ts: str
    conversation: str
    user: str
    text: str
    by_app: bool = True
    blocks: tuple[Any, ...] = ()
    client_msg_id: str = ""

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(float(self.ts), UTC)

    @property
    def shown(self) -> str:
        """Slack shows the blocks if there are any, and `text` in notifications only."""
        return "\n".join(_words(self.blocks)) or self.text


@dataclass(slots=True)
class Mailbox:
    _messages: dict[str, deque[Message]] = field(default_factory=dict)
    _last: float = 0.0

    def add(self, conversation: str, **words: Any) -> Message:
        self._last = max(time.time(), self._last + 0.000001)
        message = Message(f"{self._last:.6f}", conversation, **words)
        self._of(conversation).append(message)
        return message

    def of(self, conversation: str) -> tuple[Message, ...]:
        return tuple(self._messages.get(conversation, ()))

    def conversations(self) -> tuple[str, ...]:
        return tuple(reversed(self._messages))

    def sent_before(self, conversation: str, client_msg_id: str) -> Message | None:
        found = (each for each in self.of(conversation) if client_msg_id and each.client_msg_id == client_msg_id)
        return next(found, None)

    def _of(self, conversation: str) -> deque[Message]:
        if conversation not in self._messages and len(self._messages) >= CONVERSATIONS:
            del self._messages[next(iter(self._messages))]
        return self._messages.setdefault(conversation, deque(maxlen=KEPT))


def _words(value: Any) -> Iterator[str]:
    """Every `text` in blocks that holds a string, in order."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        value = tuple(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _words(each)
