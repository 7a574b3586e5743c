"""Remembers what the service produced and which secrets were about, and looks for the ones in the other."""

from __future__ import annotations

import logging


class Witness(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self.secrets: set[str] = set()
        self._produced: list[str] = []

    def saw(self, text: str) -> None:
        self._produced.append(text)

    def emit(self, record: logging.LogRecord) -> None:
        self.saw(self.format(record))

    def leaks(self) -> list[str]:
        """Whatever holds a secret, cut short, without naming which."""
        return [text[:200] for text in self._produced if any(secret in text for secret in self.secrets)]
