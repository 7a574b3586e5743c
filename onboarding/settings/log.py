"""Log lines: an event name and its fields. JSON in production, one readable line elsewhere."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from json.encoder import encode_basestring as encode
from typing import Final

LOGGER: Final = logging.getLogger("onboarding")
TRACE_ID: Final = ContextVar("trace_id", default="")
"""Of the span that is under way, if there is tracing."""


def configure(level: str, *, as_json: bool) -> None:
    """Send this service's lines to stderr. Other libraries keep to warnings: they know no secrets by type."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if as_json else _Plain("%(asctime)s %(levelname)-7s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    LOGGER.setLevel(level)
    # Nothing of this is shown, and finding it out costs more than the line itself.
    # https://docs.python.org/3/howto/logging.html#optimization
    logging.logThreads = logging.logMultiprocessing = False
    logging._srcfile = None


class _Plain(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's own name)
        """One line for each event, whatever somebody put into an identifier."""
        record.message = record.message.replace("\r", "\\r").replace("\n", "\\n")
        if trace_id := TRACE_ID.get():
            record.message += f" trace_id={trace_id}"
        return super().formatMessage(record)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        parts = [f'{{"at": "{at}", "level": "{record.levelname}", "logger": {encode(record.name)}']
        parts.append(f'"message": {encode(record.getMessage())}')
        if trace_id := TRACE_ID.get():
            parts.append(f'"trace_id": "{trace_id}"')
        if record.exc_info:
            parts.append(f'"traceback": {encode(self.formatException(record.exc_info))}')
        return ", ".join(parts) + "}"
