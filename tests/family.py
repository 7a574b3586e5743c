"""A process and what it started, as Linux tells it."""

from __future__ import annotations

import time
from pathlib import Path


def children(pid: int) -> list[int]:
    """Every process that it started, and theirs. A short-lived one may be gone by now."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [each for child in map(int, found) for each in (child, *children(child))]


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if " Z " not in _stat(pid)]


def name(pid: int) -> str:
    """Of the program; empty if it is gone."""
    return _stat(pid).partition("(")[2].rpartition(")")[0]


def all_gone_within(seconds: float, pids: list[int]) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pids)


def _stat(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return " Z "
