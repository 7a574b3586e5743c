"""The rule for REDIS_URL: an address that a client can be made of, and nothing that fails only at the first command."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from onboarding.settings import addresses, rules
from onboarding.settings.rules import ESCAPES

LISTS: Final = (addresses.SENTINEL_SCHEME, *addresses.CLUSTER_SCHEMES)
SCHEMES: Final = ("redis", "rediss", "unix", *LISTS)
OPTIONS: Final = {"db", "username", "password", "client_name"}
TLS_OPTIONS: Final = {
    *("ssl_ca_certs", "ssl_ca_path", "ssl_ca_data", "ssl_certfile", "ssl_keyfile", "ssl_password"),
    *("ssl_cert_reqs", "ssl_check_hostname", "ssl_ciphers", "ssl_include_verify_flags", "ssl_exclude_verify_flags"),
}
"""The options that can be text. Timeouts, retries and the like are this service's own business."""
LONGEST_SOCKET: Final = 107
SENTINEL_EXAMPLE: Final = f"{addresses.SENTINEL_SCHEME}://user:password@host:26379,[::1]:26379/primary/0"
CLUSTER_EXAMPLE: Final = f"{addresses.CLUSTER_SCHEMES[0]}://user:password@host:6379,[::1]:6379"


def redis_url(value: str) -> str | None:
    scheme, colon, _ = value.partition("://")
    if not colon or scheme not in SCHEMES:
        return rules.must_start_with(SCHEMES)
    if problem := rules.word(addresses.join_list(value) if scheme in LISTS else value):
        return problem
    return _KINDS.get(scheme, _redis)(value)


def _sentinel(value: str) -> str | None:
    try:
        addresses.sentinel_parts(value)
    except ValueError:
        return f"must look like {SENTINEL_EXAMPLE}, without options; {ESCAPES}"
    return None


def _cluster(value: str) -> str | None:
    try:
        nodes = addresses.cluster_nodes(value)
    except ValueError:
        return f"must look like {CLUSTER_EXAMPLE}, without a database number; {ESCAPES}"
    if problem := next(filter(None, map(_redis, nodes)), None):
        return problem
    names_database = "db" in parse_qs(urlsplit(nodes[0]).query)
    return "must not name a database: a cluster has one only" if names_database else None


def _redis(value: str) -> str | None:
    try:
        parts = urlsplit(value)
    except ValueError:
        return f"is not an address of Redis; {ESCAPES}"
    if parts.fragment:
        return f"must not contain #; {ESCAPES}"
    options = parse_qs(parts.query, keep_blank_values=True)
    return (_socket(parts) if parts.scheme == "unix" else _server(parts)) or _options(value, options)


def _socket(parts: SplitResult) -> str | None:
    path = os.fsencode(unquote(parts.path))
    is_file = path.startswith(b"/") and not path.endswith(b"/") and b"\0" not in path
    if not is_file or parts.netloc.rpartition("@")[2]:
        return "must name a socket, as in unix:///run/redis.sock"
    return None if len(path) <= LONGEST_SOCKET else f"must name a socket of at most {LONGEST_SOCKET} bytes"


def _server(parts: SplitResult) -> str | None:
    if addresses.host_and_port(parts.netloc) is None:
        return f"must name a host, and a port from 1 to {addresses.HIGHEST_PORT} or none; {ESCAPES}"
    return None if re.fullmatch(r"(/[0-9]{0,9})?", parts.path) else "must end in a database number or in none"


def _options(url: str, options: Mapping[str, list[str]]) -> str | None:
    if not set(options) <= OPTIONS | TLS_OPTIONS:
        return "has an option other than db, username, password, client_name and those of TLS, like ssl_ca_certs"
    first = {name: values[0] for name, values in options.items()}
    is_good = (
        re.fullmatch(r"[0-9]{1,9}", first.get("db", "0"))
        and re.fullmatch(r"[\x21-\x7e]+", first.get("client_name", "x"))
        and ("ssl_certfile" in first or "ssl_keyfile" not in first)
    )
    return None if is_good and (not options or _is_usable(url)) else "has an option that Redis clients cannot use"


def _is_usable(url: str) -> bool:
    """Whether a client can be made of it. Connects to nothing."""
    import redis  # noqa: PLC0415 (a worker needs no Redis, and most addresses have no options)

    try:
        redis.ConnectionPool.from_url(url).make_connection()
    except (TypeError, ValueError, redis.RedisError):
        return False
    return True


_KINDS: Final[Mapping[str, Callable[[str], str | None]]] = {
    addresses.SENTINEL_SCHEME: _sentinel,
    **dict.fromkeys(addresses.CLUSTER_SCHEMES, _cluster),
}
