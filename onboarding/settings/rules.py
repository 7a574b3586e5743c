"""Rules for settings: each gives the problem with a value in words that follow the setting's name, or None."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import redis

from onboarding.settings import addresses

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
REDIS_SCHEMES: Final = ("redis", "rediss", "unix", addresses.SENTINEL_SCHEME)

Rule = Callable[[str], str | None]


def http_url(value: str) -> str | None:
    parts = addresses.parse(value)
    if parts is None or parts.query or parts.fragment or parts.username is not None:
        return "must be an http or https URL without user, query and fragment"
    return None


def secure_url(value: str) -> str | None:
    if problem := http_url(value):
        return problem
    return None if addresses.is_secure(value) else "must be https (http is for loopback hosts only)"


def bare_origin(value: str) -> str | None:
    if problem := secure_url(value):
        return problem
    return None if urlsplit(value).path in {"", "/"} else "must not have a path"


def redis_url(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        if parts.scheme == addresses.SENTINEL_SCHEME:
            addresses.sentinel_parts(value)
            return None
        _ = parts.port
    except ValueError:
        return "is not an address of Redis"
    if parts.scheme not in REDIS_SCHEMES:
        return f"must start with {', '.join(f'{scheme}://' for scheme in REDIS_SCHEMES)}"
    if parts.scheme == "unix" and not parts.path:
        return "names no socket"
    if parts.scheme != "unix" and not (parts.hostname and re.fullmatch(r"/?[0-9]*", parts.path)):
        return "must name a host, and end in a database number or in none"
    return None if _is_usable(value) else "has an option that Redis clients do not know"


def _is_usable(url: str) -> bool:
    """Whether a client can be made of it. Connects to nothing."""
    try:
        redis.ConnectionPool.from_url(url).make_connection()
    except (TypeError, ValueError):
        return False
    return True


def is_text(value: str) -> bool:
    """Whether it is more than spaces, and came from bytes that are UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return bool(value.strip())


def client_id(value: str) -> str | None:
    return "must not contain a colon" if ":" in value else ascii_word(value)


def ascii_word(value: str) -> str | None:
    return None if re.fullmatch(r"[\x21-\x7e]+", value) else "must be printable ASCII without spaces"


def scopes(value: str) -> str | None:
    words = split(value)
    if words and all(re.fullmatch(r"[a-z0-9_.:-]+", word) for word in words):
        return None
    return "must be Slack scopes, separated by commas"


def text(value: str) -> str | None:
    return None if is_text(value) else "must be text"


def at_least(length: int) -> Rule:
    def rule(value: str) -> str | None:
        if problem := text(value):
            return problem
        return None if len(value) >= length else f"needs at least {length} characters"

    return rule


def printable(longest: int) -> Rule:
    def check(value: str) -> str | None:
        if value.strip() and value.isprintable() and len(value) <= longest:
            return None
        return f"must be 1 to {longest} printable characters"

    return check


def contact(value: str) -> str | None:
    if addresses.parse(value) or re.fullmatch(r"[^@:/\s<>\"]+@[^@:/\s<>\"]+\.[^@:/\s<>\"]+", value):
        return None
    return "must be an e-mail address or an http or https URL"


def emails(value: str) -> str | None:
    entries = split(value)
    if entries and all(re.fullmatch(r"[^@\s,]*@[^@\s,]+\.[^@\s,]+", entry) for entry in entries):
        return None
    return "must be e-mail addresses, or domains like @example.com, separated by commas"


def log_level(value: str) -> str | None:
    return None if value.upper() in LOG_LEVELS else f"must be one of {', '.join(LOG_LEVELS)}"


def split(value: str) -> list[str]:
    return [part for part in (part.strip() for part in value.split(",")) if part]
