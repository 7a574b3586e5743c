"""Asks PostgreSQL, Redis, Slack and Novu whether the settings are right, and names the setting behind each problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.ephemeral import facts as redis
from onboarding.ephemeral.store import Redis
from onboarding.flows.apps import Parties, Party
from onboarding.ledger import facts as database
from onboarding.model import Reason, Secret
from onboarding.model.errors import NovuError, Problem, SlackRefused
from onboarding.remote.failure import Failure
from onboarding.settings.environment import Settings

SECONDS: Final = 10.0
NO_CODE: Final = Secret("onboarding-check-config")
"""Slack checks the app before the code, so a code that never was tells whether it knows the app."""
SLACK_SETTINGS: Final = {
    "invalid_client_id": "SLACK_CLIENT_ID",
    "bad_client_secret": "SLACK_CLIENT_SECRET",
    "bad_redirect_uri": "PUBLIC_URL",
}
POSTS: Final = "chat:write"
OF_ITS_ADDRESS: Final = ""
FAILURES: Final[Mapping[str, tuple[str, str]]] = {
    Failure.PROXY_UNREACHABLE: ("OUTGOING_PROXY", "cannot be asked, because the proxy does not answer"),
    Failure.PROXY_REFUSED: ("OUTGOING_PROXY", "cannot be asked, because the proxy does not connect us"),
    Failure.CERTIFICATE_NOT_TRUSTED: ("CA_FILE", "shows a certificate that no authority we trust has signed"),
    Failure.CERTIFICATE_EXPIRED: (OF_ITS_ADDRESS, "shows a certificate that has expired"),
    Failure.CERTIFICATE_OF_ANOTHER_HOST: (OF_ITS_ADDRESS, "shows the certificate of another host"),
    Failure.NO_TLS: (OF_ITS_ADDRESS, "does not speak TLS there, so https cannot work"),
    Failure.TLS_FAILED: (OF_ITS_ADDRESS, "and this service share no version of TLS"),
    Failure.NAME_UNKNOWN: (OF_ITS_ADDRESS, "has a host name that no name server knows"),
    Failure.NOT_HTTP: (OF_ITS_ADDRESS, "does not speak HTTP there; is it https?"),
}
"""The setting behind each, and what is said of Slack or Novu."""


class Checkup:
    def __init__(self, redis_client: Redis, parties: Parties, settings: Settings) -> None:
        self._redis = redis_client
        self._parties = parties
        self._settings = settings

    def problems(self) -> list[Problem]:
        """Everything that is wrong at this moment. Changes nothing anywhere."""
        found = list(self._ask_stores())
        for party in self._parties.all:
            found += [*self._ask_slack(party, Deadline(SECONDS)), *self._ask_novu(party, Deadline(SECONDS))]
        return list(dict.fromkeys(found))

    def ask_slack(self, deadline: Deadline) -> list[Problem]:
        """Of every app."""
        return list(dict.fromkeys(found for party in self._parties.all for found in self._ask_slack(party, deadline)))

    def ask_novu(self, deadline: Deadline) -> list[Problem]:
        """For every app."""
        return list(dict.fromkeys(found for party in self._parties.all for found in self._ask_novu(party, deadline)))

    def _ask_stores(self) -> Iterator[Problem]:
        for problem in database.problems(self._settings.database_url):
            yield Problem("DATABASE_URL", problem)
        for problem in redis.problems(self._redis):
            yield Problem("REDIS_URL", problem)

    def _ask_slack(self, party: Party, deadline: Deadline) -> Iterator[Problem]:
        if POSTS not in party.app.slack.scopes:
            yield Problem(party.app.name_of("SLACK_SCOPES"), f"lacks {POSTS}, and Novu cannot post without it")
        try:
            party.slack.redeem(NO_CODE, deadline)
        except SlackRefused as refusal:
            if refusal.reason is Reason.SLACK_MISCONFIGURED:
                name = SLACK_SETTINGS.get(refusal.detail, "SLACK_CLIENT_ID")
                yield Problem(party.app.name_of(name), f"Slack says {refusal.detail}")
            elif refusal.reason is Reason.SLACK_UNAVAILABLE:
                yield _unreachable("Slack", "SLACK_URL", refusal.detail)

    def _ask_novu(self, party: Party, deadline: Deadline) -> Iterator[Problem]:
        wanted = party.app.integration
        try:
            has_integration = party.novu.has_integration(wanted, deadline)
            has_connections = party.novu.has_connections(deadline)
        except NovuError as error:
            found = _problem_of(error)
            yield Problem(party.app.name_of(found.name), found.message)
            return
        if not has_integration:
            yield Problem(party.app.name_of("NOVU_INTEGRATION_IDENTIFIER"), f"Novu has no integration {wanted}")
        if not has_connections:
            yield Problem("NOVU_URL", "this Novu has no channel connections; it needs a newer version")


def _problem_of(error: NovuError) -> Problem:
    if error.message in FAILURES:
        return _unreachable("Novu", "NOVU_URL", error.message)
    name = "NOVU_SECRET_KEY" if error.status in {401, 403} else "NOVU_URL"
    return Problem(name, f"Novu does not answer as it should ({error})")


def _unreachable(who: str, address: str, failure: str) -> Problem:
    name, words = FAILURES.get(failure, (OF_ITS_ADDRESS, "does not answer"))
    return Problem(name or address, f"{who} {words} ({failure})")
