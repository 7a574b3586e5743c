"""Asks PostgreSQL, Redis, Slack and Novu whether the settings are right, and names the setting behind each trouble."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.ephemeral import facts as redis
from onboarding.ephemeral.store import Redis
from onboarding.ledger import facts as database
from onboarding.model import Reason, Secret
from onboarding.model.errors import NovuError, Problem, SlackRefused
from onboarding.remote.novu import Novu
from onboarding.remote.slack import Slack
from onboarding.settings.environment import Settings

SECONDS: Final = 10.0
NO_CODE: Final = Secret("onboarding-check-config")
"""Slack checks the app before the code, so a code that never was tells whether it knows the app."""
SLACK_SETTINGS: Final = {
    "invalid_client_id": "SLACK_CLIENT_ID",
    "bad_client_secret": "SLACK_CLIENT_SECRET",
    "bad_redirect_uri": "PUBLIC_URL",
}


class Checkup:
    def __init__(self, redis_client: Redis, slack: Slack, novu: Novu, settings: Settings) -> None:
        self._redis = redis_client
        self._slack = slack
        self._novu = novu
        self._settings = settings

    def problems(self) -> list[Problem]:
        """Everything that is wrong at this moment. Changes nothing anywhere."""
        return [*self._ask_stores(), *self.ask_slack(Deadline(SECONDS)), *self.ask_novu(Deadline(SECONDS))]

    def _ask_stores(self) -> Iterator[Problem]:
        for problem in database.problems(self._settings.database_url):
            yield Problem("DATABASE_URL", problem)
        for problem in redis.problems(self._redis):
            yield Problem("REDIS_URL", problem)

    def ask_slack(self, deadline: Deadline) -> Iterator[Problem]:
        try:
            self._slack.redeem(NO_CODE, deadline)
        except SlackRefused as refusal:
            if refusal.reason is Reason.SLACK_MISCONFIGURED:
                name = SLACK_SETTINGS.get(refusal.detail, "SLACK_CLIENT_ID")
                yield Problem(name, f"Slack says {refusal.detail}")
            elif refusal.reason is Reason.SLACK_UNAVAILABLE:
                yield Problem("SLACK_URL", f"Slack does not answer ({refusal.detail})")

    def ask_novu(self, deadline: Deadline) -> Iterator[Problem]:
        wanted = self._settings.novu.integration
        try:
            found = self._novu.has_integration(wanted, deadline)
        except NovuError as error:
            name = "NOVU_SECRET_KEY" if error.status in {401, 403} else "NOVU_URL"
            yield Problem(name, f"Novu does not answer as it should ({error})")
            return
        if not found:
            yield Problem("NOVU_INTEGRATION_IDENTIFIER", f"Novu has no integration {wanted}")
