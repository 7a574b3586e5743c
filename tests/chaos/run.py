"""One run: everything starts, people install while faults strike, the rest is delivered, the ledgers are compared."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psycopg
from psycopg.rows import dict_row

from onboarding.sandbox import embedded_postgres
from onboarding.sandbox.novu import create_novu
from onboarding.sandbox.serve import serving
from onboarding.sandbox.slack import SlackApp, create_slack
from onboarding.settings import environment
from onboarding.wiring import wire
from tests.aging import Database
from tests.chaos import evidence, fleet, plan
from tests.chaos.fleet import Fleet
from tests.chaos.injector import TICK, Injector
from tests.chaos.ledgers import Ledgers, Verdict, compare
from tests.chaos.plan import Install
from tests.chaos.visitor import Visit, Visitor
from tests.chaos.wire import Wire
from tests.fakes import CLIENT_SECRET, NOVU_KEY, SECRET_KEY, LocalNovu, LocalSlack
from tests.hosting import NEW, Host, hosting
from tests.service import free_port

LONGEST_WAIT: Final = 180.0
LOOK_EVERY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """`is_calm` leaves the faults out."""

    installs: int
    concurrency: int
    seed: int
    is_calm: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What the service runs in. The fakes live in this process, so that their ledgers outlast every fault."""

    folder: Path
    env: Mapping[str, str]
    slack: LocalSlack
    slack_wire: Wire
    novu: LocalNovu
    novu_wire: Wire
    host: Host


@dataclass(frozen=True, slots=True)
class Outcome:
    """Durations are in seconds."""

    visits: tuple[Visit, ...]
    ledgers: Ledgers
    verdict: Verdict
    injected: Counter[str]
    cuts: Counter[str]
    surprises: Counter[str]
    logs: Mapping[str, str]
    installing: float
    settling: float


def run(options: Options) -> Outcome:
    with _world() as world, fleet.running(world.folder, world.env) as processes:
        installs = plan.installs(options.seed, options.installs)
        links = _links(world, installs)
        injector = Injector(processes, world.slack_wire, world.novu_wire, world.novu.state)
        began = time.monotonic()
        visits = _install(
            options, injector, [Visitor(*each, world.slack) for each in zip(installs, links, strict=True)]
        )
        installed = time.monotonic()
        with psycopg.connect(embedded_postgres.url(world.folder), autocommit=True, row_factory=dict_row) as database:
            processes.stop_web()
            _settle(processes, database)
            _look_after_connections(processes, database, world)
            settled = time.monotonic()
            processes.stop_workers()
            kept = evidence.read(database)
        slack = (world.slack.state, world.slack_wire)
        ledgers = evidence.gather(visits, kept, slack, world.novu.state, processes.kills, processes.logs, links)
        ledgers = replace(ledgers, received=evidence.received(world.host))
        return Outcome(
            visits=tuple(visits),
            ledgers=ledgers,
            verdict=compare(ledgers),
            injected=injector.injected,
            cuts=_cuts(world, processes),
            surprises=processes.surprises,
            logs=processes.logs,
            installing=installed - began,
            settling=settled - installed,
        )


def _install(options: Options, injector: Injector, visitors: list[Visitor]) -> list[Visit]:
    faults = iter(()) if options.is_calm else plan.faults(options.seed)
    with ThreadPoolExecutor(options.concurrency) as people:
        visits = [people.submit(visitor.visit) for visitor in visitors]
        injector.drive(faults, lambda: all(visit.done() for visit in visits))
    return [visit.result() for visit in visits]


def _settle(processes: Fleet, database: Database) -> None:
    """Wait until nothing is on its way to Novu any more, but not for ever: what is left then is stuck."""
    ends = time.monotonic() + LONGEST_WAIT
    while evidence.is_anything_pending(database) and time.monotonic() < ends:
        looked = time.monotonic()
        while time.monotonic() < looked + LOOK_EVERY:
            processes.supervise()
            time.sleep(TICK)


def _look_after_connections(processes: Fleet, database: Database, world: World) -> None:
    """Let a check of everything come to its end, and tell the host the rest. Nobody has to wait for days here: an event
    that the host did not take ten times is sent again, as an operator would.
    """
    world.slack.state.settle(10)
    notify = wire(environment.load(world.env)).notify
    database.execute("UPDATE work SET due_at = now() WHERE kind = 'check'")
    ends = time.monotonic() + LONGEST_WAIT
    while evidence.is_anything_untold(database) and time.monotonic() < ends:
        database.execute("UPDATE work SET due_at = now() WHERE kind = 'webhook' AND due_at > now() + interval '2 s'")
        for event_id in evidence.given_up(database):
            notify.redeliver(event_id)
        processes.supervise()
        time.sleep(LOOK_EVERY)


@contextmanager
def _world() -> Iterator[World]:
    slack = create_slack(SlackApp(client_secret=CLIENT_SECRET), retry_waits=(0, 1, 2))
    novu = create_novu(NOVU_KEY, idempotency=True)
    wires = Wire(slack, "/api/"), Wire(novu, "/v1/")
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        serving(slack) as slack_url,
        serving(novu) as novu_url,
        hosting() as host,
    ):
        env = {**_env(Path(folder), slack_url, novu_url), "WEBHOOK_URL": host.url, "WEBHOOK_SECRETS": NEW}
        host.fails_each = 3
        slack.extensions["slack"].outbox.url = f"{env['PUBLIC_URL']}/slack/events"
        yield World(
            folder=Path(folder),
            env=env,
            slack=LocalSlack(slack_url, slack.extensions["slack"]),
            slack_wire=wires[0],
            novu=LocalNovu(novu_url, novu.extensions["novu"]),
            novu_wire=wires[1],
            host=host,
        )


def _env(folder: Path, slack_url: str, novu_url: str) -> dict[str, str]:
    return {
        "PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": fleet.database_url(folder),
        "REDIS_URL": fleet.redis_url(folder),
        "SLACK_CLIENT_ID": SlackApp().client_id,
        "SLACK_CLIENT_SECRET": CLIENT_SECRET,
        "SLACK_URL": slack_url,
        "SLACK_SIGNING_SECRET": SlackApp().signing_secret,
        "NOVU_SECRET_KEY": NOVU_KEY,
        "NOVU_URL": novu_url,
        "NOVU_INTEGRATION_IDENTIFIER": "slack-prod",
    }


def _links(world: World, installs: list[Install]) -> list[str]:
    """An install link for each, whose subscriber Novu knows."""
    made = wire(environment.load(world.env))
    for install in installs:
        world.novu.state.environment.add_subscriber(install.subscriber)
    minted = [made.links.mint(_fields(each), None, made.clock()) for each in installs]
    return [f"{world.env['PUBLIC_URL']}/install/{made.links.sign(link)}" for link in minted]


def _fields(install: Install) -> dict[str, str]:
    """Notifications go to whoever approved: the connection alone is not enough."""
    return {"subscriberId": install.subscriber, "destination": "installer"}


def _cuts(world: World, processes: Fleet) -> Counter[str]:
    cuts = Counter(processes.cuts)
    for name, struck in (("slack", world.slack_wire), ("novu", world.novu_wire)):
        cuts.update({f"{name}_cut_{side}": times for side, times in struck.cuts.items()})
    return cuts
