"""The channels a workspace has, worked out from its id and a number each, so that 20,000 cost nothing until asked for.

What people change about them (who is in, what is archived) is not here: see `places`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from onboarding.sandbox.slack import people, workspaces
from onboarding.sandbox.slack.model import Workspace

CREATED: Final = 1_700_000_000
DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
EVERYONE: Final = tuple(range(len(people.NAMES)))
HERE: Final = "here"
ELSEWHERE: Final = "elsewhere"


@dataclass(frozen=True, slots=True)
class Channel:
    """`shared` is "here" or "elsewhere", by which company owns what two share. `people` are ids."""

    id: str
    workspace: Workspace
    number: int
    name: str
    topic: str = ""
    people: tuple[str, ...] = ()
    has_app: bool = False
    is_private: bool = False
    is_archived: bool = False
    is_restricted: bool = False
    shared: str = ""

    @property
    def type(self) -> str:
        return "private_channel" if self.is_private else "public_channel"

    @property
    def num_members(self) -> int:
        return len(self.people) + self.has_app

    @property
    def links(self) -> tuple[str, str]:
        """What "Copy link" gives in Slack, and the address of the same channel in a browser."""
        app = f"https://app.slack.com/client/{self.workspace.id}/{self.id}"
        return f"https://{self.workspace.host}/archives/{self.id}", app


@dataclass(frozen=True, slots=True)
class _Plan:
    name: str
    topic: str
    people: tuple[int, ...] = EVERYONE
    has_app: bool = False
    is_private: bool = False
    is_archived: bool = False
    is_restricted: bool = False
    shared: str = ""


PLANS: Final = (
    _Plan("general", "Everybody, about everything"),
    _Plan("random", "What does not fit anywhere else"),
    _Plan("deploys", "What went live, and when", (0, 1, 2)),
    _Plan("alerts", "Pages and what became of them", (0, 1)),
    _Plan("お知らせ", "Tokyo office", (1, 6)),
    _Plan("\N{PARTY POPPER}-wins", "Signed, shipped, celebrated", (0, 3, 5)),
    _Plan("a-channel-whose-name-is-exactly-as-long-as-slack-lets-anyone-make-the-name-of-it", "80 characters", (2,)),
    _Plan("announcements", "Only admins post here", is_restricted=True),
    _Plan("launch-2019", "It went well", (0, 1), is_archived=True),
    _Plan("ext-initech-support", "With Initech; ours", (0, 3), shared=HERE),
    _Plan("ext-hooli-pilot", "With Hooli; theirs", (0, 4), shared=ELSEWHERE),
    _Plan("leadership", "Numbers before they are public", (0, 7), is_private=True),
    _Plan("incident-room", "The app was invited", (0, 1), has_app=True, is_private=True),
    _Plan("people-ops", "Dana is not in here", (3, 5), is_private=True),
    _Plan("merger-2018", "Closed", (0, 7), is_private=True, is_archived=True),
)
PREFIXES: Final = ("team", "proj", "help", "ops", "release", "customer", "guild", "temp")
SUBJECTS: Final = ("payments", "search", "mobile", "billing", "data", "checkout", "infra", "growth", "legal", "maps")
ARCHIVED_EACH: Final = 17
JOINED_EACH: Final = 400
_ID: Final = re.compile(r"C[A-Z0-9]{1,30}[A-Z0-9]{3}")
_ORDINARY_PUBLIC: Final = sum(not plan.is_private for plan in PLANS)


def count(workspace: Workspace) -> int:
    return len(PLANS) + max(0, workspace.public_channels - _ORDINARY_PUBLIC)


def at(workspace: Workspace, number: int) -> Channel:
    if number >= len(PLANS):
        return _made_up(workspace, number)
    plan = PLANS[number]
    return Channel(
        id=_id(workspace, number),
        workspace=workspace,
        number=number,
        name=plan.name,
        topic=plan.topic,
        people=tuple(people.id_of(workspace, each) for each in plan.people),
        has_app=plan.has_app,
        is_private=plan.is_private,
        is_archived=plan.is_archived,
        is_restricted=plan.is_restricted,
        shared=plan.shared,
    )


def find(id_: str) -> Channel | None:
    """A channel's id holds its workspace's, so any can be found without having been made."""
    if not _ID.fullmatch(id_):
        return None
    workspace, number = workspaces.find(f"T{id_[1:-3]}"), int(id_[-3:], 36)
    return at(workspace, number) if workspace and number < count(workspace) else None


def numbers_with(workspace: Workspace, person: int) -> Iterator[int]:
    """The numbers of the channels that a person is in from the start."""
    yield from (number for number, plan in enumerate(PLANS) if person in plan.people)
    yield from (number for number in range(len(PLANS), count(workspace)) if number % JOINED_EACH == person)


def _made_up(workspace: Workspace, number: int) -> Channel:
    prefix, subject = PREFIXES[number % len(PREFIXES)], SUBJECTS[number // len(PREFIXES) % len(SUBJECTS)]
    joined = number % JOINED_EACH
    return Channel(
        id=_id(workspace, number),
        workspace=workspace,
        number=number,
        name=f"{prefix}-{subject}-{number:05}",
        people=(people.id_of(workspace, joined),) if joined < len(people.NAMES) else (),
        is_archived=number % ARCHIVED_EACH == 0,
    )


def _id(workspace: Workspace, number: int) -> str:
    high, low = divmod(number, 36)
    return f"C{workspace.id[1:]}{DIGITS[high // 36]}{DIGITS[high % 36]}{DIGITS[low]}"
