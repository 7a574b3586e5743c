"""The people of a workspace: the same eight everywhere, under ids of the workspace's own.

The workspaces of one organisation share their people, as they do at Slack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from onboarding.sandbox.slack.model import Workspace


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    real_name: str

    @property
    def dm_id(self) -> str:
        """The app's direct messages with this person."""
        return f"D{self.id[1:]}"


NAMES: Final = (
    ("dana", "Dana Reyes"),
    ("lee", "Lee Chen"),
    ("zoe", "Zoë Łukasik"),
    ("amara", "Amara Okafor"),
    ("noor", "نور الحسن"),
    ("obrien", "Pat O'Brien <3"),
    ("yuki", "佐藤 ゆき"),
    ("max", "Max Maximilian von und zu Hohenstein-Rautenberg"),
)
"""The first is the one who installs, unless the consent page says otherwise."""


def of(workspace: Workspace) -> tuple[Person, ...]:
    return tuple(Person(id_of(workspace, number), *names) for number, names in enumerate(NAMES))


def id_of(workspace: Workspace, number: int) -> str:
    home = (workspace.enterprise or workspace).id[1:]
    return f"U{home}{number:03}" if number else f"U{home}"


def find(workspace: Workspace, key: str) -> Person | None:
    """By name, or by id: U, W as org-wide installations write it, or D for the direct messages."""
    for person in of(workspace):
        if key == person.name or (key[:1] in {"U", "W", "D"} and key[1:] == person.id[1:]):
            return person
    return None
