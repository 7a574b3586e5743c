"""The rule for DATABASE_URL. Connects to no server; libpq's own messages stay here, they repeat the password."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from onboarding.settings import addresses, rules
from onboarding.settings.rules import ESCAPES

SCHEMES: Final = ("postgresql", "postgres")
NUMBERS: Final = re.compile(r"connect_timeout|keepalives(_idle|_interval|_count)?|tcp_user_timeout")
UNICODE: Final = {"", "auto", "unicode", "utf8", "utf-8"}
GSSAPI: Final = {"", "disable", "prefer", "require"}
LONGEST_SOCKET: Final = 107
PLACES: Final = {"host", "hostaddr", "port"}

Parts = Mapping[str, Any]
"""What libpq makes of an address: `host`, `port` and so on, lists with commas."""


def database_url(value: str) -> str | None:
    scheme, colon, _ = value.partition("://")
    if not colon or scheme not in SCHEMES:
        return rules.must_start_with(SCHEMES)
    if problem := rules.word(value):
        return problem
    try:
        parts = conninfo_to_dict(value)
    except (psycopg.Error, ValueError):
        return f"is not an address of PostgreSQL, or has an option that PostgreSQL does not know; {ESCAPES}"
    return _hosts(parts) or _ports(parts) or _database(parts) or _options(parts)


def _hosts(parts: Parts) -> str | None:
    names, numbers = _list(parts, "host"), _list(parts, "hostaddr")
    if not names and not numbers:
        return "must name a host, or the folder of a socket, as in ?host=/run/postgresql"
    are_good = all(map(_is_server, names)) and all(map(addresses.is_ip, numbers))
    if not are_good or (names and numbers and len(names) != len(numbers)):
        return f"must name hosts, or folders of sockets, that can exist; {ESCAPES}"
    return None


def _list(parts: Parts, name: str) -> list[str]:
    return str(parts[name]).split(",") if parts.get(name) else []


def _is_server(host: str) -> bool:
    """Whether it is a host or the folder of a socket; `@` begins a socket that is in no folder."""
    if host.startswith(("/", "@")):
        return len(os.fsencode(f"{host}/.s.PGSQL.{addresses.HIGHEST_PORT}")) <= LONGEST_SOCKET
    return addresses.is_ip(host) or addresses.is_host(host)


def _ports(parts: Parts) -> str | None:
    ports = _list(parts, "port")
    hosts = _list(parts, "host") or _list(parts, "hostaddr")
    if len(ports) in {0, 1, len(hosts)} and all(map(_is_port, ports)):
        return None
    return f"must give ports from 1 to {addresses.HIGHEST_PORT}, one for all hosts or one for each; {ESCAPES}"


def _is_port(text: str) -> bool:
    """Empty means PostgreSQL's own."""
    return not text or (re.fullmatch(r"[0-9]{1,5}", text) is not None and 1 <= int(text) <= addresses.HIGHEST_PORT)


def _database(parts: Parts) -> str | None:
    """A password with a bare / or @ ends up in the name, and from there in PostgreSQL's messages."""
    name = str(parts.get("dbname") or "")
    return f"must not have / or @ in the name of the database; {ESCAPES}" if re.search(r"[/@]", name) else None


def _options(parts: Parts) -> str | None:
    numbers = [str(value) for name, value in parts.items() if value and NUMBERS.fullmatch(name)]
    if not all(re.fullmatch(r"-?[0-9]{1,9}", number) for number in numbers):
        return "has an option that must be a whole number"
    if str(parts.get("client_encoding") or "").lower() not in UNICODE or parts.get("replication"):
        return "must leave client_encoding at UTF8, and replication alone"
    if parts.get("gssencmode", "prefer") not in GSSAPI:
        return "must have disable, prefer or require as gssencmode"
    # Named, because libpq would look up the name of this process's own account, and in a container it has none.
    plain = _answer_nowhere({"user": "anybody"})
    return None if _answer_nowhere(parts) == plain else "has an option with a value it cannot have"


def _answer_nowhere(parts: Parts) -> bytes:
    """What libpq says if asked to use a socket that isn't there: first of all it names options it cannot use.

    GSSAPI is left out: libpq never has it on sockets.
    """
    options = {name: value for name, value in parts.items() if name not in {*PLACES, "gssencmode"}}
    connection = pq.PGconn.connect_start(make_conninfo(**options, host="/nowhere", port=1).encode())
    try:
        return bytes(connection.error_message)
    finally:
        connection.finish()
