"""Redis in trouble, in every way it can be: it costs a click at most. And Redis behind TLS, a password and Sentinel."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis
from flask import Flask

from onboarding.ephemeral import store as storage
from onboarding.flows.browsers import attempt_id
from onboarding.model import Secret
from onboarding.sandbox import embedded_redis
from onboarding.sandbox.processes import Process
from tests.conftest import MintLink
from tests.fakes import LocalNovu, LocalSlack
from tests.person import Page, Person, state_of
from tests.service import free_port
from tests.test_delivery import until, worker
from tests.tls import authority
from tests.witness import Witness


class OwnRedis:
    """A Redis that a test may mistreat."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = embedded_redis.start(folder)

    @property
    def url(self) -> str:
        return embedded_redis.url(self.folder)

    def restart(self) -> None:
        self.process = embedded_redis.start(self.folder)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def wipe(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def harms(self) -> dict[str, Callable[[], object]]:
        return {"wipe": self.wipe, "kill": self.process.kill}


@pytest.fixture
def own() -> Iterator[OwnRedis]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        own = OwnRedis(Path(folder))
        yield own
        with suppress(ProcessLookupError):
            own.signal(signal.SIGCONT)
        own.process.stop()


@pytest.fixture
def service(own: OwnRedis, make_app: Callable[..., Flask]) -> Flask:
    return make_app(REDIS_URL=own.url)


@pytest.fixture
def somebody(service: Flask, slack: LocalSlack, witness: Witness) -> Person:
    return Person(service, slack, witness)


def while_it_lasts(somebody: Person, path: str, is_time: Callable[[], object], act: Callable[[], object]) -> Page:
    """Come back from Slack and, while that takes its time, act."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(somebody.open, path)
        until(is_time, 5)
        act()
        return answer.result()


def assert_connected_once(slack: LocalSlack, novu: LocalNovu) -> None:
    assert [connection.token for connection in novu.state.connections] == [slack.state.grants[0].token]


# What people see, and how soon.


def test_pages_need_no_redis(somebody: Person, own: OwnRedis, mint: MintLink, link: str, novu: LocalNovu) -> None:
    novu.suffer("down")
    granted = somebody.open(somebody.come_back(mint(context={"tenant": "another"}))).location
    novu.suffer("none")
    connected = somebody.open(somebody.come_back(link)).location
    somebody.add_to_slack(link)
    own.process.kill()
    assert somebody.open(link).status == 200
    assert somebody.open(granted).heading == "Slack approved. Finishing setup…"
    assert somebody.open(connected).heading == "Acme HQ is connected"
    assert '"status":"connected"' in somebody.open(f"{connected}/status").source
    own.restart()


def test_while_somebody_is_at_slack_their_page_needs_no_redis(somebody: Person, own: OwnRedis, link: str) -> None:
    started = f"/attempts/{attempt_id(Secret(state_of(somebody.add_to_slack(link))))}"
    own.process.kill()
    assert somebody.open(started).heading == "Waiting for your answer in Slack"
    assert '"status":"pending"' in somebody.open(f"{started}/status").source
    own.restart()


def test_a_stalled_redis_is_a_page_within_seconds(somebody: Person, own: OwnRedis, link: str) -> None:
    path = somebody.come_back(link)
    own.signal(signal.SIGSTOP)
    asks: list[Callable[[], Page]] = [
        lambda: somebody.press(link),
        lambda: somebody.open(path),
        lambda: somebody.open("/readyz"),
    ]
    for ask in asks:
        began = time.monotonic()
        assert ask().status == 503
        assert time.monotonic() - began < 2
    assert somebody.open(link).status == 200
    own.signal(signal.SIGCONT)
    assert somebody.follow(somebody.open(path)).heading == "Acme HQ is connected"


def test_a_restarted_redis_is_used_again_at_once(somebody: Person, own: OwnRedis, link: str, slack: LocalSlack) -> None:
    path = somebody.come_back(link)
    own.process.kill()
    page = somebody.open(path)
    assert (page.status, page.heading) == (503, "We are having trouble")
    assert slack.state.redeem_count == 0
    own.restart()
    assert somebody.follow(somebody.open(path)).heading == "Acme HQ is connected"


def test_a_full_redis_starts_nothing_and_the_link_stays_good(
    somebody: Person, own: OwnRedis, link: str, slack: LocalSlack
) -> None:
    path = somebody.come_back(link)
    with redis.Redis.from_url(own.url) as client:
        client.config_set("maxmemory", 1)
        pages = [somebody.press(link), somebody.open(path)]
        client.config_set("maxmemory", 0)
    assert [page.status for page in pages] == [503, 503]
    assert all("Your link is still good" in page.text for page in pages)
    assert slack.state.redeem_count == 0
    assert somebody.follow(somebody.open(path)).heading == "Acme HQ is connected"


# Wiped, killed or set back at any moment: no grant is lost, none is delivered twice.


def test_wiped_between_the_click_and_the_return_it_asks_to_start_again(
    somebody: Person, own: OwnRedis, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    path = somebody.come_back(link)
    own.wipe()
    page = somebody.open(path)
    assert (page.status, page.heading) == (410, "This took too long")
    assert slack.state.redeem_count == 0
    assert somebody.install(page.link("Start again")).heading == "Acme HQ is connected"
    assert_connected_once(slack, novu)


@pytest.mark.parametrize("harm", ["wipe", "kill"])
def test_harmed_between_claim_and_redeem_it_makes_no_difference(
    somebody: Person, own: OwnRedis, link: str, slack: LocalSlack, novu: LocalNovu, harm: str
) -> None:
    path = somebody.come_back(link, outcome="slow")
    back = while_it_lasts(somebody, path, lambda: slack.state.redeem_count, own.harms()[harm])
    assert somebody.follow(back).heading == "Acme HQ is connected"
    assert '"status":"connected"' in somebody.open(f"{back.location}/status").source
    assert_connected_once(slack, novu)


@pytest.mark.parametrize("harm", ["wipe", "kill"])
def test_harmed_between_redeem_and_delivery_it_makes_no_difference(
    somebody: Person, own: OwnRedis, link: str, slack: LocalSlack, novu: LocalNovu, harm: str
) -> None:
    novu.suffer("slow")
    path = somebody.come_back(link)
    back = while_it_lasts(somebody, path, lambda: novu.state.requests("create"), own.harms()[harm])
    assert somebody.follow(back).heading == "Acme HQ is connected"
    assert_connected_once(slack, novu)


def test_coming_back_again_after_a_wipe_leads_to_what_the_ledger_knows(
    somebody: Person, own: OwnRedis, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    path = somebody.come_back(link)
    first = somebody.open(path)
    own.wipe()
    assert somebody.open(path).location == first.location
    assert_connected_once(slack, novu)


def test_set_back_to_before_the_claim_the_grant_is_kept_though_another_return_asked_again(
    service: Flask, somebody: Person, own: OwnRedis, link: str, slack: LocalSlack, novu: LocalNovu, witness: Witness
) -> None:
    """As after a fail-over to a replica that was behind."""
    path = somebody.come_back(link, outcome="slow")
    twin = Person(service, slack, witness)
    for name, value in somebody.cookies.items():
        twin.keep_cookie(name, value)
    key = f"onboarding:state:{attempt_id(Secret(state_of(path)))}"
    with redis.Redis.from_url(own.url) as client:
        before = client.get(key)
        assert before

        def come_again() -> None:
            client.set(key, before, ex=600)
            assert twin.open(path).status == 303

        back = while_it_lasts(somebody, path, lambda: slack.state.redeem_count, come_again)
    assert slack.state.redeem_count == 2
    assert somebody.follow(back).heading == "Acme HQ is connected"
    assert_connected_once(slack, novu)


def test_a_worker_delivers_whatever_becomes_of_redis(
    somebody: Person, own: OwnRedis, link: str, slack: LocalSlack, novu: LocalNovu, env: dict[str, str], tmp_path: Path
) -> None:
    novu.suffer("down")
    path = somebody.come_back(link)
    back = somebody.open(path)
    log = tmp_path / "log"
    with worker({**env, "REDIS_URL": own.url}, log) as process:
        until(lambda: "delivery postponed" in log.read_text("utf-8"), 8)
        own.wipe()
        own.process.kill()
        novu.suffer("none")
        until(lambda: '"status":"connected"' in somebody.open(f"{back.location}/status").source, 15)
        assert process.poll() is None
    own.restart()
    assert "ERROR" not in log.read_text("utf-8")
    assert_connected_once(slack, novu)


def test_nothing_about_a_customer_is_in_it_and_everything_expires(
    somebody: Person, own: OwnRedis, mint: MintLink, slack: LocalSlack
) -> None:
    somebody.install(mint(context={"tenant": "org-1"}))
    with redis.Redis.from_url(own.url, decode_responses=True) as client:
        held = {str(key): str(client.get(key)) for key in client.scan_iter()}
        assert all(client.ttl(key) > 0 for key in held)
    assert {":".join(key.split(":")[:2]) for key in held} == {"onboarding:state", "onboarding:starts"}
    for word in ("subscriber-123", "org-1", "Acme", "T9TK3CUKW", slack.state.grants[0].token):
        assert word not in str(held)


# Behind TLS, a password and Sentinel.


@pytest.fixture
def secured(own: OwnRedis) -> Iterator[str]:
    """The address of the same Redis behind TLS, for one user with a password."""
    with redis.Redis.from_url(own.url) as client:
        client.execute_command("ACL", "SETUSER", "onboarding", "on", ">hidden-word", "~onboarding:*", "+@all")
        client.execute_command("ACL", "SETUSER", "default", "off")
    trusted = authority(own.folder)
    with tls_in_front_of(own.folder / "redis.sock", trusted.server("localhost")) as port:
        yield f"rediss://onboarding:hidden-word@localhost:{port}/0?ssl_ca_certs={trusted.file}"


def test_it_works_over_tls_with_a_user_and_a_password(
    secured: str, make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, link: str
) -> None:
    witness.secrets.add("hidden-word")
    assert Person(make_app(REDIS_URL=secured), slack, witness).install(link).heading == "Acme HQ is connected"
    refused = secured.replace("hidden-word", "another-word")
    assert Person(make_app(REDIS_URL=refused), slack, witness).press(link).status == 503


@contextmanager
def tls_in_front_of(inside: Path, context: ssl.SSLContext) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, context, inside), daemon=True).start()
        try:
            yield int(server.getsockname()[1])
        finally:
            server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, context: ssl.SSLContext, target: Path) -> None:
    with suppress(OSError):
        while True:
            plain, _ = server.accept()
            threading.Thread(target=_join, args=(plain, context, target), daemon=True).start()


def _join(plain: socket.socket, context: ssl.SSLContext, target: Path) -> None:
    with (
        suppress(OSError),
        context.wrap_socket(plain, server_side=True) as outside,
        socket.socket(socket.AF_UNIX) as inside,
    ):
        inside.connect(str(target))
        threading.Thread(target=_copy, args=(inside, outside), daemon=True).start()
        _copy(outside, inside)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def sentinel() -> Iterator[tuple[str, Process]]:
    """The address of a primary with one replica behind Sentinel, and the primary's process."""
    ports = [free_port() for _ in range(3)]
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        primary = _tcp_redis(Path(folder, "a"), ports[0])
        replica = _tcp_redis(Path(folder, "b"), ports[1], "--replicaof", "127.0.0.1", str(ports[0]))
        watch = Path(folder, "sentinel.conf")
        watch.write_text(
            f"port {ports[2]}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor primary 127.0.0.1 {ports[0]} 1\n"
            "sentinel down-after-milliseconds primary 500\nsentinel failover-timeout primary 2000\n"
        )
        watcher = Process("sentinel", [embedded_redis.binary(), str(watch), "--sentinel"], quiet=True)
        watcher.wait_until(lambda: _knows_replica(ports[2]))
        yield f"redis+sentinel://127.0.0.1:{ports[2]}/primary/0", primary
        for process in (watcher, replica, primary):
            process.stop()


def _tcp_redis(folder: Path, port: int, *options: str) -> Process:
    folder.mkdir()
    command = [embedded_redis.binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    process = Process("redis", [*command, "--appendonly", "yes", "--save", "", *options], quiet=True)
    with redis.Redis(port=port) as client:
        process.wait_until(lambda: _pings(client))
    return process


def _pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _knows_replica(port: int) -> bool:
    with redis.Redis(port=port, decode_responses=True) as client:
        try:
            replicas = client.execute_command("SENTINEL", "REPLICAS", "primary")
        except redis.RedisError:
            return False
        return bool(replicas) and "master-link-status" in str(replicas) and "'ok'" in str(replicas)


def test_through_sentinel_it_follows_the_primary(
    sentinel: tuple[str, Process],
    make_app: Callable[..., Flask],
    slack: LocalSlack,
    witness: Witness,
    link: str,
    novu: LocalNovu,
) -> None:
    url, primary = sentinel
    somebody = Person(make_app(REDIS_URL=url), slack, witness)
    back = somebody.come_back(link)
    time.sleep(0.3)
    primary.kill()
    until(lambda: _is_writable(url), 20)
    assert somebody.follow(somebody.open(back)).heading == "Acme HQ is connected"
    assert len(novu.state.connections) == 1


def _is_writable(url: str) -> bool:
    try:
        return bool(storage.connect(Secret(url)).set("onboarding:probe", "1", ex=5))
    except redis.RedisError:
        return False
