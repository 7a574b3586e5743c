"""The composition root: every object built once, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from onboarding import storage
from onboarding.attempts import Attempts, Lists
from onboarding.checkup import Checkup
from onboarding.config import Settings
from onboarding.delivery import Delivery
from onboarding.flow import Flow
from onboarding.health import Health
from onboarding.identity import Identity
from onboarding.links import Links
from onboarding.minting import Minting
from onboarding.model import utc_now
from onboarding.novu import Novu
from onboarding.queue import Queue
from onboarding.records.answers import Answers
from onboarding.records.audit import Audit
from onboarding.records.checks import Checks
from onboarding.records.limits import Limits
from onboarding.records.minted import MintedLinks
from onboarding.records.problems import Problems
from onboarding.records.sessions import Sessions
from onboarding.slack import Slack
from onboarding.upkeep import Upkeep
from onboarding.vault import Vault


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
    redis = storage.connect(settings.redis_url)
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
