"""Settings, read once from the environment. Reports every problem together; never shows a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from onboarding.model import Secret
from onboarding.model.errors import ConfigError
from onboarding.settings import addresses, rules
from onboarding.settings.apps import Apps, Brand, read_apps, read_brand
from onboarding.settings.database_url import database_url
from onboarding.settings.reader import Reader
from onboarding.settings.redis_url import redis_url
from onboarding.settings.traces import traces_url

TEN_YEARS: Final = 315_360_000
SHORTEST_INTERVAL: Final = 60


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """`allowed` and `operators` hold e-mail addresses in lower case, and domains that begin with @.

    `vouches_for_emails`: the operator knows that the issuer's addresses are verified, although it does not say so.
    """

    issuer: str
    client_id: str
    client_secret: Secret
    allowed: frozenset[str]
    operators: frozenset[str]
    redirect_uri: str
    vouches_for_emails: bool = False

    def allows(self, email: str) -> bool:
        return _is_among(email, self.allowed)

    def makes_operator(self, email: str) -> bool:
        return _is_among(email, self.operators)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set. `secret_keys` is oldest first; the last one signs and seals."""

    public_url: str
    secret_keys: tuple[Secret, ...]
    database_url: Secret
    redis_url: Secret
    apps: Apps
    api_keys: tuple[Secret, ...]
    admin_password: Secret | None
    oidc: OidcSettings | None
    check_interval: timedelta
    embed_origins: frozenset[str]
    direct_install: bool
    brand: Brand
    link_max_age: timedelta
    attempt_retention: timedelta
    trusted_proxy_count: int
    outgoing_proxy: Secret | None
    ca_file: str | None
    metrics_token: Secret | None
    traces_url: str | None
    log_level: str

    @property
    def has_status_page(self) -> bool:
        return self.admin_password is not None or self.oidc is not None

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")


def load(env: Mapping[str, str]) -> Settings:
    """Read the settings of `env`, or raise one `ConfigError` that names everything wrong with them."""
    read = Reader(env)
    public_url = read.text("PUBLIC_URL", check=rules.bare_origin)
    apps = read_apps(env, read, addresses.origin(public_url))
    settings = Settings(
        public_url=addresses.origin(public_url),
        secret_keys=(*read.secrets("SECRET_KEY_FALLBACKS", 32), read.secret("SECRET_KEY", rules.at_least(32))),
        database_url=read.secret("DATABASE_URL", database_url),
        redis_url=read.secret("REDIS_URL", redis_url),
        apps=apps,
        api_keys=read.secrets("API_KEYS", 32, rules.ascii_word),
        admin_password=read.optional_secret("ADMIN_PASSWORD", rules.password),
        oidc=_oidc(read, addresses.origin(public_url)),
        check_interval=_check_interval(read),
        embed_origins=frozenset(map(addresses.origin, rules.split(read.text("EMBED_ORIGINS", "", rules.origins)))),
        direct_install=read.text("DIRECT_INSTALL", "0", rules.switch) == "1",
        brand=_brand(read, apps),
        link_max_age=timedelta(seconds=read.number("LINK_MAX_AGE", 604_800, range(1, TEN_YEARS))),
        attempt_retention=timedelta(seconds=read.number("ATTEMPT_RETENTION", 2_592_000, range(1, TEN_YEARS))),
        trusted_proxy_count=read.number("TRUSTED_PROXY_COUNT", 0, range(11)),
        outgoing_proxy=read.optional_secret("OUTGOING_PROXY", rules.proxy_url),
        ca_file=read.text("CA_FILE", "", rules.ca_file) or None,
        metrics_token=read.optional_secret("METRICS_TOKEN", rules.bearer_token(16)),
        traces_url=traces_url(read),
        log_level=read.text("LOG_LEVEL", "INFO", rules.log_level).upper(),
    )
    if read.problems:
        raise ConfigError(list(dict.fromkeys(read.problems)))
    return settings


def _brand(read: Reader, apps: Apps) -> Brand:
    """Of pages that are about no app in particular: the default app's, if the environment names no product."""
    own = read_brand(read)
    return own if read.has("PRODUCT_NAME") or apps.default is None else apps.default.brand


def _check_interval(read: Reader) -> timedelta:
    seconds = read.number("CHECK_INTERVAL", 86_400, range(TEN_YEARS))
    if 0 < seconds < SHORTEST_INTERVAL:
        read.refuse("CHECK_INTERVAL", f"must be 0, or at least {SHORTEST_INTERVAL} seconds")
    return timedelta(seconds=seconds)


def _oidc(read: Reader, public_url: str) -> OidcSettings | None:
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
        vouches_for_emails=read.text("OIDC_EMAILS_VERIFIED", "0", rules.switch) == "1",
    )


def _is_among(email: str, entries: frozenset[str]) -> bool:
    return email in entries or f"@{email.rpartition('@')[2]}" in entries
