"""Reads APPS_FILE: a TOML table for each Slack app, with values in place, from the environment or from files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from onboarding.model.errors import Problem
from onboarding.settings import rules

KEYS: Final = {
    "client_id": "SLACK_CLIENT_ID",
    "client_secret": "SLACK_CLIENT_SECRET",
    "signing_secret": "SLACK_SIGNING_SECRET",
    "scopes": "SLACK_SCOPES",
    "novu_secret_key": "NOVU_SECRET_KEY",
    "product_name": "PRODUCT_NAME",
    "product_logo_url": "PRODUCT_LOGO_URL",
    "accent_color": "ACCENT_COLOR",
    "support_contact": "SUPPORT_CONTACT",
    "privacy_url": "PRIVACY_URL",
    "webhook_url": "WEBHOOK_URL",
    "webhook_secrets": "WEBHOOK_SECRETS",
}
"""The keys of a table, and the variables that they stand for."""
CREDENTIALS: Final = {"client_id", "client_secret", "signing_secret", "novu_secret_key", "webhook_secrets"}
"""What an app gets when it is created, and whoever only describes the app does not need."""
LISTS: Final = {"signing_secret", "scopes", "webhook_secrets"}
DEFAULT: Final = "default"
LARGEST: Final = 100_000


@dataclass(frozen=True, slots=True)
class Table:
    """One app's table. `values` is by variable; `unread` holds the names of what could not be read."""

    integration: str
    values: Mapping[str, str]
    is_default: bool
    unread: frozenset[str] = field(default=frozenset())

    def name_of(self, key: str) -> str:
        return name_of(self.integration, key)


def name_of(integration: str, key: str) -> str:
    """How a problem with a key is called."""
    return f"APPS_FILE [apps.{integration}] {key}"


def load(path: str, env: Mapping[str, str]) -> tuple[list[Table], list[Problem]]:
    """The tables of a file, and what is wrong with it."""
    try:
        read = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError:
        return [], [Problem("APPS_FILE", "must be the path of a file that this process may read")]
    except (ValueError, RecursionError) as error:
        where = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is not text in UTF-8"
        return [], [Problem("APPS_FILE", f"is not TOML: {where}")]
    problems = [Problem("APPS_FILE", f"has an unknown key: {key}") for key in read if key != "apps"]
    apps = read.get("apps")
    if not isinstance(apps, dict) or not apps:
        return [], [*problems, Problem("APPS_FILE", "needs a table [apps.<integration>] for each Slack app")]
    reading = _Reading(Path(path).parent, env, problems)
    return [table for each in apps.items() if (table := reading.table(*each))], problems


@dataclass(frozen=True, slots=True)
class _Reading:
    folder: Path
    env: Mapping[str, str]
    problems: list[Problem]

    def table(self, integration: str, given: Any) -> Table | None:
        if not isinstance(given, dict) or not rules.is_text(integration) or rules.printable(200)(integration):
            self.problems.append(Problem(f"APPS_FILE [apps.{integration!r}]", "is not a table of one Slack app"))
            return None
        if integration != integration.strip() or "/" in integration or integration in {".", ".."}:
            said = "must be called without / and without white space at the ends: its addresses contain its name"
            self.problems.append(Problem(f"APPS_FILE [apps.{integration!r}]", said))
            return None
        before = len(self.problems)
        values = {KEYS[key]: self._value(integration, key, value) for key, value in given.items() if key in KEYS}
        for key in given:
            if key not in KEYS and key != DEFAULT:
                self._refuse(integration, key, "is an unknown key")
        is_default = given.get(DEFAULT, False)
        if not isinstance(is_default, bool):
            self._refuse(integration, DEFAULT, "must be true or false")
        unread = frozenset(problem.name for problem in self.problems[before:])
        return Table(integration, values, is_default is True, unread)

    def _value(self, integration: str, key: str, value: Any) -> str:
        parts = value if isinstance(value, list) and key in LISTS else [value]
        texts = []
        for part in parts:
            text = self._text(part)
            if isinstance(text, Problem):
                self._refuse(integration, key, text.message, is_absence=text.is_absence and key in CREDENTIALS)
                return ""
            texts.append(text)
        return ",".join(texts)

    def _text(self, value: Any) -> str | Problem:
        match value:
            case str():
                return value.strip()
            case {"env": str(name), **rest} if not rest:
                return self.env.get(name, "").strip() or _absent(f"comes from {name}, which is not set")
            case {"file": str(name), **rest} if not rest:
                return self._file(name)
            case _:
                return Problem("", 'must be text in quotes, { env = "NAME" } or { file = "path" }')

    def _file(self, name: str) -> str | Problem:
        path = self.folder / name
        try:
            if not path.is_file() or path.stat().st_size > LARGEST:
                return _absent("comes from a file that is not there, or is no small file")
            return path.read_text(encoding="utf-8").strip() or _absent("comes from an empty file")
        except (OSError, ValueError):
            return _absent("comes from a file that this process cannot read as text")

    def _refuse(self, integration: str, key: str, message: str, *, is_absence: bool = False) -> None:
        self.problems.append(Problem(name_of(integration, key), message, is_absence))


def _absent(message: str) -> Problem:
    return Problem("", message, is_absence=True)
