"""The three apps: how each is started, with which settings, and over which stores."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import stores
from bench.journeys import BoltJourney, FloorJourney, Journey, OurJourney
from bench.processes import ROOT
from bench.remote import Remote
from bench.stores import Store
from bench.upstream import INTEGRATION, SCOPES

SECRET_KEY: Final = "a key to measure with that is long enough to be one"
NAMES: Final = ("bolt", "floor", "ours")
GUNICORN: Final = (sys.executable, "-m", "gunicorn")
PEER_OPTIONS: Final = (
    *("--workers", "2", "--threads", "32", "--worker-class", "gthread", "--keep-alive", "5"),
    "--no-control-socket",
)
CREDENTIALS: Final = {
    "PUBLIC_URL": "https://connect.example.com",
    "SLACK_CLIENT_ID": "1234567890.1234567890",
    "SLACK_CLIENT_SECRET": "0123456789abcdef0123456789abcdef",
    "SLACK_SCOPES": SCOPES,
    "NOVU_SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "NOVU_INTEGRATION_IDENTIFIER": INTEGRATION,
}


@dataclass(frozen=True, slots=True)
class App:
    """`web` is gunicorn's command without an address; `worker` is empty for an app that has none."""

    name: str
    journey: Journey
    web: tuple[str, ...]
    settings: Mapping[str, str]
    stores: Mapping[str, Store]
    worker: tuple[str, ...] = ()
    folder: Path = ROOT

    def env(self, remote: Remote) -> dict[str, str]:
        return {**CREDENTIALS, "SLACK_URL": remote.slack, "NOVU_URL": remote.novu, **self.settings, **self._tls(remote)}

    def _tls(self, remote: Remote) -> dict[str, str]:
        """Ours is given the one authority it does not know. The peers get a bundle of all, in place of their own:
        requests reads it from one variable, the standard library's TLS, which Slack's client uses, from the other."""
        if remote.certificates is None:
            return {}
        if self.name == "ours":
            return {"CA_FILE": str(remote.certificates.authority)}
        bundle = str(remote.certificates.bundle)
        return {"REQUESTS_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle}


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be changed about the apps: which of them, the folder of the service, and how Bolt and the floor run."""

    names: tuple[str, ...] = NAMES
    checkout: Path = ROOT
    peers_preload: bool = False
    bolt_has_one_tls_context: bool = False


@contextmanager
def prepared(folder: Path, choices: Choices) -> Iterator[list[App]]:
    """The chosen apps, each with its stores running."""
    makers = {"bolt": _bolt, "floor": _floor, "ours": _ours}
    with ExitStack() as stack:
        yield [makers[name](stack, folder / name, choices) for name in NAMES if name in choices.names]


def _bolt(stack: ExitStack, folder: Path, choices: Choices) -> App:
    settings = {"SLACK_SIGNING_SECRET": "0" * 32}
    if choices.bolt_has_one_tls_context:
        settings["ONE_TLS_CONTEXT"] = "1"
    return _peer("bolt", BoltJourney(), stack.enter_context(stores.redis(folder)), settings, choices)


def _floor(stack: ExitStack, folder: Path, choices: Choices) -> App:
    return _peer("floor", FloorJourney(), stack.enter_context(stores.redis(folder)), {}, choices)


def _peer(name: str, journey: Journey, redis: Store, settings: Mapping[str, str], choices: Choices) -> App:
    options = (*PEER_OPTIONS, "--preload") if choices.peers_preload else PEER_OPTIONS
    return App(
        name=name,
        journey=journey,
        web=(*GUNICORN, *options, f"bench.peers.{name}:app"),
        settings={"REDIS_URL": redis.url, **settings},
        stores={"redis": redis},
    )


def _ours(stack: ExitStack, folder: Path, choices: Choices) -> App:
    """As in production: https in front, so that cookies and log lines are those of production; API and status page."""
    redis, postgres = stack.enter_context(stores.redis(folder)), stack.enter_context(stores.postgres(folder))
    settings = {
        "REDIS_URL": redis.url,
        "DATABASE_URL": postgres.url,
        "SECRET_KEY": SECRET_KEY,
        "API_KEYS": "a-key-to-measure-with-that-is-long-enough",
        "ADMIN_PASSWORD": "a password to measure with",
        "PRODUCT_NAME": "Sprocket",
    }
    _migrate(choices.checkout, {**CREDENTIALS, **settings})
    return App(
        name="ours",
        journey=OurJourney(SECRET_KEY),
        web=(*GUNICORN, "-c", "python:onboarding.web.server"),
        settings=settings,
        stores={"redis": redis, "postgres": postgres},
        worker=(sys.executable, "-m", "onboarding.worker"),
        folder=choices.checkout,
    )


def _migrate(checkout: Path, env: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "onboarding.cli", "migrate"]
    subprocess.run(command, cwd=checkout, env={"PATH": os.environ["PATH"], **env}, stdout=sys.stderr, check=True)
