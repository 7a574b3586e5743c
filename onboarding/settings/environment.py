"""Settings, read once from the environment. Reports every problem together; never shows a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from onboarding.model import Secret
from onboarding.model.errors import ConfigError, Problem
from onboarding.settings import addresses, rules
from onboarding.settings.database_url import database_url
from onboarding.settings.redis_url import redis_url
from onboarding.settings.rules import Rule

DEFAULT_SCOPES: Final = "chat:write,chat:write.public,channels:read,groups:read"
TEN_YEARS: Final = 315_360_000
SHORTEST_INTERVAL: Final = 60


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
class OidcSettings:
    """`allowed` and `operators` hold e-mail addresses in lower case, and domains that begin with @."""

    issuer: str
    client_id: str
    client_secret: Secret
    allowed: frozenset[str]
    operators: frozenset[str]
    redirect_uri: str

    def allows(self, email: str) -> bool:
        return _is_among(email, self.allowed)

    def makes_operator(self, email: str) -> bool:
        return _is_among(email, self.operators)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Every key signs: the host may replace one while it still verifies with another."""

    url: str
    keys: tuple[Secret, ...]
    allowed_hosts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set. `secret_keys` is oldest first; the last one signs and seals."""

    public_url: str
    secret_keys: tuple[Secret, ...]
    database_url: Secret
    redis_url: Secret
    slack: SlackSettings
    novu: NovuSettings
    api_keys: tuple[Secret, ...]
    admin_password: Secret | None
    oidc: OidcSettings | None
    webhook: WebhookSettings | None
    signing_keys: tuple[Secret, ...]
    check_interval: timedelta
    product_name: str
    support_contact: str | None
    link_max_age: timedelta
    attempt_retention: timedelta
    trusted_proxy_count: int
    outgoing_proxy: Secret | None
    ca_file: str | None
    log_level: str

    @property
    def has_status_page(self) -> bool:
        return self.admin_password is not None or self.oidc is not None

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")


def load(env: Mapping[str, str]) -> Settings:
    """Read the settings of `env`, or raise one `ConfigError` that names everything wrong with them."""
    read = _Reader(env)
    public_url = read.text("PUBLIC_URL", check=rules.bare_origin)
    settings = Settings(
        public_url=addresses.origin(public_url),
        secret_keys=(*read.secrets("SECRET_KEY_FALLBACKS", 32), read.secret("SECRET_KEY", rules.at_least(32))),
        database_url=read.secret("DATABASE_URL", database_url),
        redis_url=read.secret("REDIS_URL", redis_url),
        slack=SlackSettings(
            url=addresses.origin(read.text("SLACK_URL", "https://slack.com", rules.bare_origin)),
            client_id=read.text("SLACK_CLIENT_ID", check=rules.client_id),
            client_secret=read.secret("SLACK_CLIENT_SECRET", rules.ascii_word),
            scopes=tuple(rules.split(read.text("SLACK_SCOPES", DEFAULT_SCOPES, rules.scopes))),
            redirect_uri=f"{addresses.origin(public_url)}/slack/oauth_redirect",
        ),
        novu=NovuSettings(
            url=read.text("NOVU_URL", "https://api.novu.co", rules.http_url).rstrip("/"),
            secret_key=read.secret("NOVU_SECRET_KEY", rules.ascii_word),
            integration=read.text("NOVU_INTEGRATION_IDENTIFIER", check=rules.printable(200)),
        ),
        api_keys=read.secrets("API_KEYS", 32, rules.ascii_word),
        admin_password=read.optional_secret("ADMIN_PASSWORD", rules.password),
        oidc=_oidc(read, addresses.origin(public_url)),
        webhook=_webhook(read),
        signing_keys=read.secrets("SLACK_SIGNING_SECRET", 1, rules.ascii_word),
        check_interval=_check_interval(read),
        product_name=read.text("PRODUCT_NAME", "this app", rules.printable(80)),
        support_contact=read.text("SUPPORT_CONTACT", "", rules.contact) or None,
        link_max_age=timedelta(seconds=read.number("LINK_MAX_AGE", 604_800, range(1, TEN_YEARS))),
        attempt_retention=timedelta(seconds=read.number("ATTEMPT_RETENTION", 2_592_000, range(1, TEN_YEARS))),
        trusted_proxy_count=read.number("TRUSTED_PROXY_COUNT", 0, range(11)),
        outgoing_proxy=read.optional_secret("OUTGOING_PROXY", rules.proxy_url),
        ca_file=read.text("CA_FILE", "", rules.ca_file) or None,
        log_level=read.text("LOG_LEVEL", "INFO", rules.log_level).upper(),
    )
    if read.problems:
        raise ConfigError(read.problems)
    return settings


def _check_interval(read: _Reader) -> timedelta:
    seconds = read.number("CHECK_INTERVAL", 86_400, range(TEN_YEARS))
    if 0 < seconds < SHORTEST_INTERVAL:
        read.refuse("CHECK_INTERVAL", f"must be 0, or at least {SHORTEST_INTERVAL} seconds")
    return timedelta(seconds=seconds)


def _webhook(read: _Reader) -> WebhookSettings | None:
    """Where events for the host go, and the secrets that sign them: both, or none."""
    allowed = read.text("WEBHOOK_ALLOWED_HOSTS", "", rules.host_names)
    if not read.has("WEBHOOK_URL") and not read.has("WEBHOOK_SECRETS"):
        return None
    return WebhookSettings(
        url=read.text("WEBHOOK_URL", check=rules.webhook_url),
        keys=tuple(map(Secret, rules.split(read.text("WEBHOOK_SECRETS", check=rules.webhook_secrets)))),
        allowed_hosts=frozenset(rules.split(allowed.lower())),
    )


def _oidc(read: _Reader, public_url: str) -> OidcSettings | None:
    """Single sign-on: all of its settings, or none."""
    names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ALLOWED_EMAILS", "OIDC_OPERATOR_EMAILS")
    if not any(map(read.has, names)):
        return None
    return OidcSettings(
        issuer=read.text("OIDC_ISSUER", check=rules.secure_url),
        client_id=read.text("OIDC_CLIENT_ID", check=rules.ascii_word),
        client_secret=read.secret("OIDC_CLIENT_SECRET", rules.ascii_word),
        allowed=frozenset(rules.split(read.text("OIDC_ALLOWED_EMAILS", check=rules.emails).lower())),
        operators=frozenset(rules.split(read.text("OIDC_OPERATOR_EMAILS", "", rules.emails).lower())),
        redirect_uri=f"{public_url}/admin/sign-in/callback",
    )


def _is_among(email: str, entries: frozenset[str]) -> bool:
    return email in entries or f"@{email.rpartition('@')[2]}" in entries


class _Reader:
    """Reads one environment and remembers what is wrong with it. Values lose the white space at their ends."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[Problem] = []

    def has(self, name: str) -> bool:
        return bool(self._value(name))

    def text(self, name: str, default: str | None = None, check: Rule | None = None) -> str:
        value = self._value(name) or default
        if value is None:
            self.refuse(name, "is required")
            return ""
        problem = value and (rules.text(value) or (check and check(value)))
        if problem:
            self.refuse(name, problem)
            return ""
        return value

    def secret(self, name: str, check: Rule) -> Secret:
        return Secret(self.text(name, check=check))

    def optional_secret(self, name: str, check: Rule) -> Secret | None:
        value = self.text(name, "", check)
        return Secret(value) if value else None

    def secrets(self, name: str, shortest: int, check: Rule = rules.text) -> tuple[Secret, ...]:
        values = rules.split(self.text(name, ""))
        if any(rules.at_least(shortest)(value) for value in values):
            self.refuse(name, f"each entry needs at least {shortest} characters of text")
        elif problem := next(filter(None, map(check, values)), None):
            self.refuse(name, f"each entry {problem}")
        return tuple(Secret(value) for value in values)

    def number(self, name: str, default: int, allowed: range) -> int:
        value = self._value(name) or str(default)
        if re.fullmatch(r"[0-9]{1,9}", value) and int(value) in allowed:
            return int(value)
        self.refuse(name, f"must be a whole number from {allowed.start} to {allowed.stop - 1}")
        return default

    def _value(self, name: str) -> str:
        return self._env.get(name, "").strip()

    def refuse(self, name: str, message: str) -> None:
        self.problems.append(Problem(name, message))
