"""The samples of the reference, run as somebody does who pastes them: each does what its call promises."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from flask import Flask, request

from onboarding.sandbox.serve import serving
from onboarding.web.api import examples, reference, samples
from onboarding.web.api.reference import Call
from onboarding.web.api.samples import Request
from tests.api.host import KEY, Host, path_of
from tests.docs.guide import node
from tests.person import Person

CURL: Final = Path(__file__).with_name("curl.py")
LAST: Final = ("revokeLink", "endConnection")
"""After them, others find nothing."""
LANGUAGES: Final = ("curl", "node", "python")


@dataclass
class Shop:
    """The service with a customer, the reference that names what is there, and the statuses of its answers."""

    calls: tuple[Call, ...] = ()
    statuses: list[str] = field(default_factory=list)


@pytest.fixture
def shop(app: Flask, host: Host, person: Person, channel_id: Callable[..., str]) -> Iterator[Shop]:
    made = host.link(context={"tenant": "org-1"}, identifier=examples.CONNECTION_ID)
    person.install(path_of(made))
    shop, behind = Shop(), app.wsgi_app

    def noting(environ: Any, start: Any) -> Any:
        def answer(status: str, *rest: Any) -> Any:
            shop.statuses.append(status.partition(" ")[0])
            return start(status, *rest)

        return behind(environ, answer)

    there = {
        examples.LINK_ID: made["id"],
        examples.ATTEMPT_ID: host.get("/v1/attempts").body["data"][0]["id"],
        examples.EVENT_ID: host.get("/v1/events").body["data"][0]["id"],
        examples.CHANNEL["id"]: channel_id("general"),
    }
    text = app.test_client().get("/openapi.json").text
    for example, real in there.items():
        text = text.replace(example, real)
    app.wsgi_app = noting  # type: ignore[assignment,method-assign]
    with serving(app) as url:
        calls = reference.of({**json.loads(text), "servers": [{"url": url}]}).calls
        shop.calls = tuple(sorted(calls, key=lambda call: call.id in LAST))
        yield shop


@pytest.fixture
def calls(app: Flask) -> tuple[Call, ...]:
    document: dict[str, Any] = app.test_client().get("/openapi.json").json or {}
    return reference.of(document).calls


def code_of(call: Call, language: str) -> str:
    [code] = [sample.code for sample in call.samples if sample.name == language]
    return code


def command_for(code: str, language: str, folder: Path) -> list[str]:
    if language == "python":
        return [sys.executable, "-c", code]
    if language == "node":
        (folder / "sample.mjs").write_text(code)
        return [node(), str(folder / "sample.mjs")]
    return ["sh", "-c", code]


def run(code: str, language: str, folder: Path) -> str:
    """What it prints."""
    if not shutil.which("curl"):
        (folder / "curl").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{CURL}" "$@"\n')
        (folder / "curl").chmod(0o755)
    env = {"PATH": f"{os.environ['PATH']}:{folder}", "API_KEY": KEY}
    command = command_for(code, language, folder)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{code}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sample_gets_the_answer_beside_it(shop: Shop, language: str, tmp_path: Path) -> None:
    for call in shop.calls:
        said = run(code_of(call, language), language, tmp_path)
        assert shop.statuses.pop() == call.good[-1].status, call.id
        if call.good[-1].example and language != "node":
            answer = json.loads(said) if language == "curl" else ast.literal_eval(said)
            assert set(answer) == set(json.loads(call.good[-1].example)), call.id
    assert shop.statuses == []


def test_what_cannot_be_had_fails_in_every_language(shop: Shop, tmp_path: Path) -> None:
    """curl shows the problem; programs stop."""
    [call] = [call for call in shop.calls if call.id == "createLink"]
    broken = {name: code_of(call, name).replace("subscriber-123", "") for name in LANGUAGES}
    assert json.loads(run(broken["curl"], "curl", tmp_path))["status"] == 422
    for language in ("node", "python"):
        with pytest.raises(AssertionError, match="422"):
            run(broken[language], language, tmp_path)


def test_every_call_has_a_sample_in_every_language(calls: tuple[Call, ...], tmp_path: Path) -> None:
    for call in calls:
        assert tuple(sample.name for sample in call.samples) == LANGUAGES
        compile(code_of(call, "python"), call.id, "exec")
        (tmp_path / f"{call.id}.mjs").write_text(code_of(call, "node"))
        subprocess.run([node(), "--check", tmp_path / f"{call.id}.mjs"], check=True, timeout=60)
        assert {"$API_KEY" in code_of(call, "curl"), "process.env.API_KEY" in code_of(call, "node")} == {True}
        assert 'os.environ["API_KEY"]' in code_of(call, "python")


def test_samples_of_calls_that_may_be_repeated_show_how(calls: tuple[Call, ...]) -> None:
    for call in calls:
        takes_key = "Idempotency-Key" in {row.name for row in call.takes}
        assert takes_key == (call.method == "POST")
        assert all(("Idempotency-Key" in sample.code) == takes_key for sample in call.samples)


ODD: Final = {"text": 'It\'s "quoted" $HOME `id` \\n ☃ ${x}', "on": True, "off": None, "list": [1, "a: b", {"k-ey": 2}]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_odd_text_arrives_as_it_is(language: str, tmp_path: Path) -> None:
    heard: list[Any] = []
    echo = Flask("echo")

    @echo.post("/")
    def hear() -> dict[str, Any]:
        heard.append((request.get_json(), request.headers["Idempotency-Key"]))
        return {}

    with serving(echo) as url:
        made = samples.of(Request("POST", f"{url}/", is_answered=True, key='it\'s $HOME "4"', body=ODD))
        [code] = [sample.code for sample in made if sample.name == language]
        run(code, language, tmp_path)
    assert heard == [(ODD, 'it\'s $HOME "4"')]
