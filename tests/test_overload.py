"""A web process that is asked too much, or told to stop: nobody waits for ever, and nobody who began is dropped."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest
import requests

import onboarding
from onboarding.settings import environment
from onboarding.web.worker import PATIENCE, WAITING
from onboarding.wiring import wire
from tests.aging import Database
from tests.fakes import LocalNovu, LocalSlack
from tests.scrape import TOKEN, scrape
from tests.service import Service, free_port, running
from tests.test_delivery import until

THREADS = 2
BEGUN = (
    b"POST /install/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 3\r\n\r\n"
)
QUICK = 1.5
"""Seconds, on a machine that does other things as well; the patience is longer."""


@pytest.fixture
def service(env: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    """One process, with few threads."""
    few = {name: value for name, value in env.items() if name != "PUBLIC_URL"} | {
        "WEB_CONCURRENCY": "1",
        "GUNICORN_CMD_ARGS": f"--threads {THREADS}",
        "METRICS_TOKEN": TOKEN,
        "API_KEYS": "k" * 32,
    }
    with running(few, tmp_path / "log", free_port()) as service:
        yield service


def connected(service: Service) -> socket.socket:
    host, port = service.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


@contextmanager
def busy(service: Service) -> Iterator[list[socket.socket]]:
    """As many requests as there are threads, none of them complete."""
    with ExitStack() as stack:
        held = [stack.enter_context(closing(connected(service))) for _ in range(THREADS)]
        for each in held:
            each.sendall(BEGUN)
        time.sleep(0.3)
        yield held


def status(raw: socket.socket) -> int:
    raw.sendall(b"a=b")
    return int(raw.recv(65_536).split()[1])


def timed(url: str) -> tuple[requests.Response, float]:
    began = time.monotonic()
    answer = requests.get(url, timeout=20)
    return answer, time.monotonic() - began


def usual(answers: list[tuple[requests.Response, float]]) -> float:
    """Seconds: the median. The machine may stop for a moment, and that is nobody's queue."""
    return statistics.median(seconds for _, seconds in answers)


def test_who_waited_too_long_and_who_finds_no_room_is_turned_away(service: Service) -> None:
    assert PATIENCE > QUICK
    with busy(service) as held, ThreadPoolExecutor(THREADS * WAITING) as pool:
        waiting = [pool.submit(timed, service.url) for _ in range(THREADS * WAITING)]
        time.sleep(0.5)
        refused = [timed(service.url) for _ in range(3)]
        turned_away = [each.result() for each in waiting]
        at_once = [each for each in refused + turned_away if each[1] < PATIENCE]
        patient = [each for each in refused + turned_away if each[1] >= PATIENCE]
        # Somebody of the first crowd may still be on the way to a thread, in a place of those who wait.
        assert len(at_once) >= 3
        assert usual(at_once) < QUICK
        assert len(patient) >= THREADS
        assert usual(patient) < PATIENCE + 1 + QUICK
        for answer, _ in refused + turned_away:
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
            assert "We are very busy" in answer.text
            assert answer.headers["Content-Security-Policy"]
        document = requests.get(f"{service.url}/v1/attempts", timeout=20)
        assert document.headers["Content-Type"] == "application/problem+json"
        assert (document.json()["status"], document.headers["Retry-After"]) == (503, "2")
        assert [status(each) for each in held] == [400] * THREADS
    assert requests.get(service.url, timeout=5).status_code == 200
    assert scrape(service.url).total("onboarding_http_requests_total", route="/", status="503") == 3 + len(turned_away)


def test_probes_and_prometheus_are_answered_during_overload(service: Service) -> None:
    with busy(service), ThreadPoolExecutor(20) as pool:
        crowd = [pool.submit(timed, service.url) for _ in range(20)]
        time.sleep(0.3)
        for path in ("/livez", "/readyz"):
            asked = [timed(service.url + path) for _ in range(3)]
            assert {answer.status_code for answer, _ in asked} == {200}
            assert usual(asked) < QUICK
        assert scrape(service.url).value("onboarding_ledger_up") == 1
        assert {each.result()[0].status_code for each in crowd} == {503}


def test_whoever_gets_a_thread_in_time_is_answered(service: Service) -> None:
    for _ in range(3):
        with busy(service) as held, ThreadPoolExecutor(THREADS * WAITING) as pool:
            waiting = [pool.submit(timed, service.url) for _ in range(THREADS * WAITING)]
            time.sleep(0.5)
            assert [status(each) for each in held] == [400] * THREADS
            answers = [each.result()[0].status_code for each in waiting]
            if answers == [200] * len(waiting):
                break
            # The machine stopped, for longer than anybody waits or before the first crowd had its threads.
    assert answers == [200] * len(waiting)


