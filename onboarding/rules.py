"""Rules for settings: each gives the problem with a value in words that follow the setting's name, or None."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from onboarding import addresses

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
REDIS_SCHEMES: Final = ("redis", "rediss", "unix", addresses.SENTINEL_SCHEME)

Rule = Callable[[str], str | None]


def http_url(value: str) -> str | None:
    parts = addresses.parse(value)
    if parts is None or parts.query or parts.fragment or parts.username is not None:
        return "must be an http or https URL without user, query and fragment"
    return None


def bare_origin(value: str) -> str | None:
    if problem := http_url(value):
        return problem
    if not addresses.is_secure(value):
        return "must be https (http is for loopback hosts only)"
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
    if parts.scheme == "unix":
        return None if parts.path else "names no socket"
    if not re.fullmatch(r"/?[0-9]*", parts.path):
        return "must end in a database number, or in none"
    return None if parts.hostname else "names no host"


def client_id(value: str) -> str | None:
    return "must not contain a colon" if ":" in value else ascii_word(value)


def ascii_word(value: str) -> str | None:
    return None if re.fullmatch(r"[\x21-\x7e]+", value) else "must be printable ASCII without spaces"


def scopes(value: str) -> str | None:
    words = split(value)
    if words and all(re.fullmatch(r"[a-z0-9_.:-]+", word) for word in words):
        return None
    return "must be Slack scopes, separated by commas"


def at_least(length: int) -> Rule:
    return lambda value: None if len(value) >= length else f"needs at least {length} characters"


def printable(longest: int) -> Rule:
    def check(value: str) -> str | None:
        if value.strip() and value.isprintable() and len(value) <= longest:
            return None
        return f"must be 1 to {longest} printable characters"

    return check


def contact(value: str) -> str | None:
    if re.fullmatch(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+", value) or addresses.parse(value):
        return None
    return "must be an e-mail address or an http or https URL"


def log_level(value: str) -> str | None:
    return None if value.upper() in LOG_LEVELS else f"must be one of {', '.join(LOG_LEVELS)}"


def split(value: str) -> list[str]:
    return [part for part in (part.strip() for part in value.split(",")) if part]
