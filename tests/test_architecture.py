"""Imports point one way: down. The table is the architecture; a module that is missing here has no place yet."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "onboarding"
FLOORS = (
    {""},
    {"web", "cli", "worker"},
    {"wiring"},
    {"flows"},
    {"ledger", "ephemeral", "remote"},
    {"signing"},
    {"settings"},
    {"clock"},
    {"model"},
)
"""The rooms, from the roof down. A module imports from its own room and the floors below, never from a neighbour."""
OUTSIDE = {"flask", "redis", "psycopg", "requests", "authlib", "werkzeug", "gunicorn", "flask_wtf", "urllib3"} | {
    "opentelemetry",
    "prometheus_client",
}
MAY_TALK_TO = {
    "psycopg": {"ledger", "settings"},
    "psycopg_pool": {"ledger"},
    "redis": {"ephemeral", "settings"},
    "limits": {"ephemeral"},
    "authlib": {"remote"},
    "joserfc": {"remote"},
    "requests": {"remote"},
    "urllib3": {"remote"},
    "cryptography": {"signing"},
    "flask": {"web", ""},
    "gunicorn": {"web"},
    "prometheus_client": {"web"},
    "opentelemetry": {"remote"},
}
CLIENTS = {"slack", "novu", "issuer"}
"""Each talks to one outside thing; a use case combines them."""


def place(path: Path) -> str:
    """The row of the table a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {path}"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms(path: Path) -> set[str]:
    """The rooms that a file imports from, apart from its own."""
    names = [name.split(".") for name in imports(path)]
    found = {
        parts[1] if len(parts) > 1 and parts[1] in ALL_ROOMS else "" for parts in names if parts[0] == "onboarding"
    }
    return found - {place(path)}


ALL_ROOMS = set().union(*FLOORS) | {"sandbox"}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)
SERVICE = [path for path in MODULES if place(path) != "sandbox"]
NAMES = [str(path.relative_to(ROOT)) for path in SERVICE]


def floor(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def test_every_module_has_a_room() -> None:
    assert {place(path) for path in MODULES} == ALL_ROOMS


@pytest.mark.parametrize("path", SERVICE, ids=NAMES)
def test_imports_point_down(path: Path) -> None:
    may = set().union(*FLOORS[floor(place(path)) + 1 :])
    assert rooms(path) - may == ({"sandbox"} if path == PACKAGE / "cli/__init__.py" else set())


@pytest.mark.parametrize("path", SERVICE, ids=NAMES)
def test_clients_do_not_know_each_other(path: Path) -> None:
    client = path.relative_to(PACKAGE).parts[1].removesuffix(".py") if place(path) == "remote" else ""
    known = {name.split(".")[2] for name in imports(path) if name.startswith("onboarding.remote.")}
    if client in CLIENTS:
        assert known & CLIENTS <= {client}


@pytest.mark.parametrize("path", SERVICE, ids=NAMES)
def test_each_outside_thing_has_its_own_room(path: Path) -> None:
    for library in {name.split(".")[0] for name in imports(path)} & set(MAY_TALK_TO):
        assert place(path) in MAY_TALK_TO[library], f"{path} imports {library}"


@pytest.mark.parametrize("path", SERVICE, ids=NAMES)
def test_nouns_and_use_cases_know_no_library(path: Path) -> None:
    if place(path) in {"model", "clock", "flows"}:
        assert not {name.split(".")[0] for name in imports(path)} & OUTSIDE


def test_the_service_does_not_know_of_the_sandbox() -> None:
    knowing = [path for path in SERVICE if re.search(r"sandbox", path.read_text("utf-8"), re.IGNORECASE)]
    assert [place(path) for path in knowing] == ["cli"]


def test_without_the_sandbox_the_service_boots(tmp_path: Path, env: dict[str, str]) -> None:
    for folder in ("onboarding", "templates", "static"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("sandbox", "__pycache__"))
    asks_home = "from onboarding import create_app; print(create_app().test_client().get('/readyz').text)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {asks_home}"],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "ok\n\n", done.stderr
