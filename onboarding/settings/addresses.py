"""Addresses: of ourselves, of Slack, Novu and Redis, and which of them are safe to use."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

SENTINEL_SCHEME: Final = "redis+sentinel"
SENTINEL_PORT: Final = 26_379
CLUSTER_SCHEMES: Final = ("redis+cluster", "rediss+cluster")
HIGHEST_PORT: Final = 65_535
_AUTHORITY: Final = re.compile(r"(?:.*@)?(?:\[(?P<ipv6>[^\[\]@]+)\]|(?P<name>[^:\[\]@]+))(?::(?P<port>[0-9]{0,5}))?")
_SENTINEL: Final = re.compile(
    r"redis\+sentinel://(?:([^:@/]*)(?::([^@/]*))?@)?([^@/]+)/([A-Za-z0-9._-]+)(?:/([0-9]{0,9}))?"
)
_CLUSTER: Final = re.compile(r"(rediss?)\+cluster://([^@/?#]*@)?([^@/?#]+)/?(\?[^#]*)?")


def origin(url: str) -> str:
    """Scheme, host and port as browsers write them; empty if there is none."""
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
    except ValueError:
        return None
    server = host_and_port(parts.netloc)
    return parts if parts.scheme in {"http", "https"} and server and "%" not in server[0] else None


def host_and_port(authority: str) -> tuple[str, int | None] | None:
    """The host and the port of `user:password@host:port`; None if nobody could be reached there."""
    match = _AUTHORITY.fullmatch(authority)
    if not match:
        return None
    host = unquote(match["ipv6"]) if match["ipv6"] else match["name"]
    port = int(match["port"]) if match["port"] else None
    is_good = _is_ipv6(host) if match["ipv6"] else is_host(host)
    return (host, port) if is_good and (port is None or 1 <= port <= HIGHEST_PORT) else None


def is_host(name: str) -> bool:
    """Whether `name` is an IPv4 address, or a host name that can be looked up."""
    labels = name.removesuffix(".").split(".")
    if labels[-1].isdecimal():
        return _is_ipv4(name)
    return len(name) <= 253 and all(re.fullmatch(r"[A-Za-z0-9_-]{1,63}", label) for label in labels)


def is_ip(text: str) -> bool:
    return _is_ipv4(text) or _is_ipv6(text)


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


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
    """The parts of a Sentinel address, blanks around its commas aside; ValueError if it is none."""
    match = _SENTINEL.fullmatch(join_list(url))
    if not match:
        raise ValueError("not an address of Sentinel")
    username, password, hosts, name, db = match.groups()
    servers = [_sentinel(entry) for entry in hosts.split(",")]
    return SentinelParts(servers, name, int(db or 0), unquote(username or "") or None, unquote(password or "") or None)


def cluster_nodes(url: str) -> list[str]:
    """The ordinary address of each node that an address of a cluster names; ValueError if it is none."""
    match = _CLUSTER.fullmatch(join_list(url))
    if not match:
        raise ValueError("not an address of a cluster")
    scheme, account, hosts, options = match.groups(default="")
    return [f"{scheme}://{account}{host}{options}" for host in hosts.split(",")]


def join_list(text: str) -> str:
    """The same list without the white space around its commas."""
    return re.sub(r"\s*,\s*", ",", text)


def _sentinel(entry: str) -> tuple[str, int]:
    server = host_and_port(entry)
    if server is None:
        raise ValueError("one of the Sentinels has no usable address")
    return server[0], server[1] or SENTINEL_PORT
