"""Reads values from an environment, and remembers every problem instead of stopping at the first."""

from __future__ import annotations

import re
from collections.abc import Mapping

from onboarding.model import Secret
from onboarding.model.errors import Problem
from onboarding.settings import rules
from onboarding.settings.rules import Rule


class Reader:
    """Reads one environment and remembers what is wrong with it. Values lose the white space at their ends.

    `names` says how a problem with a variable is called, if not by its own name.
    """

    def __init__(self, env: Mapping[str, str], names: Mapping[str, str] | None = None) -> None:
        self._env = env
        self._names = names or {}
        self.problems: list[Problem] = []

    def has(self, name: str) -> bool:
        return bool(self._value(name))

    def text(self, name: str, default: str | None = None, check: Rule | None = None) -> str:
        value = self._value(name) or default
        if value is None:
            self.refuse(name, "is required", is_absence=True)
            return ""
        problem = value and (rules.text(value) or (check and check(value)))
        if problem:
            self.refuse(name, problem)
            return ""
        return value

    def secret(self, name: str, check: Rule) -> Secret:
        return Secret(self.text(name, check=check))

    def optional_secret(self, name: str, check: Rule) -> Secret | None:
        value = self.text(name, "", check)
        return Secret(value) if value else None

    def secrets(self, name: str, shortest: int, check: Rule = rules.text) -> tuple[Secret, ...]:
        values = rules.split(self.text(name, ""))
        if any(rules.at_least(shortest)(value) for value in values):
            self.refuse(name, f"each entry needs at least {shortest} characters of text")
        elif problem := next(filter(None, map(check, values)), None):
            self.refuse(name, f"each entry {problem}")
        return tuple(Secret(value) for value in values)

    def number(self, name: str, default: int, allowed: range) -> int:
        value = self._value(name) or str(default)
        if re.fullmatch(r"[0-9]{1,9}", value) and int(value) in allowed:
            return int(value)
        self.refuse(name, f"must be a whole number from {allowed.start} to {allowed.stop - 1}")
        return default

    def _value(self, name: str) -> str:
        return self._env.get(name, "").strip()

    def refuse(self, name: str, message: str, *, is_absence: bool = False) -> None:
        self.problems.append(Problem(self._names.get(name, name), message, is_absence))
