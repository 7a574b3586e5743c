"""The Slack apps of this deployment: the one of the environment, or one for each table of APPS_FILE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from onboarding.model import Secret
from onboarding.model.errors import Problem
from onboarding.settings import addresses, apps_file, rules
from onboarding.settings.apps_file import Table
from onboarding.settings.reader import Reader

DEFAULT_SCOPES: Final = "chat:write,chat:write.public,channels:read,groups:read"
NO_NAME: Final = "this app"
"""What the product is called if nobody has named it."""


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
class WebhookSettings:
    """Every key signs: the host may replace one while it still verifies with another."""

    url: str
    keys: tuple[Secret, ...]
    allowed_hosts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Brand:
    """How the pages look, and whom they name."""

    product_name: str
    logo_url: str | None
    accent_color: str | None
    support_contact: str | None
    privacy_url: str | None


@dataclass(frozen=True, slots=True)
class App:
    """One Slack app, the Novu integration that it is for, and what the pages and the host hear of it.

    `names` says what a variable is called where the app's value for it came from, if not by its own name.
    """

    integration: str
    slack: SlackSettings
    signing_keys: tuple[Secret, ...]
    novu: NovuSettings
    webhook: WebhookSettings | None
    brand: Brand
    names: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, variable: str) -> str:
        """Under which name an operator finds a setting of this app: a variable, or a key of APPS_FILE."""
        return self.names.get(variable, variable)


@dataclass(frozen=True, slots=True)
class Apps:
    """By their integrations. Without APPS_FILE the only one serves every integration that a link may name."""

    by_integration: Mapping[str, App]
    default: App | None
    is_from_file: bool = False

    def of(self, integration: str) -> App | None:
        """The app that an owner of this integration is connected with."""
        return self.by_integration.get(integration) if self.is_from_file else self.default

    @property
    def named(self) -> frozenset[str] | None:
        """The integrations that links may name; None for any."""
        return frozenset(self.by_integration) if self.is_from_file else None

    @property
    def all(self) -> tuple[App, ...]:
        return tuple(self.by_integration.values())

    @property
    def first(self) -> App:
        """The default or, without one, the first: for what no integration is known of."""
        return self.default or self.all[0]


def read_apps(env: Mapping[str, str], read: Reader, public_url: str) -> Apps:
    """Problems are noted in `read`."""
    slack_url = addresses.origin(read.text("SLACK_URL", "https://slack.com", rules.bare_origin))
    novu_url = read.text("NOVU_URL", "https://api.novu.co", rules.http_url).rstrip("/")
    allowed = frozenset(rules.split(read.text("WEBHOOK_ALLOWED_HOSTS", "", rules.host_names).lower()))
    common = _Common(slack_url, novu_url, f"{public_url}/slack/oauth_redirect", allowed)
    if not read.has("APPS_FILE"):
        integration = read.text("NOVU_INTEGRATION_IDENTIFIER", check=rules.printable(200))
        app = _read_app(read, common, integration)
        return Apps({integration: app}, app)
    tables, problems = apps_file.load(read.text("APPS_FILE"), env)
    read.problems.extend(problems)
    apps = {table.integration: _read_table(table, env, read, common) for table in tables}
    read.problems.extend(_repeated_client_ids(apps))
    return Apps(apps, apps.get(_default(tables, read)), is_from_file=True)


def read_brand(read: Reader) -> Brand:
    return Brand(
        product_name=read.text("PRODUCT_NAME", NO_NAME, rules.printable(80)),
        logo_url=read.text("PRODUCT_LOGO_URL", "", rules.image_url) or None,
        accent_color=read.text("ACCENT_COLOR", "", rules.accent_color).lower() or None,
        support_contact=read.text("SUPPORT_CONTACT", "", rules.contact) or None,
        privacy_url=read.text("PRIVACY_URL", "", rules.page_url) or None,
    )


@dataclass(frozen=True, slots=True)
class _Common:
    """What every app shares."""

    slack_url: str
    novu_url: str
    redirect_uri: str
    allowed_hosts: frozenset[str]


def _read_app(read: Reader, common: _Common, integration: str) -> App:
    return App(
        integration=integration,
        slack=SlackSettings(
            url=common.slack_url,
            client_id=read.text("SLACK_CLIENT_ID", check=rules.client_id),
            client_secret=read.secret("SLACK_CLIENT_SECRET", rules.ascii_word),
            scopes=tuple(rules.split(read.text("SLACK_SCOPES", DEFAULT_SCOPES, rules.scopes))),
            redirect_uri=common.redirect_uri,
        ),
        signing_keys=read.secrets("SLACK_SIGNING_SECRET", 1, rules.ascii_word),
        novu=NovuSettings(common.novu_url, read.secret("NOVU_SECRET_KEY", rules.ascii_word), integration),
        webhook=_webhook(read, common.allowed_hosts),
        brand=read_brand(read),
    )


def _webhook(read: Reader, allowed_hosts: frozenset[str]) -> WebhookSettings | None:
    """Where events for the host go, and the secrets that sign them: both, or none."""
    if not read.has("WEBHOOK_URL") and not read.has("WEBHOOK_SECRETS"):
        return None
    return WebhookSettings(
        url=read.text("WEBHOOK_URL", check=rules.webhook_url),
        keys=tuple(map(Secret, rules.split(read.text("WEBHOOK_SECRETS", check=rules.webhook_secrets)))),
        allowed_hosts=allowed_hosts,
    )


def _read_table(table: Table, env: Mapping[str, str], read: Reader, common: _Common) -> App:
    """What a table does not say comes from the environment, and so does the name of a problem with it."""
    names = {
        name: table.name_of(key)
        for key, name in apps_file.KEYS.items()
        if name in table.values or not env.get(name, "").strip()
    }
    own = Reader({**env, **table.values}, names)
    app = _read_app(own, common, table.integration)
    # A value that the file could not give has been complained about already.
    read.problems.extend(problem for problem in own.problems if problem.name not in table.unread)
    return replace(app, names={**names, "NOVU_INTEGRATION_IDENTIFIER": table.name_of("(its name)")})


def _default(tables: list[Table], read: Reader) -> str:
    named = [table.integration for table in tables if table.is_default]
    if len(named) > 1:
        read.refuse("APPS_FILE", f"has default = true more than once: {', '.join(named)}")
    wanted = read.text("NOVU_INTEGRATION_IDENTIFIER", "", rules.printable(200))
    if wanted and wanted not in {table.integration for table in tables}:
        read.refuse("NOVU_INTEGRATION_IDENTIFIER", "names none of the apps in APPS_FILE")
    elif wanted and named and wanted not in named:
        read.refuse("NOVU_INTEGRATION_IDENTIFIER", f"names another default than APPS_FILE, which has {named[0]}")
    only = tables[0].integration if len(tables) == 1 else ""
    return wanted or next(iter(named), only)


def _repeated_client_ids(apps: Mapping[str, App]) -> list[Problem]:
    """Two tables for one Slack app would each take the other's events."""
    owners: dict[str, str] = {}
    problems = []
    for integration, app in apps.items():
        if app.slack.client_id and (other := owners.setdefault(app.slack.client_id, integration)) != integration:
            problems.append(Problem(apps_file.name_of(integration, "client_id"), f"is the same as that of {other}"))
    return problems
