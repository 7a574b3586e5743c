"""Asks PostgreSQL, Redis, Slack and Novu which settings are right, and names the setting behind each answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from onboarding.clock.deadline import Deadline
from onboarding.ephemeral import facts as redis
from onboarding.ephemeral.store import Redis
from onboarding.flows.apps import Parties, Party
from onboarding.ledger import facts as database
from onboarding.model import Reason, Secret
from onboarding.model.errors import NovuError, Problem, SlackRefused
from onboarding.remote.failure import Failure
from onboarding.remote.novu.wire import Integration
from onboarding.settings.apps import App
from onboarding.settings.environment import Settings

SECONDS: Final = 10.0
NO_CODE: Final = Secret("onboarding-check-config")
"""Slack checks the app before the code, so a code that never was tells whether it knows the app."""
SLACK_SETTINGS: Final = {
    "invalid_client_id": "SLACK_CLIENT_ID",
    "bad_client_secret": "SLACK_CLIENT_SECRET",
    "bad_redirect_uri": "PUBLIC_URL",
}
KNOWN: Final = "Slack knows the app"
ACCEPTED: Final = "Slack accepts it"
POSTS: Final = "chat:write"
PROVIDERS: Final = ("slack", "novu-slack")
"""What Novu calls Slack; the second is its own app, for trying things out."""
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


@dataclass(frozen=True, slots=True)
class Right:
    """A setting that holds, and what says so."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A setting that nothing could be said of, and why."""

    name: str
    message: str


Found = Right | Unknown | Problem


class Checkup:
    def __init__(self, redis_client: Redis, parties: Parties, settings: Settings) -> None:
        self._redis = redis_client
        self._parties = parties
        self._settings = settings

    def shared(self) -> tuple[Found, ...]:
        """What there is to say of what all apps share. Changes nothing anywhere."""
        postgres = _of_store("DATABASE_URL", "PostgreSQL", database.problems(self._settings.database_url))
        return (*postgres, *_of_store("REDIS_URL", "Redis", redis.problems(self._redis)))

    def of_each_app(self) -> Iterator[tuple[App, tuple[Found, ...]]]:
        """What there is to say of one app after the other. Changes nothing anywhere."""
        for party in self._parties.all:
            yield party.app, (*_ask_slack(party, Deadline(SECONDS)), *_ask_novu(party, Deadline(SECONDS)))

    def ask_slack(self, deadline: Deadline) -> list[Problem]:
        """Of every app."""
        return problems(found for party in self._parties.all for found in _ask_slack(party, deadline))

    def ask_novu(self, deadline: Deadline) -> list[Problem]:
        """For every app."""
        return problems(found for party in self._parties.all for found in _ask_novu(party, deadline))


def problems(found: Iterable[Found]) -> list[Problem]:
    """Each once, although several apps may have it."""
    return list(dict.fromkeys(each for each in found if isinstance(each, Problem)))


def _of_store(name: str, who: str, said: Iterable[str]) -> Sequence[Found]:
    return [Problem(name, each) for each in said] or [Right(name, f"{who} answers and can be used")]


def _ask_slack(party: Party, deadline: Deadline) -> Iterator[Found]:
    name = party.app.name_of("SLACK_SCOPES")
    if POSTS in party.app.slack.scopes:
        yield Right(name, f"has {POSTS}, which Novu posts with")
    else:
        yield Problem(name, f"lacks {POSTS}, and Novu cannot post without it")
    try:
        party.slack.redeem(NO_CODE, deadline)
    except SlackRefused as refusal:
        yield from _of_credentials(party.app, refusal)


def _of_credentials(app: App, refusal: SlackRefused) -> Iterator[Found]:
    """Slack looks at the client id first, then at the secret, and at the code at last."""
    client_id, secret = app.name_of("SLACK_CLIENT_ID"), app.name_of("SLACK_CLIENT_SECRET")
    if refusal.reason is Reason.CODE_REFUSED:
        yield from (Right(client_id, KNOWN), Right(secret, ACCEPTED))
    elif refusal.reason is Reason.SLACK_MISCONFIGURED:
        wrong = app.name_of(SLACK_SETTINGS.get(refusal.detail, "SLACK_CLIENT_ID"))
        is_known = refusal.detail in SLACK_SETTINGS and wrong != client_id
        yield from [Right(client_id, KNOWN)] if is_known else []
        yield Problem(wrong, f"Slack says {refusal.detail}")
        yield from [] if wrong == secret else [Unknown(secret, f"Slack says {refusal.detail} instead")]
    else:
        if refusal.reason is Reason.SLACK_UNAVAILABLE:
            yield _unreachable("Slack", "SLACK_URL", refusal.detail)
        yield from (Unknown(each, f"Slack did not say ({refusal.detail})") for each in (client_id, secret))


def _ask_novu(party: Party, deadline: Deadline) -> Iterator[Found]:
    key, integration = party.app.name_of("NOVU_SECRET_KEY"), party.app.name_of("NOVU_INTEGRATION_IDENTIFIER")
    try:
        known = party.novu.integrations(party.app.integration, deadline)
        has_connections = party.novu.has_connections(deadline)
    except NovuError as error:
        found = _problem_of(error)
        wrong = party.app.name_of(found.name)
        yield Problem(wrong, found.message)
        yield from (Unknown(name, "Novu did not say") for name in (key, integration) if name != wrong)
        return
    yield Right(key, "Novu accepts it")
    yield _of_integration(integration, party.app.integration, known)
    if has_connections:
        yield Right("NOVU_URL", "this Novu has channel connections")
    else:
        yield Problem("NOVU_URL", "this Novu has no channel connections; it needs a newer version")


def _of_integration(name: str, wanted: str, known: Sequence[Integration]) -> Found:
    for_slack = [each for each in known if each.provider in {None, *PROVIDERS}]
    if not known:
        return Problem(name, f"Novu has no integration {wanted}")
    if not for_slack:
        return Problem(name, f"Novu's integration {wanted} is for {known[0].provider}, not for Slack")
    if not any(each.is_active for each in for_slack):
        return Problem(name, f"Novu's integration {wanted} is switched off, so Novu delivers nothing by it")
    return Right(name, f"Novu has {wanted}, for Slack and switched on")


def _problem_of(error: NovuError) -> Problem:
    if error.message in FAILURES:
        return _unreachable("Novu", "NOVU_URL", error.message)
    name = "NOVU_SECRET_KEY" if error.status in {401, 403} else "NOVU_URL"
    return Problem(name, f"Novu does not answer as it should ({error})")


def _unreachable(who: str, address: str, failure: str) -> Problem:
    name, words = FAILURES.get(failure, (OF_ITS_ADDRESS, "does not answer"))
    return Problem(name or address, f"{who} {words} ({failure})")
