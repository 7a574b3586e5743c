"""README and docs: what can be run is run as it stands, and whatever they name is there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from onboarding.cli import _parse
from onboarding.flows.notify import FIELDS
from onboarding.model import Reason, Status, WhoChooses
from onboarding.settings import environment
from tests.api.host import KEY, Host
from tests.docs.guide import ROOT, blocks
from tests.person import Person
from tests.test_config import COMPLETE

DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]
MOST_WORDS = 1800


def text_of(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


def anchors(document: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", text_of(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(document: str) -> list[list[str]]:
    """Every `onboarding …` that somebody is told to type, with the placeholders as values."""
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```$", text_of(document), re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            match = re.match(
                r"(?:\S+=\S+ )*(?:onboarding|\.venv/bin/onboarding|(?:\.venv/bin/)?python -m onboarding\.cli) (.+)",
                line,
            )
            if match and not match[1].startswith("sandbox"):
                found.append(shlex.split(re.sub(r"<\w+>", "x", match[1]), comments=True))
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_whatever_a_document_links_to_is_there(document: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text_of(document)):
        place, _, anchor = (target[0] or target[1]).partition("#")
        if "://" in place or place.startswith(("/", "…")):  # Elsewhere, or on a page of the reader's own.
            continue
        path = (ROOT / document).parent / place if place else ROOT / document
        assert path.exists(), f"{document}: {place}"
        if anchor:
            assert anchor in anchors(str(path.resolve().relative_to(ROOT))), f"{document}: #{anchor}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_is_one_that_exists(document: str) -> None:
    for command in commands(document):
        _parse(command)


def test_commands_are_found() -> None:
    assert ["retry", "x"] in commands("README.md")
    assert ["webhook", "ping"] in commands("docs/operate.md")


def test_the_readme_is_read_in_minutes() -> None:
    assert len(text_of("README.md").split()) <= MOST_WORDS


def test_the_readme_names_every_setting() -> None:
    table = text_of("README.md").partition("## Configure")[2]
    named = {
        name for cell in re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    }
    examples = set(re.findall(r"^#?\s?([A-Z][A-Z_]+)=", text_of(".env.example"), re.MULTILINE))
    assert named == {name for name in examples if name not in {"PORT", "WEB_CONCURRENCY"}} - {"POSTGRES_PASSWORD"}


def test_the_api_document_names_every_reason_status_and_choice() -> None:
    named = set(re.findall(r"`([a-z_]+)`", text_of("docs/api.md")))
    assert {reason.value for reason in Reason} <= named
    assert {status.value for status in Status if not status.is_pending} <= named
    assert {choice.value for choice in WhoChooses} <= named
    assert set(FIELDS) <= set(re.findall(r"`(\w+)`", text_of("docs/api.md")))


def test_the_api_document_lists_the_calls_that_there_are(make_app: Any) -> None:
    described = make_app(API_KEYS=KEY).test_client().get("/openapi.json").get_json()["paths"]
    calls = {
        (method.upper(), re.sub(r"\{\w+\}", "<>", path))
        for path, methods in described.items()
        for method in methods
        if method in {"get", "post", "put", "delete"} and path.startswith("/v1/")
    }
    listed = re.findall(r"^\| `(GET|POST|PUT|DELETE) (/v1/[^`?]+)", text_of("docs/api.md"), re.MULTILINE)
    assert {(method, re.sub(r"<\w+>", "<>", path)) for method, path in listed} == calls


def test_a_link_that_is_signed_as_the_document_says_opens(person: Person, env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", blocks("docs/api.md", "python")], env=env, capture_output=True, text=True, check=True
    )
    path = done.stdout.strip().removeprefix(env["PUBLIC_URL"])
    assert person.open(path).heading == "Connect your account to Slack"


def test_the_table_of_several_apps_is_taken_as_it_stands(tmp_path: Path) -> None:
    text = blocks("docs/operate.md", "toml").replace("/run/secrets/sprocket-signing", str(tmp_path / "signing"))
    (tmp_path / "signing").write_text("secret")
    (tmp_path / "apps.toml").write_text(text)
    secrets = dict.fromkeys(re.findall(r'env = "(\w+)"', text), "x" * 32)
    secrets["GADGET_WEBHOOK_SECRETS"] = "whsec_" + "a" * 32
    apps = environment.load(
        {**COMPLETE, **secrets, "NOVU_INTEGRATION_IDENTIFIER": "", "APPS_FILE": str(tmp_path / "apps.toml")}
    ).apps
    assert [app.integration for app in apps.all] == ["sprocket-slack", "gadget-slack"]


def test_the_status_is_what_the_document_shows(app: Flask, person: Person, link: str, witness: Any) -> None:
    shown = json.loads(blocks("docs/api.md", "json"))
    page = person.open(person.come_back(link))
    answer = Host(app, witness, None)._client.get(f"{page.location}/status").get_json()
    assert {**answer, "id": "…"} == shown
