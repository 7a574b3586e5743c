"""The one HTTP policy, against servers that break off, drip, forget and lie."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import certifi
import pytest
from urllib3.util.connection import create_connection

from onboarding.clock.deadline import Deadline
from onboarding.remote import pools
from onboarding.remote.failure import Failure, NoAnswer
from onboarding.remote.http import MOST_BYTES, Answer, Http, Outgoing
from tests.relay import Relay, Way, relaying
from tests.scripted import Script, answer, deaf, scripted
from tests.tls import DAY, Authority, authority

OK = answer(200, b"{}")
MANY = 1000
AGE = 0.6
"""Seconds after which the relays of this file forget an idle connection."""
WAYS: tuple[Way, ...] = ("swallow", "reset")


@pytest.fixture
def our(tmp_path: Path) -> Authority:
    return authority(tmp_path)


def ask(http: Http, url: str, seconds: float = 5) -> Answer:
    return http.ask("POST", f"{url}/x", {}, b"a=b", Deadline(seconds))


def failure(http: Http, url: str, seconds: float = 5) -> Failure:
    with pytest.raises(NoAnswer) as caught:
        ask(http, url, seconds)
    return caught.value.failure


@contextmanager
def relay_to(url: str, way: Way) -> Iterator[tuple[Relay, str]]:
    place = urlsplit(url)
    target = place.hostname or "", place.port or 0
    front = socket.create_server(("127.0.0.1", 0))
    with relaying(front, lambda: socket.create_connection(target), AGE, way) as relay:
        yield relay, f"{place.scheme}://{'localhost' if place.scheme == 'https' else '127.0.0.1'}:{relay.port}"


# How long a connection is trusted.


def test_requests_share_a_connection() -> None:
    script = Script([OK], takes=MANY)
    http = Http()
    with scripted(script) as url:
        for _ in range(5):
            assert ask(http, url).status == 200
    assert (len(script.seen), script.connections) == (5, 1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("secured", [False, True])
def test_a_connection_that_lay_idle_is_not_used(our: Authority, way: Way, secured: bool) -> None:
    script = Script([OK], takes=MANY)
    http = Http(Outgoing(ca_file=our.file), trusted_for=AGE / 2)
    tls = our.server("localhost") if secured else None
    with scripted(script, tls) as direct, relay_to(direct, way) as (relay, url):
        ask(http, url)
        time.sleep(AGE * 1.5)
        began = time.monotonic()
        assert ask(http, url).status == 200
        assert time.monotonic() - began < 1
    assert (len(script.seen), relay.taken, relay.forgotten) == (2, 2, 0)


def test_without_that_rule_the_request_would_be_lost() -> None:
    script = Script([OK], takes=MANY)
    http = Http(trusted_for=60)
    with scripted(script) as direct, relay_to(direct, "reset") as (relay, url):
        ask(http, url)
        time.sleep(AGE * 1.5)
        assert failure(http, url) is Failure.NO_ANSWER
    assert (len(script.seen), relay.forgotten) == (1, 1)


def test_a_connection_that_the_remote_closed_is_not_used() -> None:
    script = Script([OK], takes=1)
    http = Http()
    with scripted(script) as url:
        for _ in range(3):
            assert ask(http, url).status == 200
            time.sleep(0.1)
    assert (len(script.seen), script.connections) == (3, 3)


def test_connections_can_be_given_back() -> None:
    script = Script([OK], takes=MANY)
    http = Http()
    with scripted(script) as url:
        ask(http, url)
        http.close()
        assert ask(http, url).status == 200
    assert script.connections == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_host_may_be_a_name_or_an_address(host: str) -> None:
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.create_server(("::1" if host.startswith("[") else "127.0.0.1", 0), family=family) as front:
        threading.Thread(target=greet, args=(front, OK), daemon=True).start()
        assert ask(Http(), f"http://{host}:{front.getsockname()[1]}").status == 200


# What goes again, and what does not.


@pytest.mark.parametrize("resets", [1, 2])
def test_a_request_that_never_left_goes_again_once(our: Authority, resets: int) -> None:
    script = Script([OK], resets=resets)
    http = Http(Outgoing(ca_file=our.file))
    with scripted(script, our.server("localhost")) as url:
        if resets == 1:
            assert ask(http, url).status == 200
        else:
            assert failure(http, url) is Failure.NO_TLS
    assert (len(script.seen), script.connections) == (2 - resets, 2)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"])
@pytest.mark.parametrize("before", [0, 1])
def test_a_request_that_left_does_not_go_again(sent: bytes, before: int) -> None:
    """Over a new connection, or over one that was used before."""
    script = Script([OK] * before + [sent], takes=1 + before)
    http = Http()
    with scripted(script) as url:
        for _ in range(before):
            ask(http, url)
        assert failure(http, url) is Failure.NO_ANSWER
    assert (len(script.seen), script.connections) == (1 + before, 1)


# How long it may take.


def test_a_body_that_was_cut_is_no_answer_though_it_looks_complete() -> None:
    """Without a length it ends where the connection does, and JSON may be followed by blanks."""
    script = Script([b'HTTP/1.1 200 OK\r\n\r\n{"ok": true}'], drip=b" ")
    began = time.monotonic()
    with scripted(script) as url:
        assert failure(Http(), url, seconds=1) is Failure.TIMED_OUT
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("drip", [b"X: y\r\n", b""])
def test_the_limit_holds_over_tls_too(our: Authority, drip: bytes) -> None:
    script = Script([b"HTTP/1.1 200 OK\r\n"], drip=drip, hangs=True)
    began = time.monotonic()
    with scripted(script, our.server("localhost")) as url:
        assert failure(Http(Outgoing(ca_file=our.file)), url, seconds=1) is Failure.TIMED_OUT
    assert time.monotonic() - began < 2


def test_a_handshake_that_drips_is_given_up_in_time() -> None:
    """A record of TLS that announces 16 kB, one byte at a time."""
    began = time.monotonic()
    with dripping(b"\x16\x03\x03\x40\x00\x02", b"\x00") as port:
        assert failure(Http(), f"https://localhost:{port}", seconds=1) is Failure.NO_TLS
    assert time.monotonic() - began < 2.5


@contextmanager
def dripping(first: bytes, then: bytes) -> Iterator[int]:
    stop = threading.Event()

    def talk(connection: socket.socket) -> None:
        with connection:
            connection.sendall(first)
            while not stop.wait(0.05):
                try:
                    connection.sendall(then)
                except OSError:
                    return

    def serve() -> None:
        try:
            while True:
                threading.Thread(target=talk, args=(front.accept()[0],), daemon=True).start()
        except OSError:
            return

    with socket.create_server(("127.0.0.1", 0)) as front:
        threading.Thread(target=serve, daemon=True).start()
        yield int(front.getsockname()[1])
        stop.set()
        front.shutdown(socket.SHUT_RDWR)


def test_the_limit_holds_on_a_connection_that_was_used_before() -> None:
    script = Script([OK, b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"], takes=2)
    http = Http()
    with scripted(script) as url:
        ask(http, url)
        script.drip = b"x"
        began = time.monotonic()
        assert failure(http, url, seconds=1) is Failure.TIMED_OUT
        assert time.monotonic() - began < 1.5
    assert script.connections == 1


def test_a_connection_that_was_given_back_is_not_cut_any_more() -> None:
    """Another thread may use it by then."""
    script = Script([OK], takes=MANY)
    with scripted(script) as url, pools.Pool("127.0.0.1", urlsplit(url).port, trusted_for=30) as pool:

        def use(seconds: float) -> int:
            with pools.Exchange(seconds):
                return pool.urlopen("GET", "/x").status

        with pools.Exchange(0.4) as first, ThreadPoolExecutor(1) as other:
            assert pool.urlopen("GET", "/x").status == 200
            script.delay = 0.8
            assert other.submit(use, 5).result() == 200
    assert not first.is_overdue
    assert script.connections == 1


def test_the_limit_of_one_request_does_not_cut_the_next_on_its_connection() -> None:
    script = Script([OK], takes=MANY)
    http = Http()
    with scripted(script) as url:
        ask(http, url, seconds=0.4)
        script.delay = 0.8
        assert ask(http, url, seconds=5).status == 200
    assert script.connections == 1


def test_the_time_of_a_deadline_is_all_there_is() -> None:
    began = time.monotonic()
    with deaf() as url:
        assert failure(Http(), url, seconds=1) is Failure.NO_CONNECTION
    assert time.monotonic() - began < 1.3


def test_one_address_that_is_silent_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script([OK])
    with scripted(script) as url, deaf() as silent:
        silent_port, port = (urlsplit(each).port or 0 for each in (silent, url))
        resolve_to(monkeypatch, "two.example", ["127.0.0.1", "127.0.0.1"])
        ports = iter([silent_port, port])
        monkeypatch.setattr(
            pools, "create_connection", lambda to, left, **rest: create_connection((to[0], next(ports)), left, **rest)
        )
        began = time.monotonic()
        assert ask(Http(), f"http://two.example:{port}").status == 200
        assert time.monotonic() - began < 2


def test_a_name_server_that_is_silent_costs_no_more_than_connecting_may(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    resolve_to(monkeypatch, "slow.example", [], wait=release)
    http = Http()
    began = time.monotonic()
    with ThreadPoolExecutor(16) as many:
        failures = list(many.map(lambda _: failure(http, "http://slow.example", seconds=1), range(16)))
        assert [thread.name for thread in threading.enumerate()].count("names") == 1
    release.set()
    assert time.monotonic() - began < 2
    assert set(failures) == {Failure.NAME_UNKNOWN}


def resolve_to(
    monkeypatch: pytest.MonkeyPatch, name: str, addresses: list[str], wait: threading.Event | None = None
) -> None:
    """Let the system know a host name."""
    real: Any = socket.getaddrinfo

    def look_up(host: Any, *args: Any, flags: int = 0, **kwargs: Any) -> Any:
        if host != name or flags:
            return real(host, *args, flags=flags, **kwargs)
        if wait:
            wait.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


# What is believed.


def test_an_answer_of_any_length_is_not_read() -> None:
    with scripted(Script([answer(200, b"x" * MOST_BYTES)], takes=MANY)) as url:
        assert len(ask(Http(), url).body) == MOST_BYTES
    with scripted(Script([answer(200, b"x" * (MOST_BYTES + 1))], takes=MANY)) as url:
        assert failure(Http(), url) is Failure.TOO_LARGE
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 2_000_000
    began = time.monotonic()
    with scripted(Script([endless], hangs=True)) as url:
        assert failure(Http(), url) is Failure.TOO_LARGE
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("host", "ends", "trusts", "expected"),
    [
        ("localhost", 1, False, Failure.CERTIFICATE_NOT_TRUSTED),
        ("localhost", -1, True, Failure.CERTIFICATE_EXPIRED),
        ("elsewhere.example", 1, True, Failure.CERTIFICATE_OF_ANOTHER_HOST),
    ],
)
def test_a_certificate_that_proves_nothing_is_named(
    our: Authority, host: str, ends: int, trusts: bool, expected: Failure
) -> None:
    script = Script([OK])
    http = Http(Outgoing(ca_file=our.file if trusts else None))
    with scripted(script, our.server(host, ends * DAY)) as url:
        assert failure(http, url) is expected
    assert script.seen == []


@pytest.mark.parametrize("hello", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", b""])
def test_a_server_without_tls_is_told_from_one_that_is_not_trusted(hello: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as front:
        threading.Thread(target=greet, args=(front, hello), daemon=True).start()
        assert failure(Http(), f"https://localhost:{front.getsockname()[1]}") is Failure.NO_TLS


def greet(front: socket.socket, hello: bytes) -> None:
    with suppress(OSError):
        while True:
            connection, _ = front.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(hello)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x0a", Failure.NOT_HTTP),
        (b"nonsense\r\n\r\n", Failure.NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", Failure.NO_ANSWER),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", Failure.NO_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", Failure.NOT_HTTP),
    ],
)
def test_what_is_no_answer_is_named(sent: bytes, expected: Failure) -> None:
    with scripted(Script([sent])) as url:
        assert failure(Http(), url) is expected


@pytest.mark.parametrize(
    "url", ["", "no url", "ftp://127.0.0.1", "http://", "http://[::1", "http://x:99999999", "http:/x"]
)
def test_what_is_no_address_is_not_asked(url: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        Http().ask("GET", url, {})
    assert caught.value.failure is Failure.CANNOT_BE_SENT


@pytest.mark.parametrize("value", ["two\r\nlines", "snowman \N{SNOWMAN}"])
def test_a_header_that_cannot_be_one_is_not_sent(value: str) -> None:
    script = Script([OK])
    with scripted(script) as url, pytest.raises(NoAnswer) as caught:
        Http().ask("GET", url, {"Authorization": value})
    assert caught.value.failure is Failure.CANNOT_BE_SENT
    assert script.seen == []


def test_a_name_that_nobody_knows_is_named() -> None:
    assert failure(Http(), "http://nobody.invalid") is Failure.NAME_UNKNOWN


# What it costs, and what it takes from its surroundings.


def test_the_authorities_are_read_once(our: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script([OK])
    everybodys = pools.trust(None)
    http = Http(Outgoing(ca_file=our.file))
    with scripted(script, our.server("localhost")) as url:
        ask(http, url)
        Path(our.file).unlink()
        monkeypatch.setattr(certifi, "where", lambda: "/nowhere")
        assert ask(http, url).status == 200
        assert ask(Http(Outgoing(ca_file=our.file)), url).status == 200
    assert script.connections == 3
    assert pools.trust(our.file) is pools.trust(our.file)
    assert pools.trust(None) is everybodys is not pools.trust(our.file)


def test_the_surroundings_have_no_say(our: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, our.file)
    with scripted(Script([OK])) as url:
        assert ask(Http(), url).status == 200
    with scripted(Script([OK]), our.server("localhost")) as url:
        assert failure(Http(), url) is Failure.CERTIFICATE_NOT_TRUSTED


def test_no_thread_is_started_for_a_request() -> None:
    http = Http()
    with scripted(Script([OK], takes=MANY)) as url:
        ask(http, url)
        before = {thread.ident for thread in threading.enumerate()}
        for _ in range(50):
            ask(http, url)
        assert {thread.ident for thread in threading.enumerate()} <= before


FORKS = """
import os, sys
from onboarding.clock.deadline import Deadline
from onboarding.remote.http import Http

http, url = Http(), sys.argv[1]
assert http.ask("GET", url, {}).status == 200
child = os.fork()
if child == 0:
    os._exit(0 if all(http.ask("GET", url, {}, None, Deadline(5)).status == 200 for _ in range(2)) else 1)
assert os.waitpid(child, 0)[1] == 0
assert http.ask("GET", url, {}).status == 200
"""


def test_a_forked_process_leaves_its_parents_connections_alone() -> None:
    script = Script([OK], takes=MANY)
    with scripted(script) as url:
        done = subprocess.run(
            [sys.executable, "-c", FORKS, url], capture_output=True, text=True, timeout=30, check=False
        )
    assert done.returncode == 0, done.stderr
    assert (len(script.seen), script.connections) == (4, 2)
