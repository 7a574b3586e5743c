"""The composition root: every object built once, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from onboarding.clock import utc_now
from onboarding.flows.apps import Parties, Party
from onboarding.flows.check import Check
from onboarding.flows.claim import Claims
from onboarding.flows.deliver import Delivery
from onboarding.flows.destination import Choosing
from onboarding.flows.disconnect import Upkeep
from onboarding.flows.mint import Minting
from onboarding.flows.notify import Hearer, Notify
from onboarding.flows.spans import UNTOLD, Spans
from onboarding.ledger.attempts import Attempts
from onboarding.ledger.audit import Audit
from onboarding.ledger.connection_lists import ConnectionLists
from onboarding.ledger.connections import Connections
from onboarding.ledger.destinations import Destinations
from onboarding.ledger.endings import Endings
from onboarding.ledger.events import Events
from onboarding.ledger.findings import Findings
from onboarding.ledger.grants import Grants
from onboarding.ledger.links import CreatedLinks
from onboarding.ledger.lists import Lists
from onboarding.ledger.months import Months
from onboarding.ledger.needs import Needs
from onboarding.ledger.numbers import Numbers
from onboarding.ledger.owners import Owners
from onboarding.ledger.pauses import Pauses
from onboarding.ledger.postgres import Postgres
from onboarding.ledger.problems import Problems
from onboarding.ledger.unclaimed import Unclaimed
from onboarding.ledger.work import Work
from onboarding.remote.http import Http, Outgoing, Watch
from onboarding.remote.novu import Novu
from onboarding.remote.slack import Slack
from onboarding.remote.webhook import Webhook
from onboarding.settings.apps import Apps
from onboarding.settings.environment import OidcSettings, Settings
from onboarding.signing.links import Links
from onboarding.signing.status_tokens import StatusTokens
from onboarding.signing.vault import Vault

if TYPE_CHECKING:
    from onboarding.ephemeral import store
    from onboarding.ephemeral.answers import Answers
    from onboarding.ephemeral.channels import KnownChannels
    from onboarding.ephemeral.checks import Checks
    from onboarding.ephemeral.limits import Limits
    from onboarding.ephemeral.repeats import Repeats
    from onboarding.ephemeral.sessions import Sessions
    from onboarding.ephemeral.states import States
    from onboarding.flows.advice import Advice
    from onboarding.flows.channels import Channels
    from onboarding.flows.checkup import Checkup
    from onboarding.flows.health import Health
    from onboarding.flows.install import Install
    from onboarding.flows.proof import Proof
    from onboarding.flows.readiness import Readiness
    from onboarding.remote.issuer import Identity


@dataclass(frozen=True, slots=True)
class Ledger:
    """What PostgreSQL holds."""

    postgres: Postgres
    attempts: Attempts
    grants: Grants
    connections: Connections
    connection_lists: ConnectionLists
    destinations: Destinations
    endings: Endings
    lists: Lists
    months: Months
    numbers: Numbers
    links: CreatedLinks
    needs: Needs
    owners: Owners
    audit: Audit
    events: Events
    pauses: Pauses
    findings: Findings
    problems: Problems
    unclaimed: Unclaimed
    work: Work


@dataclass(frozen=True, slots=True)
class Ephemeral:
    """What Redis holds."""

    client: store.Redis
    states: States
    answers: Answers
    checks: Checks
    limits: Limits
    repeats: Repeats
    channels: KnownChannels
    sessions: Sessions


@dataclass(frozen=True, slots=True)
class Background:
    """What a worker needs: no Redis, and nothing that people look at."""

    http: Http
    ledger: Ledger
    parties: Parties
    delivery: Delivery
    claims: Claims
    choosing: Choosing
    upkeep: Upkeep
    links: Links
    minting: Minting
    check: Check
    notify: Notify
    spans: Spans


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything. `identity` is None without single sign-on."""

    settings: Settings
    clock: Callable[[], datetime]
    links: Links
    status_tokens: StatusTokens
    ledger: Ledger
    ephemeral: Ephemeral
    parties: Parties
    identity: Callable[[], Identity] | None
    install: Install
    delivery: Delivery
    claims: Claims
    minting: Minting
    check: Check
    notify: Notify
    upkeep: Upkeep
    choosing: Choosing
    channels: Channels
    proof: Proof
    checkup: Checkup
    advice: Advice
    health: Health
    readiness: Readiness
    spans: Spans

    def close(self) -> None:
        """Give every connection back."""
        self.ledger.postgres.close()
        self.ephemeral.client.close()
        self.spans.close()


def wire_background(settings: Settings, watch: Watch | None = None) -> Background:
    """Build a worker's part. Nothing connects to anything before its first use."""
    http, ledger = Http(Outgoing(settings.outgoing_proxy, settings.ca_file), watch=watch), _ledger(settings)
    parties, connections = _parties(settings, http), ledger.connections
    choosing = Choosing(parties, connections, ledger.destinations)
    links = Links(settings.secret_keys, settings.link_max_age, _default(settings.apps), settings.apps.named)
    minting = Minting(links, ledger.links, connections, ledger.attempts, settings.public_url, utc_now)
    vault, spans = Vault(settings.secret_keys), _spans(settings)
    delivery = Delivery(parties, ledger.attempts, ledger.grants, choosing, vault, spans)
    return Background(
        http=http,
        ledger=ledger,
        parties=parties,
        delivery=delivery,
        claims=Claims(parties, ledger.attempts, ledger.unclaimed, delivery, vault),
        choosing=choosing,
        upkeep=Upkeep(parties, connections, ledger.endings),
        links=links,
        minting=minting,
        check=Check(
            parties, parties.first.slack.bot, connections, ledger.endings, ledger.findings, minting, spans, settings
        ),
        notify=_notify(settings, ledger, minting, spans),
        spans=spans,
    )


