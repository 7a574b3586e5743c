"""Takes the code out of a document, and runs it as somebody does who pastes all of it into one file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests
from flask import Flask
from playwright._impl._driver import compute_driver_executable

ROOT = Path(__file__).parents[2]
SESSION_KEY = "a key of the host's own"
PAGES = """
from pathlib import Path
from slack import app

@app.get("/")
def page():
    return Path("page.html").read_text()

@app.get("/slack.js")
def script():
    return Path("page.js").read_text(), 200, {"Content-Type": "text/javascript"}
"""


def blocks(document: str, language: str) -> str:
    """Every block of a language, in order."""
    text = (ROOT / document).read_text("utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found, (document, language)
    return "\n\n".join(found)


def node() -> str:
    """Playwright brings one along, so that no other has to be installed."""
    return str(compute_driver_executable()[0])


@contextmanager
def python_host(folder: Path, env: Mapping[str, str], port: int, service: str) -> Iterator[str]:
    (folder / "slack.py").write_text(blocks("docs/embed.md", "python"))
    (folder / "page.html").write_text(
        "<!doctype html><html lang=en><title>Settings</title><h1>Settings</h1>"
        + blocks("docs/embed.md", "html").replace("https://connect.example.com", service)
    )
    (folder / "page.js").write_text(blocks("docs/embed.md", "js"))
    (folder / "pages.py").write_text(PAGES)
    command = [sys.executable, "-m", "flask", "--app", "pages", "run", "--port", str(port)]
    with _running(command, folder, {**env, "FLASK_SECRET_KEY": SESSION_KEY}, port) as url:
        yield url


@contextmanager
def node_host(folder: Path, env: Mapping[str, str], port: int, _service: str) -> Iterator[str]:
    (folder / "slack.ts").write_text(blocks("docs/embed.md", "ts"))
    (folder / "serve.mjs").write_text((Path(__file__).parent / "serve.mjs").read_text("utf-8"))
    with _running([node(), "serve.mjs", str(port)], folder, env, port) as url:
        yield url


def signed_in(host: str, customer: str) -> dict[str, str]:
    """The cookie of a customer, in both programs."""
    app = Flask("host")
    app.secret_key = SESSION_KEY
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return {"session": serializer.dumps({"customer": customer}), "customer": customer}


@contextmanager
def _running(command: list[str], folder: Path, env: Mapping[str, str], port: int) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env={"PATH": os.environ["PATH"], **env}, stdout=log, stderr=log)
    try:
        _wait(url, process, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text("utf-8")
        try:
            requests.get(f"{url}/not-there", timeout=1)
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text("utf-8"))
