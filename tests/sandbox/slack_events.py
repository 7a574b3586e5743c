"""An app that only listens: it keeps what Slack sends, checks the signatures by itself, and answers as it is told."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Response, request

SECRET: Final = "the app's own signing secret"


@dataclass(frozen=True, slots=True)
class Heard:
    at: float
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def type(self) -> str:
        return str(self.body["event"]["type"] if "event" in self.body else self.body["type"])


@dataclass(slots=True)
class Recorder:
    """`answers` are used up one by one; then 200."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    answers: list[Callable[[], Response]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def types(self) -> list[str]:
        return [each.type for each in self.heard]

    def hear(self) -> Response:
        raw, headers = request.get_data(), dict(request.headers)
        text = "v0:" + headers["X-Slack-Request-Timestamp"] + ":" + raw.decode()
        expected = "v0=" + hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        with self.lock:
            if headers["X-Slack-Signature"] != expected:
                self.forged.append(text)
            self.heard.append(Heard(time.monotonic(), json.loads(raw), headers))
            answer = self.answers.pop(0) if self.answers else Response
        return answer()
