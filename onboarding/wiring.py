"""The composition root: every object built once, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from onboarding.ephemeral import store
from onboarding.ephemeral.answers import Answers
from onboarding.ephemeral.checks import Checks
from onboarding.ephemeral.limits import Limits
from onboarding.ephemeral.sessions import Sessions
from onboarding.flows.checkup import Checkup
from onboarding.flows.deliver import Delivery
from onboarding.flows.disconnect import Upkeep
from onboarding.flows.health import Health
from onboarding.flows.install import Flow
from onboarding.flows.mint import Minting
from onboarding.ledger import Attempts, Lists
from onboarding.ledger.audit import Audit
from onboarding.ledger.links import MintedLinks
from onboarding.ledger.problems import Problems
from onboarding.ledger.queue import Queue
from onboarding.model import utc_now
from onboarding.remote.issuer import Identity
from onboarding.remote.novu import Novu
from onboarding.remote.slack import Slack
from onboarding.settings.environment import Settings
from onboarding.signing.links import Links
from onboarding.signing.vault import Vault


@dataclass(frozen=True, slots=True)
class Records:
    """What Redis holds besides attempts."""

    answers: Answers
    audit: Audit
    limits: Limits
    problems: Problems
    sessions: Sessions


@dataclass(frozen=True, slots=True)
class Wiring:
    """`identity` is None without single sign-on."""

    settings: Settings
    clock: Callable[[], datetime]
    links: Links
    attempts: Attempts
    lists: Lists
    records: Records
    novu: Novu
    identity: Identity | None
    flow: Flow
    delivery: Delivery
    minting: Minting
    upkeep: Upkeep
    checkup: Checkup
    health: Health


def wire(settings: Settings) -> Wiring:
    """Build everything. Nothing connects to anything before its first use."""
    redis = store.connect(settings.redis_url)
    attempts, lists, queue = (
        Attempts(redis, settings.attempt_retention),
        Lists(redis, settings.attempt_retention),
        Queue(redis),
    )
    slack, novu = Slack(settings.slack, utc_now), Novu(settings.novu)
    links = Links(settings.secret_keys, settings.link_max_age, settings.novu.integration)
    delivery = Delivery(novu, attempts, Vault(settings.secret_keys), queue.schedule, utc_now)
    checkup = Checkup(attempts, slack, novu, settings.novu)
    minted = MintedLinks(redis, settings.link_max_age)
    return Wiring(
        settings=settings,
        clock=utc_now,
        links=links,
        attempts=attempts,
        lists=lists,
        records=Records(Answers(redis), Audit(redis), Limits(redis), Problems(redis), Sessions(redis)),
        novu=novu,
        identity=Identity(settings.oidc, utc_now) if settings.oidc else None,
        flow=Flow(slack, attempts, delivery, utc_now),
        delivery=delivery,
        minting=Minting(links, attempts, minted, settings.public_url, utc_now),
        upkeep=Upkeep(slack, novu, attempts, utc_now),
        checkup=checkup,
        health=Health(checkup, Checks(redis), queue, lists, utc_now),
    )
