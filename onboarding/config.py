"""Settings, read once from the environment. Reports every problem together; never shows a value."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from onboarding.errors import ConfigError, Problem
from onboarding.model import Secret

DEFAULT_SCOPES: Final = "chat:write,chat:write.public,channels:read,groups:read,users:read,users:read.email"
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SENTINEL_SCHEME: Final = "redis+sentinel"
REDIS_SCHEMES: Final = ("redis", "rediss", "unix", SENTINEL_SCHEME)
SENTINEL_PORT: Final = 26_379
TEN_YEARS: Final = 315_360_000


@dataclass(frozen=True, slots=True)
class SlackSettings:
    url: str
    client_id: str
    client_secret: Secret
    scopes: tuple[str, ...]
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class NovuSettings:
    url: str
    secret_key: Secret
    integration: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set. `secret_keys` is oldest first; the last one signs and seals."""

    public_url: str
    secret_keys: tuple[Secret, ...]
    redis_url: Secret
    slack: SlackSettings
    novu: NovuSettings
    api_keys: tuple[Secret, ...]
    admin_password: Secret | None
    product_name: str
    support_contact: str | None
    link_max_age: timedelta
    attempt_retention: timedelta
    trusted_proxy_count: int
    log_level: str

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")


def load(env: Mapping[str, str]) -> Settings:
    """Read the settings of `env`, or raise one `ConfigError` that names everything wrong with them."""
    read = _Reader(env)
    public_url = read.text("PUBLIC_URL", check=_bare_origin)
    settings = Settings(
        public_url=_origin(public_url),
        secret_keys=(*read.secrets("SECRET_KEY_FALLBACKS", 32), read.secret("SECRET_KEY", _at_least(32))),
        redis_url=read.secret("REDIS_URL", _redis_url),
        slack=SlackSettings(
            url=_origin(read.text("SLACK_URL", "https://slack.com", _bare_origin)),
            client_id=read.text("SLACK_CLIENT_ID", check=_client_id),
            client_secret=read.secret("SLACK_CLIENT_SECRET", _ascii_word),
            scopes=tuple(_split(read.text("SLACK_SCOPES", DEFAULT_SCOPES, _scopes))),
            redirect_uri=f"{_origin(public_url)}/slack/oauth_redirect",
        ),
        novu=NovuSettings(
            url=read.text("NOVU_URL", "https://api.novu.co", _http_url).rstrip("/"),
            secret_key=read.secret("NOVU_SECRET_KEY", _ascii_word),
            integration=read.text("NOVU_INTEGRATION_IDENTIFIER", check=_printable(200)),
        ),
        api_keys=read.secrets("API_KEYS", 32),
        admin_password=read.optional_secret("ADMIN_PASSWORD", _at_least(12)),
        product_name=read.text("PRODUCT_NAME", "this app", _printable(80)),
        support_contact=read.text("SUPPORT_CONTACT", "", _contact) or None,
        link_max_age=timedelta(seconds=read.number("LINK_MAX_AGE", 604_800, range(1, TEN_YEARS))),
        attempt_retention=timedelta(seconds=read.number("ATTEMPT_RETENTION", 2_592_000, range(1, TEN_YEARS))),
        trusted_proxy_count=read.number("TRUSTED_PROXY_COUNT", 0, range(11)),
        log_level=read.text("LOG_LEVEL", "INFO", _log_level).upper(),
    )
    if read.problems:
        raise ConfigError(read.problems)
    return settings


Check = Callable[[str], str | None]
"""Gives the problem with a value in words that follow the setting's name, or None."""


class _Reader:
    """Reads one environment and remembers what is wrong with it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[Problem] = []

    def text(self, name: str, default: str | None = None, check: Check | None = None) -> str:
        value = self._env.get(name, "") or default
        if value is None:
            self._report(name, "is required")
            return ""
        if value and check and (problem := check(value)):
            self._report(name, problem)
            return ""
        return value

    def secret(self, name: str, check: Check) -> Secret:
        return Secret(self.text(name, check=check))

    def optional_secret(self, name: str, check: Check) -> Secret | None:
        value = self.text(name, "", check)
        return Secret(value) if value else None

    def secrets(self, name: str, shortest: int) -> tuple[Secret, ...]:
        values = _split(self._env.get(name, ""))
        if any(len(value) < shortest for value in values):
            self._report(name, f"each entry needs at least {shortest} characters")
        return tuple(Secret(value) for value in values)

    def number(self, name: str, default: int, allowed: range) -> int:
        value = self._env.get(name, "") or str(default)
        if re.fullmatch(r"[0-9]{1,9}", value) and int(value) in allowed:
            return int(value)
        self._report(name, f"must be a whole number from {allowed.start} to {allowed.stop - 1}")
        return default

    def _report(self, name: str, message: str) -> None:
        self.problems.append(Problem(name, message))


def _split(value: str) -> list[str]:
    return [part for part in (part.strip() for part in value.split(",")) if part]


def _origin(url: str) -> str:
    parts = _parse(url)
    if parts is None:
        return ""
    default_port = {"https": 443, "http": 80}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in {None, default_port} else "")


def _parse(url: str) -> SplitResult | None:
    if not re.fullmatch(r"[\x21-\x7e]+", url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.hostname else None


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_secure(url: str) -> bool:
    """Whether `url` is https, or http to this very machine."""
    parts = _parse(url)
    return parts is not None and (parts.scheme == "https" or is_loopback(parts.hostname or ""))


def _http_url(value: str) -> str | None:
    parts = _parse(value)
    if parts is None or parts.query or parts.fragment or parts.username is not None:
        return "must be an http or https URL without user, query and fragment"
    return None


def _bare_origin(value: str) -> str | None:
    if problem := _http_url(value):
        return problem
    if not is_secure(value):
        return "must be https (http is for loopback hosts only)"
    return None if urlsplit(value).path in {"", "/"} else "must not have a path"


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


def _redis_url(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        if parts.scheme == SENTINEL_SCHEME:
            sentinel_parts(value)
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


def _client_id(value: str) -> str | None:
    return "must not contain a colon" if ":" in value else _ascii_word(value)


def _ascii_word(value: str) -> str | None:
    return None if re.fullmatch(r"[\x21-\x7e]+", value) else "must be printable ASCII without spaces"


def _scopes(value: str) -> str | None:
    scopes = _split(value)
    if scopes and all(re.fullmatch(r"[a-z0-9_.:-]+", scope) for scope in scopes):
        return None
    return "must be Slack scopes, separated by commas"


def _at_least(length: int) -> Check:
    return lambda value: None if len(value) >= length else f"needs at least {length} characters"


def _printable(longest: int) -> Check:
    def check(value: str) -> str | None:
        if value.strip() and value.isprintable() and len(value) <= longest:
            return None
        return f"must be 1 to {longest} printable characters"

    return check


def _contact(value: str) -> str | None:
    if re.fullmatch(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+", value) or _parse(value):
        return None
    return "must be an e-mail address or an http or https URL"


def _log_level(value: str) -> str | None:
    return None if value.upper() in LOG_LEVELS else f"must be one of {', '.join(LOG_LEVELS)}"
