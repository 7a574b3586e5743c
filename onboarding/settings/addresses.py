"""Addresses: of ourselves, of Slack, Novu and Redis, and which of them are safe to use."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

SENTINEL_SCHEME: Final = "redis+sentinel"
SENTINEL_PORT: Final = 26_379


def origin(url: str) -> str:
    """Scheme, host and port as browsers write them; empty where there is none."""
    parts = parse(url)
    if parts is None:
        return ""
    default_port = {"https": 443, "http": 80}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in {None, default_port} else "")


def parse(url: str) -> SplitResult | None:
    """The parts of an absolute http or https URL in ASCII; None for anything else."""
    if not re.fullmatch(r"[\x21-\x7e]+", url):
        return None
    try:
        parts = urlsplit(url)
        is_good = parts.port != 0 and parts.scheme in {"http", "https"}
    except ValueError:
        return None
    return parts if is_good and re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", parts.hostname or "") else None


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_secure(url: str) -> bool:
    """Whether `url` is https, or http to this very machine."""
    parts = parse(url)
    return parts is not None and (parts.scheme == "https" or is_loopback(parts.hostname or ""))


@dataclass(frozen=True, slots=True)
class SentinelParts:
    """`redis+sentinel://user:password@host:26379,host:26379/primary/0`: the password is Redis's own."""

    hosts: list[tuple[str, int]]
    name: str
    db: int
    username: str | None
    password: str | None = field(repr=False)


def sentinel_parts(url: str) -> SentinelParts:
    """The parts of a Sentinel address; ValueError where it has none."""
    match = re.fullmatch(r"redis\+sentinel://(?:([^:@/]*)(?::([^@/]*))?@)?([^@/]+)/([^/]+)(?:/([0-9]{1,2}))?", url)
    if not match:
        raise ValueError(url)
    username, password, hosts, name, db = match.groups()
    pairs = (host.rpartition(":") for host in hosts.split(",") if host)
    named = [(host, int(port)) if colon else (port, SENTINEL_PORT) for host, colon, port in pairs]
    return SentinelParts(named, name, int(db or 0), unquote(username or "") or None, unquote(password or "") or None)
