"""`python -m bench.strain`: the service when it is asked too much, and while it is replaced.

- *overload*: callbacks come twice as fast as all threads together can answer. Nothing but 303 and 503 may come back,
  probes are answered meanwhile, and whoever was turned away gets through once it is over.
- *crowd*: many people open landing pages at once.
- *rolling*: two web processes behind a small balancer are replaced one after the other while people install.

Prints numbers, and ends with status 1 if an install failed or was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import re
import secrets
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

import psycopg

from bench import apps, remote
from bench.apps import App, Choices
from bench.balancer import Balancer
from bench.browser import Browser
from bench.journeys import Journey, Person
from bench.processes import Child, Command
from bench.remote import Remote, free_port

DELAY: Final = 0.25
"""Seconds until Slack and Novu answer."""
THREADS: Final = 8
UP_SECONDS: Final = 60


@dataclass(slots=True)
class Seen:
    """What came back, and after how long."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def note(self, what: str, seconds: float) -> None:
        self.statuses[what] += 1
        self.seconds.setdefault(what, []).append(seconds)

    def __str__(self) -> str:
        lines = (f"{what}: {len(times)}, {_quantiles(times)}" for what, times in sorted(self.seconds.items()))
        return "; ".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.strain", description=__doc__)
    parser.add_argument("--seconds", type=int, default=15, help="of each part")
    parser.add_argument("--rate", type=float, default=50, help="installs a second while web processes are replaced")
    parser.add_argument("--parts", nargs="+", choices=("overload", "crowd", "rolling"), default=None)
    options = parser.parse_args()
    parts = options.parts or ("overload", "crowd", "rolling")
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        [app] = stack.enter_context(apps.prepared(folder, Choices(("ours",))))
        where = stack.enter_context(remote.running(folder, None))
        good = [
            "overload" not in parts or overload(app, where, folder, options.seconds),
            "crowd" not in parts or crowd(app, where, folder, options.seconds),
            "rolling" not in parts or rolling(app, where, folder, options.rate, options.seconds),
        ]
    return 0 if all(good) else 1


def overload(app: App, where: Remote, folder: Path, seconds: int) -> bool:
    small = replace(app, settings={**app.settings, "GUNICORN_CMD_ARGS": f"--threads={THREADS}"})
    where.delay(DELAY)
    with _web(small, where, folder) as port:
        people = _people(app.journey, port, THREADS * 2 * 12)
        asyncio.run(_all(_land_and_start(app.journey), people, at_once=16))
        began = time.perf_counter()
        asyncio.run(_all(_come_back(Seen()), people, at_once=THREADS * 2))
        capacity = len(people) / (time.perf_counter() - began)
        seen, probes, afterwards = Seen(), Seen(), Seen()
        people = _people(app.journey, port, int(2 * capacity * seconds))
        asyncio.run(_all(_land_and_start(app.journey), people, at_once=16))
        asyncio.run(_beside(_at_rate(_come_back(seen), people, 2 * capacity), _probe(port, probes)))
        again = [person for person in people if person.outcome_path == ""]
        asyncio.run(_all(_come_back(afterwards), again, at_once=THREADS * 2))
    where.delay(0)
    _say(f"overload: {THREADS * 2} threads answer {capacity:.0f} callbacks a second; asked for {2 * capacity:.0f}")
    _say(f"  callbacks: {seen}\n  /livez meanwhile: {probes}\n  those turned away, afterwards: {afterwards}")
    return (
        set(seen.statuses) <= {"303", "503"} and set(probes.statuses) == {"200"} and set(afterwards.statuses) <= {"303"}
    )


def crowd(app: App, where: Remote, folder: Path, seconds: int) -> bool:
    good = True
    with _web(app, where, folder) as port:
        for at_once in (32, 400):
            seen, probes = Seen(), Seen()
            open_pages = partial(_open_pages, app.journey, port, seen, time.perf_counter() + seconds / 2)
            asyncio.run(_beside(_gather(open_pages, at_once), _probe(port, probes)))
            _say(f"crowd: {at_once} people open landing pages for {seconds / 2:.0f} s: {seen}\n  /livez: {probes}")
            good = good and set(seen.statuses) <= {"200", "503"} and set(probes.statuses) == {"200"}
    return good


