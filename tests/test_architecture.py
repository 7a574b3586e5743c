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
FLOORS = {
    "model": 0,
    "errors": 0,
    "addresses": 1,
    "rules": 1,
    "config": 1,
    "links": 1,
    "vault": 1,
    "http": 1,
    "log": 1,
    "names": 1,
    "storage": 1,
    "slack": 2,
    "novu": 2,
    "attempts": 2,
    "queue": 2,
    "records": 2,
    "identity": 2,
    "delivery": 3,
    "flow": 3,
    "checkup": 3,
    "health": 3,
    "minting": 3,
    "upkeep": 3,
    "wiring": 4,
    "web": 5,
    "cli": 5,
    "worker": 5,
    "": 6,
    "sandbox": 7,
}
OUTSIDE = {
    "flask",
    "redis",
    "requests",
    "authlib",
    "werkzeug",
    "gunicorn",
    "flask_wtf",
    "urllib3",
    "markupsafe",
    "dramatiq",
}
MAY_TALK_TO = {
    "redis": {"storage", "queue"},
    "limits": {"records"},
    "dramatiq": {"queue"},
    "authlib": {"slack", "identity"},
    "joserfc": {"identity"},
    "requests": {"http", "slack", "novu", "identity"},
    "flask": {"web", ""},
}
FLOOR_TWO = {name for name, floor in FLOORS.items() if floor == 2}


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
    """The rows of the table that a file imports, apart from its own."""
    found = set()
    for name in imports(path):
        if name.split(".")[0] == "onboarding":
            room = name.split(".")[1] if "." in name else ""
            found.add(room if room in FLOORS else "")
    return found - {place(path)}


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)
SERVICE = [path for path in MODULES if place(path) != "sandbox"]
NAMES = [str(path.relative_to(ROOT)) for path in SERVICE]


def test_every_module_has_a_floor() -> None:
    assert {place(path) for path in MODULES} == set(FLOORS)


@pytest.mark.parametrize("path", SERVICE, ids=NAMES)
def test_imports_point_down(path: Path) -> None:
    above = {room for room in rooms(path) if FLOORS[room] > FLOORS[place(path)]}
    assert above == ({"sandbox"} if path == PACKAGE / "cli/__init__.py" else set())


@pytest.mark.parametrize("path", SERVICE, ids=NAMES)
def test_modules_that_own_an_outside_thing_do_not_know_each_other(path: Path) -> None:
    if place(path) in FLOOR_TWO:
        assert not rooms(path) & FLOOR_TWO


@pytest.mark.parametrize("path", SERVICE, ids=NAMES)
def test_each_outside_thing_has_its_own_room(path: Path) -> None:
    for library in {name.split(".")[0] for name in imports(path)} & set(MAY_TALK_TO):
        assert place(path) in MAY_TALK_TO[library], f"{path} imports {library}"


@pytest.mark.parametrize("path", SERVICE, ids=NAMES)
def test_nouns_and_use_cases_know_no_library(path: Path) -> None:
    if FLOORS[place(path)] in {0, 3}:
        assert not {name.split(".")[0] for name in imports(path)} & OUTSIDE


def test_the_service_does_not_know_that_it_is_rehearsed() -> None:
    knowing = [path for path in SERVICE if re.search(r"sandbox", path.read_text("utf-8"), re.IGNORECASE)]
    assert [place(path) for path in knowing] == ["cli"]


def test_without_the_rehearsal_the_service_boots(tmp_path: Path, env: dict[str, str]) -> None:
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
