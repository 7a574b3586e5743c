"""Delivers what was triggered, one notification after another, in a thread that starts with the first."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from onboarding.sandbox.novu.activity import Feed
from onboarding.sandbox.novu.delivery import Notification, deliver
from onboarding.sandbox.novu.poster import Poster


class Courier:
    """Without a Slack to go to, every notification fails and says so."""

    def __init__(self, slack_url: str) -> None:
        self._slack_url = slack_url
        self._queue: SimpleQueue[tuple[Notification, Feed] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self, notification: Notification, feed: Feed) -> None:
        feed.expect()
        self._queue.put((notification, feed))
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="sandbox-novu-courier", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """After what is on its way."""
        self._queue.put(None)

    def _work(self) -> None:
        poster = Poster(self._slack_url) if self._slack_url else None
        while (taken := self._queue.get()) is not None:
            notification, feed = taken
            feed.add(deliver(notification, poster))