def rolling(app: App, where: Remote, folder: Path, rate: float, seconds: int) -> bool:
    ports = [free_port(), free_port()]
    webs = {port: _start(app, where, folder, port) for port in ports}
    worker = Child(Command("worker", app.worker, folder / "worker.log", app.env(where), app.folder))
    seen = Seen()
    number = int(rate * max(seconds, 15))

    async def replace_each(balancer: Balancer) -> None:
        for port in ports:
            await asyncio.sleep(2)
            balancer.leave_out(port)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(webs[port].stop)
            webs[port] = _start(app, where, folder, port, waits=False)
            await asyncio.to_thread(webs[port].wait_until, partial(_is_up, port))
            balancer.take_in(port)

    async def install_meanwhile() -> None:
        async with Balancer(ports) as balancer:
            people = _people(app.journey, balancer.port, number)
            await asyncio.gather(_at_rate(_install(app.journey, seen), people, rate), replace_each(balancer))

    try:
        began = time.perf_counter()
        asyncio.run(install_meanwhile())
        took = time.perf_counter() - began
        kept = _kept(app)
    finally:
        for child in (worker, *webs.values()):
            child.stop()
    _say(f"rolling: {number} installs in {took:.1f} s while both web processes were replaced: {seen}\n  kept: {kept}")
    return seen.statuses == Counter({"connected": number}) and kept["connected"] >= number


def _people(journey: Journey, port: int, number: int) -> list[Person]:
    return [Person(Browser(port), journey.start_path()) for _ in range(number)]


Step = Callable[[Person], Awaitable[None]]


def _land_and_start(journey: Journey) -> Step:
    async def step(person: Person) -> None:
        await journey.land(person)
        person.csrf_token = await journey.start(person)

    return step


def _come_back(seen: Seen) -> Step:
    """To Slack's answer. `csrf_token` holds the state by now."""

    async def step(person: Person) -> None:
        code = secrets.token_hex(24)
        path = f"/slack/oauth_redirect?code={code}&state={person.csrf_token}"
        answer = await _timed(seen, person, lambda person: person.browser.get(path))
        person.outcome_path = "there" if answer == "303" else ""

    return step


def _install(journey: Journey, seen: Seen) -> Step:
    async def step(person: Person) -> None:
        began = time.perf_counter()
        try:
            await journey.land(person)
            person.browser.close()
            state = await journey.start(person)
            person.browser.close()
            await journey.come_back(person, f"code={secrets.token_hex(24)}&state={state}")
            seen.note("connected", time.perf_counter() - began)
        except Exception as error:  # noqa: BLE001 (whatever it is, it counts)
            seen.note(_words(error), time.perf_counter() - began)

    return step


async def _open_pages(journey: Journey, port: int, seen: Seen, until: float) -> None:
    while time.perf_counter() < until:
        [person] = _people(journey, port, 1)
        await _timed(seen, person, lambda person: person.browser.get(person.start_path))


async def _timed(seen: Seen, person: Person, ask: Callable[[Person], Awaitable[object]]) -> str:
    began = time.perf_counter()
    try:
        what = str(getattr(await ask(person), "status", ""))
    except Exception as error:  # noqa: BLE001 (whatever it is, it counts)
        what = _words(error)
    seen.note(what, time.perf_counter() - began)
    person.browser.close()
    return what


def _words(error: Exception) -> str:
    """Of an answer that nobody expected: its first line, its status among them, and its heading."""
    heading = re.search(r"<title>(.*?)</title>", str(error), re.DOTALL)
    return f"{type(error).__name__} {str(error)[:30]!r} {heading[1] if heading else ''}"


async def _all(step: Step, people: Sequence[Person], at_once: int) -> None:
    waiting = iter(people)

    async def take_turns() -> None:
        for person in waiting:
            await step(person)
            person.browser.close()

    await _gather(take_turns, at_once)


async def _gather(make: Callable[[], Awaitable[None]], number: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(number):
            group.create_task(make())  # type: ignore[arg-type]


async def _at_rate(step: Step, people: Sequence[Person], rate: float) -> None:
    """People come when they come, however long the others wait."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, person in enumerate(people):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            group.create_task(step(person))  # type: ignore[arg-type]
    for person in people:
        person.browser.close()


async def _beside(work: Awaitable[None], probing: Awaitable[None]) -> None:
    task = asyncio.ensure_future(probing)
    await work
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _probe(port: int, seen: Seen) -> None:
    while True:
        await _timed(seen, Person(Browser(port), ""), lambda person: person.browser.get("/livez"))
        await asyncio.sleep(0.1)


@contextmanager
def _web(app: App, where: Remote, folder: Path) -> Iterator[int]:
    port = free_port()
    child = _start(app, where, folder, port)
    try:
        yield port
    finally:
        child.stop()


def _start(app: App, where: Remote, folder: Path, port: int, *, waits: bool = True) -> Child:
    words = (*app.web, "--bind", f"127.0.0.1:{port}")
    child = Child(Command("web", words, folder / f"web-{port}.log", app.env(where), app.folder))
    if waits:
        child.wait_until(lambda: _is_up(port))
    return child


def _is_up(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _kept(app: App) -> dict[str, int]:
    with psycopg.connect(app.stores["postgres"].url) as ledger:
        return dict(ledger.execute("SELECT status, count(*) FROM attempt GROUP BY status").fetchall())


def _quantiles(times: Sequence[float]) -> str:
    if len(times) < 2:
        return f"{times[0] * 1000:.0f} ms"
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return f"p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, longest {max(times) * 1000:.0f} ms"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