def test_connections_without_a_request_keep_nobody_waiting(service: Service) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(closing(connected(service))) for _ in range(THREADS * 10)]
        asked = [timed(service.url) for _ in range(5)]
        assert {answer.status_code for answer, _ in asked} == {200}
        assert usual(asked) < QUICK
        silent[0].sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in silent[0].recv(65_536)


def test_sigterm_lets_everybody_finish_and_waits_for_nobody_who_says_nothing(service: Service) -> None:
    with busy(service) as held, closing(connected(service)):
        late = connected(service)
        late.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert [status(each) for each in held] == [400] * THREADS
        with closing(late):
            assert b"200 OK" in late.recv(65_536)
        began = time.monotonic()
        service.process.wait(30)
        assert time.monotonic() - began < 10


@dataclass(slots=True)
class Pair:
    """Two web processes behind whoever asks for `base`, in turns."""

    ports: list[int]
    out: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    turns: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self.turns = cycle(self.ports)

    @property
    def base(self) -> str:
        with self.lock:
            port = next(port for port in self.turns if port not in self.out)
        return f"http://127.0.0.1:{port}"


def next_release(folder: Path) -> Path:
    """This code with one more migration, for PYTHONPATH."""
    root = Path(onboarding.__file__).parents[1]
    for part in ("onboarding", "templates", "static"):
        shutil.copytree(root / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    later = "ALTER TABLE attempt ADD COLUMN later text; ALTER TABLE connection ADD COLUMN later text;"
    (folder / "onboarding/ledger/migrations/9999_later.sql").write_text(later, "ascii")
    return folder


def is_ready(service: Service) -> bool:
    return requests.get(f"{service.url}/readyz", timeout=10).status_code == 200


def test_a_new_release_with_a_migration_costs_nobody_an_install(
    env: dict[str, str], tmp_path: Path, slack: LocalSlack, novu: LocalNovu, ledger_db: Database
) -> None:
    pair, most, newer = Pair([free_port(), free_port()]), 1_000, next_release(tmp_path / "newer")
    made = wire(environment.load(env))
    for each in range(most):
        novu.state.environment.add_subscriber(f"owner-{each}")
    minted = [made.links.mint({"subscriberId": f"owner-{each}"}, None, made.clock()) for each in range(most)]
    links = iter([made.links.sign(each) for each in minted])
    made.close()

    def install(link: str) -> str:
        browser = requests.Session()
        browser.headers["Connection"] = "close"
        page = browser.get(f"{pair.base}/install/{link}", timeout=20)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert token, page.text
        form = {"csrf_token": token[1]}
        started = browser.post(f"{pair.base}/install/{link}", data=form, allow_redirects=False, timeout=20)
        back = slack.answer(started.headers["Location"]).removeprefix(env["PUBLIC_URL"])
        return str(browser.get(pair.base + back, allow_redirects=False, timeout=20).status_code)

    are_new = threading.Event()

    def go_on() -> Counter[str]:
        seen: Counter[str] = Counter()
        while not are_new.is_set():
            seen[install(next(links))] += 1
        return seen

    with ExitStack() as stack, ThreadPoolExecutor(6) as pool:
        services = {port: stack.enter_context(ExitStack()) for port in pair.ports}
        for port, service in services.items():
            until(partial(is_ready, service.enter_context(running(env, tmp_path / str(port), port))), 30)
        going = [pool.submit(go_on) for _ in range(6)]
        stack.callback(are_new.set)
        for port, service in services.items():
            pair.out.add(port)
            time.sleep(0.3)
            service.close()
            fresh = service.enter_context(running({**env, "PYTHONPATH": str(newer)}, tmp_path / str(port), port))
            # As a load balancer does. Whoever comes while the database is migrated does not wait.
            until(partial(is_ready, fresh), 30)
            pair.out.discard(port)
        time.sleep(1)
        are_new.set()
        seen = sum((each.result() for each in going), Counter())
    number = seen["303"]
    assert seen == {"303": number}
    assert number > 20
    assert [row["status"] for row in ledger_db.execute("SELECT status FROM attempt")] == ["connected"] * number
    assert len(novu.state.connections) == number
    assert ledger_db.execute("SELECT later FROM attempt").rowcount == number, "the migration ran"
