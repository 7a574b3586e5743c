"""Serving: connections stay open, stopping is prompt, nothing stays behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask, Response, request

from onboarding.sandbox.serve import hang_up, pause, serving

FOREGROUND = """
from flask import Flask
from onboarding.sandbox.serve import serve_forever
serve_forever(Flask("app"), 0, lambda url: print(url, flush=True))
print("stopped", flush=True)
"""


@pytest.fixture
def app() -> Flask:
    app = Flask("app")
    app.add_url_rule("/echo", "echo", lambda: Response(request.get_data()), methods=["POST"])
    app.add_url_rule("/port", "port", lambda: str(request.environ["REMOTE_PORT"]))
    app.add_url_rule("/gone", "gone", hang_up)
    app.add_url_rule("/wait", "wait", lambda: "waited" if pause(30) else hang_up())
    return app


def test_one_connection_carries_many_requests(app: Flask, session: requests.Session) -> None:
    with serving(app) as url:
        started = time.monotonic()
        for _ in range(50):
            assert session.post(f"{url}/echo", data=b"x" * 2000).content == b"x" * 2000
        assert time.monotonic() - started < 1
        assert len({session.get(f"{url}/port").text for _ in range(3)}) == 1


def test_a_chunked_body_is_read_whole(app: Flask) -> None:
    with serving(app) as url:
        assert requests.post(f"{url}/echo", data=iter([b"one ", b"two"]), timeout=5).content == b"one two"


def test_hanging_up_closes_the_connection_without_a_byte(app: Flask) -> None:
    with serving(app) as url, pytest.raises(requests.ConnectionError, match="without response"):
        requests.get(f"{url}/gone", timeout=5)


def test_sixty_requests_wait_at_once(app: Flask) -> None:
    def ask(url: str) -> bytes:
        return requests.post(f"{url}/echo", data=b"x", timeout=5).content

    with serving(app) as url, ThreadPoolExecutor(60) as pool:
        assert list(pool.map(ask, [url] * 60)) == [b"x"] * 60


def test_it_stops_at_once_despite_idle_connections_and_pauses(app: Flask) -> None:
    threads = threading.active_count()
    with ThreadPoolExecutor(1) as pool:
        with serving(app) as url:
            place = urlsplit(url)
            idle = socket.create_connection((place.hostname, place.port or 0), timeout=5)
            waiting = pool.submit(requests.get, f"{url}/wait", timeout=20)
            time.sleep(0.2)
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 1
        assert isinstance(waiting.exception(timeout=5), requests.ConnectionError)
    with idle:
        assert idle.recv(1) == b""
    assert threading.active_count() <= threads


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_foreground_cleanly(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", FOREGROUND], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        assert requests.get(url, timeout=5).status_code == 404
        child.send_signal(number)
        assert child.stdout.readline() == "stopped\n"
        assert child.wait(timeout=5) == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET http://[x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nshort",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ],
)
def test_a_broken_request_harms_nobody_else(app: Flask, raw: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(app) as url:
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port or 0), timeout=5) as broken:
            broken.sendall(raw)
            broken.shutdown(socket.SHUT_WR)
            while broken.recv(4096):
                pass
        assert requests.post(f"{url}/echo", data=b"x", timeout=5).content == b"x"
    assert capfd.readouterr() == ("", "")
