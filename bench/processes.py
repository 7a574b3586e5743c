"""Child processes with their output in a file, and what the kernel knows about them. Linux only."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from onboarding.sandbox.processes import die_with

ROOT: Final = Path(__file__).resolve().parent.parent
START_SECONDS: Final = 60
STOP_SECONDS: Final = 40
TICKS: Final = os.sysconf("SC_CLK_TCK")

_LIBC: Final = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, where, with which environment (besides PATH) and where its output goes."""

    name: str
    words: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT


class Child:
    """A running command. It ends when we end, however that happens."""

    def __init__(self, command: Command) -> None:
        self._command = command
        parent = os.getpid()
        with command.log.open("ab") as log:
            self._process = subprocess.Popen(
                command.words,
                env={"PATH": os.environ["PATH"], **command.env},
                cwd=command.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=lambda: die_with(parent),  # noqa: PLW1509 (no other thread runs in this process)
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._command.name} did not start:\n{last_words(self._command.log)}")
            time.sleep(0.002)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def last_words(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-3000:]


def tree(pid: int) -> list[int]:
    """A process and everything below it."""
    return [pid, *(below for child in _children(pid) for below in tree(child))]


def _children(pid: int) -> Iterator[int]:
    """None for a process that has just ended, as those of PostgreSQL do now and then."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (thread / "children").read_text("ascii").split())


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and everything below it, since each began; of ended children too."""
    return sum(map(_own_cpu_seconds, tree(pid))) + _ended_children_cpu_seconds(pid)


def _own_cpu_seconds(pid: int) -> float:
    """To the nanosecond; /proc/<pid>/stat counts in hundredths of a second. 0 for a process that has just ended."""
    clock = ctypes.c_int()
    if _LIBC.clock_getcpuclockid(pid, ctypes.byref(clock)):
        return 0
    with suppress(OSError):
        return time.clock_gettime(clock.value)
    return 0


def _ended_children_cpu_seconds(pid: int) -> float:
    """https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: cutime and cstime."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICKS


def memory_bytes(pid: int) -> int:
    """The proportional set size (PSS) of a process and everything below it: what they share counts once."""
    return sum(map(_own_memory_bytes, tree(pid)))


def _own_memory_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"the kernel does not tell the memory of process {pid}")