def wire(settings: Settings, watch: Watch | None = None) -> Wiring:
    """Build everything. Nothing connects to anything before its first use. `watch` hears of every call to a remote."""
    # A worker imports this module too, and needs none of these.
    from onboarding.flows.advice import Advice  # noqa: PLC0415
    from onboarding.flows.channels import Channels  # noqa: PLC0415
    from onboarding.flows.checkup import Checkup  # noqa: PLC0415
    from onboarding.flows.health import Health  # noqa: PLC0415
    from onboarding.flows.install import Install  # noqa: PLC0415
    from onboarding.flows.proof import Proof  # noqa: PLC0415
    from onboarding.flows.readiness import Readiness  # noqa: PLC0415

    base, ephemeral = wire_background(settings, watch), _ephemeral(settings)
    ledger, parties, bot = base.ledger, base.parties, base.parties.first.slack.bot
    checkup = Checkup(ephemeral.client, parties, settings)
    return Wiring(
        settings=settings,
        clock=utc_now,
        links=base.links,
        status_tokens=StatusTokens(settings.secret_keys),
        ledger=ledger,
        ephemeral=ephemeral,
        parties=parties,
        identity=_identity(settings.oidc, base.http) if settings.oidc else None,
        install=Install(parties, ephemeral.states, ledger.attempts, base.delivery, base.claims, base.spans, utc_now),
        delivery=base.delivery,
        claims=base.claims,
        minting=base.minting,
        check=base.check,
        notify=base.notify,
        upkeep=base.upkeep,
        choosing=base.choosing,
        channels=Channels(parties, bot, ephemeral.channels),
        proof=Proof(parties, bot, ephemeral.limits, ledger.attempts, settings),
        checkup=checkup,
        advice=Advice(parties, bot, settings),
        health=Health(checkup, ephemeral.checks, ledger.work, ledger.lists, utc_now),
        readiness=Readiness(ledger.postgres.ping, ephemeral.states.ping),
        spans=base.spans,
    )


def _default(apps: Apps) -> str:
    return apps.default.integration if apps.default else ""


def _parties(settings: Settings, http: Http) -> Parties:
    made = {
        app.integration: Party(app, Slack(app.slack, utc_now, http), Novu(app.novu, http)) for app in settings.apps.all
    }
    return Parties(settings.apps, made)


def _spans(settings: Settings) -> Spans:
    """OpenTelemetry is loaded only if somebody collects spans."""
    if settings.traces_url is None:
        return UNTOLD
    from onboarding.remote.tracing import Tracing  # noqa: PLC0415

    return Tracing(settings.traces_url)


def _notify(settings: Settings, ledger: Ledger, minting: Minting, spans: Spans) -> Notify:
    """One endpoint for each address, however many apps tell it of something."""
    outgoing = Outgoing(settings.outgoing_proxy, settings.ca_file)
    apps = [app for app in settings.apps.all if app.webhook]
    urls = dict.fromkeys(app.webhook.url for app in apps if app.webhook)
    hearers = []
    for url in urls:
        told = [app for app in apps if app.webhook and app.webhook.url == url]
        integrations = tuple(app.integration for app in told) if settings.apps.is_from_file else None
        keys = {app.integration: app.webhook.keys for app in told if app.webhook}
        named = next(app.webhook for app in told if app.webhook)
        hearers.append(Hearer(Webhook(url, named.allowed_hosts, outgoing), integrations, keys))
    return Notify(ledger.events, ledger.pauses, hearers, minting, spans)


def _ledger(settings: Settings) -> Ledger:
    postgres = Postgres(settings.database_url)
    return Ledger(
        postgres=postgres,
        attempts=Attempts(postgres, settings.attempt_retention),
        grants=Grants(postgres, settings.attempt_retention, settings.check_interval),
        connections=Connections(postgres),
        connection_lists=ConnectionLists(postgres),
        destinations=Destinations(postgres),
        endings=Endings(postgres),
        lists=Lists(postgres),
        months=Months(postgres),
        numbers=Numbers(postgres),
        links=CreatedLinks(postgres),
        needs=Needs(postgres),
        owners=Owners(postgres),
        audit=Audit(postgres),
        events=Events(postgres),
        pauses=Pauses(postgres),
        findings=Findings(postgres),
        problems=Problems(postgres),
        unclaimed=Unclaimed(postgres, settings.attempt_retention),
        work=Work(postgres),
    )


def _ephemeral(settings: Settings) -> Ephemeral:
    from onboarding.ephemeral import store  # noqa: PLC0415
    from onboarding.ephemeral.answers import Answers  # noqa: PLC0415
    from onboarding.ephemeral.channels import KnownChannels  # noqa: PLC0415
    from onboarding.ephemeral.checks import Checks  # noqa: PLC0415
    from onboarding.ephemeral.limits import Limits  # noqa: PLC0415
    from onboarding.ephemeral.repeats import Repeats  # noqa: PLC0415
    from onboarding.ephemeral.sessions import Sessions  # noqa: PLC0415
    from onboarding.ephemeral.states import States  # noqa: PLC0415

    client = store.connect(settings.redis_url)
    return Ephemeral(
        client=client,
        states=States(client),
        answers=Answers(client),
        checks=Checks(client),
        limits=Limits(client),
        repeats=Repeats(client),
        channels=KnownChannels(client),
        sessions=Sessions(client),
    )


def _identity(settings: OidcSettings, http: Http) -> Callable[[], Identity]:
    """Built when somebody signs in: nobody else needs OpenID Connect."""

    @cache
    def build() -> Identity:
        from onboarding.remote.issuer import Identity  # noqa: PLC0415

        return Identity(settings, utc_now, http)

    return build
