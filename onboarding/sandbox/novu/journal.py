"""The file a local Novu's data outlives a restart in: one line of JSON per change, written before it is answered.

Starting reads the lines, writes what they come to into a new file, and puts that in the old one's place.
Nothing waits for the disk: a killed process loses nothing, a machine without power may lose the last moments.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

from onboarding.sandbox.novu import codec
from onboarding.sandbox.novu.environment import Environment

HEADER: Final = {"format": "onboarding-local-novu", "version": 1}
Environments: TypeAlias = dict[str, Environment]
Line: TypeAlias = tuple[str, str, Any]
"""An environment's name, what changed, and to what."""


class DataRefused(Exception):
    """The file cannot be used; the message says why and shows nothing of what is in it."""


class Journal:
    """Open for as long as the process that opened it; no second one can have it meanwhile."""

    def __init__(self, path: Path) -> None:
        """Raises DataRefused."""
        self._lock = threading.Lock()
        path = path.resolve()
        try:
            old = _open_alone(path)
            try:
                self.environments = _read(path, old)
                self._file = _rewrite(path, self.environments)
            finally:
                os.close(old)
        except OSError as error:
            raise DataRefused(f"{path} cannot be used: {error.strerror}.") from error
        for name, environment in self.environments.items():
            environment.record = self._recorder(name)

    def begin(self, name: str) -> Environment:
        """A new environment, in the place of one of that name."""
        environment = Environment()
        self._append((name, "environment", environment.id))
        environment.record = self._recorder(name)
        self.environments[name] = environment
        return environment

    def close(self) -> None:
        with self._lock:
            os.close(self._file)

    def _recorder(self, name: str) -> Callable[[str, object], None]:
        return lambda what, value: self._append((name, what, codec.written(value)))

    def _append(self, line: Line) -> None:
        with self._lock:
            end = os.lseek(self._file, 0, os.SEEK_END)
            try:
                _write(self._file, _encoded(line))
            except OSError:
                # Half a line would spoil the next one.
                os.ftruncate(self._file, end)
                raise


def _open_alone(path: Path) -> int:
    """The file, made if need be, and locked."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise DataRefused(f"{path} is not a file.")
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The one before may have put another file there since it was opened.
            if os.path.samestat(os.fstat(file), path.stat()):
                return os.dup(file)
        except BlockingIOError:
            raise DataRefused(f"{path} is in use by another local Novu.") from None
        finally:
            os.close(file)


def _read(path: Path, file: int) -> Environments:
    environments: Environments = {}
    with os.fdopen(os.dup(file), "rb") as lines:
        for number, line in enumerate(lines, start=1):
            # The write that a kill cut short was never answered.
            if number > 1 and not line.endswith(b"\n"):
                break
            try:
                _replay(environments, json.loads(line), number)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                problem = f"is damaged in line {number}" if number > 1 else "does not hold a local Novu's data"
                raise DataRefused(f"{path} {problem}. Nothing was changed in it.") from None
    return environments


def _replay(environments: Environments, line: Any, number: int) -> None:
    if number == 1:
        if line != HEADER:
            raise ValueError(number)
        return
    name, what, value = line
    if what == "environment":
        environments[name] = Environment(codec.text(value))
    else:
        codec.apply(environments[name], what, value)


def _rewrite(path: Path, environments: Environments) -> int:
    """Replaces the file in one step by what is left of it, and gives the new one: open, and locked before it shows."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _write(file, _encoded(HEADER) + b"".join(map(_encoded, _lines(environments))))
        os.fsync(file)
        fresh.replace(path)
    except OSError:
        os.close(file)
        fresh.unlink(missing_ok=True)
        raise
    return file


def _lines(environments: Environments) -> Iterator[Line]:
    for name, environment in environments.items():
        yield name, "environment", environment.id
        for what, value in codec.changes(environment):
            yield name, what, value


def _encoded(line: object) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _write(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
