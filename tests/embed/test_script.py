"""The files of the element: where they are, how long they may be kept, and what they may hold."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from onboarding.web.embed import files
from tests.embed.conftest import ORIGIN

FILES = ("v1.js", "v1.json", "v1.d.ts")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def pinned(client: FlaskClient) -> str:
    """The path of the script that never changes."""
    named: str = client.get("/embed/v1.json").get_json()["url"]
    return named.removeprefix("http://127.0.0.1:8000")


def test_the_script_is_small(client: FlaskClient) -> None:
    assert len(gzip.compress(client.get("/embed/v1.js").data, 9)) < 6_000


def test_both_addresses_lead_to_the_same_script(client: FlaskClient, pinned: str) -> None:
    assert re.fullmatch(r"/embed/v1\.[0-9a-f]{16}\.js", pinned)
    assert client.get(pinned).data == client.get("/embed/v1.js").data


def test_it_is_what_its_integrity_says(client: FlaskClient, pinned: str) -> None:
    digest = hashlib.sha384(client.get(pinned).data).digest()
    told = client.get("/embed/v1.json").get_json()
    assert told["integrity"] == f"sha384-{base64.b64encode(digest).decode()}"
    assert set(told) == {"url", "integrity"}


def test_the_address_is_under_the_public_url(make_app: Callable[..., Flask]) -> None:
    app = make_app(EMBED_ORIGINS=ORIGIN, PUBLIC_URL="https://connect.example.com")
    told = app.test_client().get("/embed/v1.json").get_json()
    assert told["url"].startswith("https://connect.example.com/embed/v1.")


@pytest.mark.parametrize("name", FILES)
def test_every_page_may_load_it_also_an_isolated_one(client: FlaskClient, name: str) -> None:
    for origin in (ORIGIN, "https://anywhere.example", ""):
        answer = client.get(f"/embed/{name}", headers={"Origin": origin} if origin else {})
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in answer.headers


def test_they_are_what_they_say_they_are(client: FlaskClient, pinned: str) -> None:
    types = {name: client.get(f"/embed/{name}").content_type for name in FILES}
    assert types == {
        "v1.js": "text/javascript; charset=utf-8",
        "v1.json": "application/json",
        "v1.d.ts": "text/plain; charset=utf-8",
    }
    assert client.get(pinned).content_type == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("name", FILES)
def test_what_may_change_is_asked_for_again_after_five_minutes(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/embed/{name}")
    assert set(answer.headers["Cache-Control"].split(", ")) == {"public", "max-age=300"}
    again = client.get(f"/embed/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == answer.headers["Cache-Control"]
    assert again.headers["Access-Control-Allow-Origin"] == "*"


def test_what_has_a_hash_is_kept_for_good(client: FlaskClient, pinned: str) -> None:
    kept = set(client.get(pinned).headers["Cache-Control"].split(", "))
    assert kept == {"public", "max-age=31536000", "immutable"}


@pytest.mark.parametrize("hash_", ["0" * 16, files.HASH.upper(), f"{files.HASH}0", f"{files.HASH}.{files.HASH}", ""])
def test_another_hash_is_not_answered_with_another_script(client: FlaskClient, hash_: str) -> None:
    answer = client.get(f"/embed/v1.{hash_}.js")
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"


def test_without_origins_there_is_nothing(make_app: Callable[..., Flask]) -> None:
    client = make_app().test_client()
    for name in (*FILES, f"v1.{files.HASH}.js", "status", ""):
        assert client.get(f"/embed/{name}").status_code == 404


def test_it_keeps_to_what_the_strictest_page_allows(client: FlaskClient) -> None:
    script = client.get("/embed/v1.js").text
    for banned in (
        "eval(",
        "new Function",
        "innerHTML",
        "insertAdjacentHTML",
        "document.write",
        "<style",
        ".style.",
        "localStorage",
        "document.cookie",
        "import(",
        "window.open",
    ):
        assert banned not in script, banned


def test_its_types_name_everything_it_takes_and_says(client: FlaskClient) -> None:
    script, types = client.get("/embed/v1.js").text, client.get("/embed/v1.d.ts").text
    texts = re.findall(r"^  (\w+): \"", script, re.MULTILINE)
    assert len(texts) == 6
    for name in ("status-token", "link-url", "statusToken", "linkUrl", *(f"{text}-text" for text in texts)):
        assert name in types, name
    for state in ("none", "pending", "awaiting_approval", "working", "broken"):
        assert f'"{state}"' in types
        assert re.search(rf"^  {state}: \[", script, re.MULTILINE)
    for event in ("slack-connect:change", "slack-connect:expired"):
        assert f'"{event}"' in types
