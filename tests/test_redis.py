"""Redis in trouble, in every way it can be; and Redis behind TLS, a password, and Sentinel."""

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
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask

from onboarding.ephemeral import store as storage
from onboarding.model import Secret
from onboarding.sandbox import embedded_redis
from onboarding.sandbox.processes import Process
from tests.person import Page, Person
from tests.service import free_port
from tests.stand_ins import LocalNovu, LocalSlack
from tests.test_delivery import until, worker
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


@pytest.fixture
def own() -> Iterator[OwnRedis]:
    with tempfile.TemporaryDirectory(prefix="onboarding-") as folder:
        own = OwnRedis(Path(folder))
        yield own
        with suppress(ProcessLookupError):
            own.signal(signal.SIGCONT)
        own.process.stop()


@pytest.fixture
def somebody(own: OwnRedis, make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness) -> Person:
    return Person(make_app(REDIS_URL=own.url), slack, witness)


def during_redeem(somebody: Person, back: str, slack: LocalSlack, act: Callable[[], object]) -> Page:
    """Come back from Slack and act while Slack thinks."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(somebody.open, back)
        until(lambda: slack.state.redeem_count == 1, 5)
        act()
        return answer.result()


def test_a_stalled_redis_is_a_page_within_seconds(somebody: Person, own: OwnRedis, link: str) -> None:
    own.signal(signal.SIGSTOP)
    began = time.monotonic()
    page = somebody.open(link)
    assert page.status == 503
    assert time.monotonic() - began < 5
    own.signal(signal.SIGCONT)
    assert somebody.install(link).heading == "Acme HQ is connected"


def test_a_restarted_redis_is_used_again_at_once(somebody: Person, own: OwnRedis, link: str) -> None:
    back = somebody.come_back(link)
    own.process.kill()
    assert somebody.open(back).status == 503
    own.restart()
    assert somebody.follow(somebody.open(back)).heading == "Acme HQ is connected"


def test_a_full_redis_starts_nothing_and_the_link_stays_good(somebody: Person, own: OwnRedis, link: str) -> None:
    with redis.Redis.from_url(own.url) as client:
        client.config_set("maxmemory", 1)
        page = somebody.press(link)
        client.config_set("maxmemory", 0)
    assert page.status == 503
    assert "Your link is still good" in page.text
    assert somebody.install(link).heading == "Acme HQ is connected"


def test_when_redis_is_gone_after_the_grant_novu_still_gets_it_and_the_page_says_so(
    somebody: Person, own: OwnRedis, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    back = somebody.come_back(link, outcome="slow")
    page = somebody.follow(during_redeem(somebody, back, slack, own.process.kill))
    assert page.heading == "Acme HQ is connected"
    assert [connection.token for connection in novu.state.connections] == [slack.state.grants[0].token]


def test_when_redis_comes_back_soon_the_outcome_is_recorded(
    somebody: Person, own: OwnRedis, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    def blink() -> None:
        own.process.kill()
        time.sleep(1.5)
        own.restart()

    path = somebody.come_back(link, outcome="slow")
    back = during_redeem(somebody, path, slack, blink)
    assert somebody.follow(back).heading == "Acme HQ is connected"
    assert '"status":"connected"' in somebody.open(f"{back.location}/status").source
    assert len(novu.state.connections) == 1


def test_when_redis_and_novu_are_gone_after_the_grant_the_page_admits_it(
    somebody: Person, own: OwnRedis, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    novu.suffer("down")
    back = somebody.come_back(link, outcome="slow")
    page = somebody.follow(during_redeem(somebody, back, slack, own.process.kill))
    assert page.heading == "We could not finish"
    assert "we can no longer use that approval" in page.text
    novu.suffer("none")
    own.restart()
    assert somebody.install(link).heading == "Acme HQ is connected"


def test_a_redis_that_lost_everything_after_the_claim_does_not_lose_the_grant(
    somebody: Person, own: OwnRedis, link: str, slack: LocalSlack, novu: LocalNovu
) -> None:
    def forget() -> None:
        with redis.Redis.from_url(own.url) as client:
            client.flushall()

    page = somebody.follow(during_redeem(somebody, somebody.come_back(link, outcome="slow"), slack, forget))
    assert page.heading == "Acme HQ is connected"
    assert [connection.token for connection in novu.state.connections] == [slack.state.grants[0].token]


def test_a_redis_killed_between_store_and_delivery_loses_nothing(
    somebody: Person, own: OwnRedis, link: str, novu: LocalNovu, slack: LocalSlack
) -> None:
    novu.suffer("slow")
    path = somebody.come_back(link)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(somebody.open, path)
        until(lambda: novu.state.requests("create") == 1, 5)
        own.process.kill()
        time.sleep(0.5)
        own.restart()
        back = answer.result()
    assert somebody.follow(back).heading == "Acme HQ is connected"
    with redis.Redis.from_url(own.url) as client:
        assert list(client.scan_iter("onboarding:grant:*")) == []
    assert len(novu.state.connections) == 1


def test_a_worker_outlives_a_redis_that_stalls_and_restarts(
    somebody: Person, own: OwnRedis, link: str, novu: LocalNovu, env: dict[str, str], tmp_path: Path
) -> None:
    novu.suffer("down")
    back = somebody.open(somebody.come_back(link))
    with worker({**env, "REDIS_URL": own.url}, tmp_path / "log") as process:
        until(lambda: "delivery postponed" in (tmp_path / "log").read_text("utf-8"), 8)
        own.signal(signal.SIGSTOP)
        time.sleep(3)
        own.signal(signal.SIGCONT)
        own.process.kill()
        time.sleep(1)
        own.restart()
        novu.suffer("none")
        until(lambda: '"status":"connected"' in somebody.open(f"{back.location}/status").source, 60)
        assert process.poll() is None
    assert "lost a thread" not in (tmp_path / "log").read_text("utf-8")
    assert len(novu.state.connections) == 1


@pytest.fixture
def secured(own: OwnRedis) -> Iterator[str]:
    """The address of the same Redis behind TLS, for one user with a password."""
    with redis.Redis.from_url(own.url) as client:
        client.execute_command("ACL", "SETUSER", "onboarding", "on", ">hidden-word", "~onboarding:*", "+@all")
        client.execute_command("ACL", "SETUSER", "default", "off")
    with _tls_in_front_of(own) as (port, certificate):
        yield f"rediss://onboarding:hidden-word@localhost:{port}/0?ssl_ca_certs={certificate}"


def test_it_works_over_tls_with_a_user_and_a_password(
    secured: str, make_app: Callable[..., Flask], slack: LocalSlack, witness: Witness, link: str
) -> None:
    witness.secrets.add("hidden-word")
    assert Person(make_app(REDIS_URL=secured), slack, witness).install(link).heading == "Acme HQ is connected"
    refused = secured.replace("hidden-word", "another-word")
    assert Person(make_app(REDIS_URL=refused), slack, witness).open(link).status == 503


def test_a_worker_works_over_tls_too(secured: str, env: dict[str, str], tmp_path: Path) -> None:
    with worker({**env, "REDIS_URL": secured}, tmp_path / "log") as process:
        until(lambda: "worker started" in (tmp_path / "log").read_text("utf-8"), 5)
        time.sleep(1)
        assert process.poll() is None
    assert "CRITICAL" not in (tmp_path / "log").read_text("utf-8")


@contextmanager
def _tls_in_front_of(own: OwnRedis) -> Iterator[tuple[int, Path]]:
    certificate, key = _certificate(own.folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, context, own.folder / "redis.sock"), daemon=True).start()
        try:
            yield int(server.getsockname()[1]), certificate
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


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return paths


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
