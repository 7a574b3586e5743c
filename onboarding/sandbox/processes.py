"""Child processes that never outlive this one, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

PR_SET_PDEATHSIG: Final = 1
START_SECONDS: Final = 30
STOP_SECONDS: Final = 10

_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Account:
    """The OS user and the group that a process runs as, by their numbers."""

    user: int
    group: int

    @property
    def options(self) -> dict[str, Any]:
        """For `subprocess`."""
        return {"user": self.user, "group": self.group, "extra_groups": []}


class Process:
    """A child in a group of its own, so that Ctrl-C reaches it only through us."""

    ends_on: ClassVar[signal.Signals] = signal.SIGTERM
    """What it is sent to end, by us or, once we are gone, by the kernel."""

    def __init__(  # noqa: PLR0913 (everything a process is started with)
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        quiet: bool = False,
        log: Path | None = None,
        account: Account | None = None,
    ) -> None:
        self.name = name
        parent = os.getpid()
        output = log.open("ab") if log else None
        self._child = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else output,
            stderr=output,
            process_group=0,
            # The kernel forgets this when the user changes; Popen changes it before.
            preexec_fn=lambda: die_with(parent, self.ends_on),  # noqa: PLW1509 (no threads run yet; nothing else can do it)
            **(account.options if account else {}),
        )
        if output:
            output.close()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        return self._child.poll()

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if self.exit_code is not None:
                raise RuntimeError(f"{self.name} ended with status {self.exit_code} while starting")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start within {START_SECONDS} s")
            time.sleep(0.02)

    def kill(self) -> None:
        """As a crash would."""
        self._child.kill()
        self._child.wait()

    def stop(self) -> None:
        self._child.send_signal(self.ends_on)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


def die_with(parent: int, number: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to end this process when its parent ends, even by SIGKILL. Linux only."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)
