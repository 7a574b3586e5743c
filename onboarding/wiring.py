"""The composition root: every object built once, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from onboarding.attempts import Attempts
from onboarding.checkup import Checkup
from onboarding.config import Settings
from onboarding.delivery import Delivery
from onboarding.flow import Flow
from onboarding.links import Links
from onboarding.model import utc_now
from onboarding.novu import Novu
from onboarding.queue import Queue
from onboarding.slack import Slack
from onboarding.vault import Vault


@dataclass(frozen=True, slots=True)
class Wiring:
    settings: Settings
    clock: Callable[[], datetime]
    links: Links
    attempts: Attempts
    flow: Flow
    delivery: Delivery
    checkup: Checkup


def wire(settings: Settings) -> Wiring:
    """Build everything. Nothing connects to anything before its first use."""
    attempts = Attempts(settings.redis_url, settings.attempt_retention)
    queue = Queue(settings.redis_url)
    slack, novu = Slack(settings.slack, utc_now), Novu(settings.novu)
    delivery = Delivery(novu, attempts, Vault(settings.secret_keys), queue.schedule, utc_now)
    return Wiring(
        settings=settings,
        clock=utc_now,
        links=Links(settings.secret_keys, settings.link_max_age, settings.novu.integration),
        attempts=attempts,
        flow=Flow(slack, attempts, delivery, utc_now),
        delivery=delivery,
        checkup=Checkup(attempts, slack, novu, settings.novu),
    )
