"""What changes in workspaces: who is in which channel, what is archived, what was posted, which methods were called.

Changes are kept beside the channels that `channels` works out; a workspace that nobody touched takes no memory.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from onboarding.sandbox.slack import channels, people, workspaces
from onboarding.sandbox.slack.channels import Channel
from onboarding.sandbox.slack.faults import Faults
from onboarding.sandbox.slack.messages import Mailbox, Message
from onboarding.sandbox.slack.model import Workspace

APP: Final = "app"
"""Who is in a channel: this, or the id of a person."""


@dataclass(slots=True)
class Changes:
    """Against what a workspace begins with. `moves` are by channel, then by who: in (True) or out."""

    moves: dict[str, dict[str, bool]] = field(default_factory=dict)
    archived: dict[str, bool] = field(default_factory=dict)
    opened: dict[str, None] = field(default_factory=dict)
    added: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Places:
    """Tests call what has no underscore; everything but `reset_places` takes ids as Slack shows them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.faults = Faults()
        self.reset_places()

    def reset_places(self) -> None:
        with self._lock:
            self.faults.clear()
            self._changes = Changes()
            self._mailbox = Mailbox()
            self._calls: Counter[str] = Counter()

    def channels(self, workspace_id: str) -> tuple[Channel, ...]:
        """All of them, private ones included."""
        workspace = workspaces.find(workspace_id)
        return tuple(self.numbered(workspace, range(channels.count(workspace)))) if workspace else ()

    def channel(self, channel_id: str) -> Channel | None:
        with self._lock:
            found = channels.find(channel_id)
            return self._as_changed(found) if found else None

    def channel_named(self, workspace_id: str, name: str) -> Channel | None:
        return next((each for each in self.channels(workspace_id) if each.name == name), None)

    def numbered(self, workspace: Workspace, numbers: range) -> Iterator[Channel]:
        return (self._as_changed(channels.at(workspace, number)) for number in numbers)

    def joined(self, workspace: Workspace, who: str) -> tuple[Channel, ...]:
        """The channels that the app or a person is in."""
        with self._lock:
            numbers = {*self._joined_at_first(workspace, who), *self._moved(workspace, who)}
            found = (self._as_changed(channels.at(workspace, number)) for number in sorted(numbers))
            return tuple(channel for channel in found if is_in(channel, who))

    def invite(self, channel_id: str) -> None:
        """What `/invite @app` does."""
        self.move(channel_id, APP, True)

    def remove(self, channel_id: str) -> None:
        self.move(channel_id, APP, False)

    def move(self, channel_id: str, who: str, joins: bool) -> None:
        with self._lock:
            self._changes.moves.setdefault(_known(channel_id), {})[who] = joins

    def archive(self, channel_id: str, archived: bool = True) -> None:
        with self._lock:
            self._changes.archived[_known(channel_id)] = archived

    def leave_workspaces(self, ids: tuple[str, ...]) -> None:
        """The app loses its places in channels with its installation."""
        with self._lock:
            for channel_id, moves in self._changes.moves.items():
                if f"T{channel_id[1:-3]}" in ids:
                    moves.pop(APP, None)

    def post(self, conversation: str, **words: Any) -> Message:
        with self._lock:
            if conversation.startswith("D"):
                self._changes.opened[conversation] = None
            return self._mailbox.add(conversation, **words)

    def sent_before(self, conversation: str, client_msg_id: str) -> Message | None:
        with self._lock:
            return self._mailbox.sent_before(conversation, client_msg_id)

    def messages(self, conversation_or_user_id: str) -> tuple[Message, ...]:
        """Oldest first; at most 200."""
        key = conversation_or_user_id
        with self._lock:
            return self._mailbox.of(f"D{key[1:]}" if key[:1] in {"U", "W"} else key)

    def spoken(self) -> tuple[str, ...]:
        """The conversations with messages in them, the latest to begin first."""
        with self._lock:
            return self._mailbox.conversations()

    def open_dm(self, dm_id: str) -> bool:
        """Whether it was open before."""
        with self._lock:
            was_open = dm_id in self._changes.opened
            self._changes.opened[dm_id] = None
            return was_open

    def is_open(self, dm_id: str) -> bool:
        with self._lock:
            return dm_id in self._changes.opened

    def add_workspace(self, organisation_id: str, workspace_id: str) -> None:
        """To those that an org-wide installation reaches."""
        with self._lock:
            before = self.added_workspaces(organisation_id)
            self._changes.added[organisation_id] = tuple(dict.fromkeys((*before, workspace_id)))

    def remove_workspace(self, organisation_id: str, workspace_id: str) -> None:
        with self._lock:
            left = (each for each in self.added_workspaces(organisation_id) if each != workspace_id)
            self._changes.added[organisation_id] = tuple(left)

    def leave_organisation(self, organisation_id: str) -> tuple[str, ...]:
        """The workspaces that were added."""
        with self._lock:
            return self._changes.added.pop(organisation_id, ())

    def added_workspaces(self, organisation_id: str) -> tuple[str, ...]:
        with self._lock:
            return self._changes.added.get(organisation_id, ())

    def count_call(self, method: str) -> None:
        with self._lock:
            self._calls[method] += 1

    def calls(self, method: str) -> int:
        """How many calls of a Web API method arrived, refused ones included."""
        with self._lock:
            return self._calls[method]

    def all_calls(self) -> dict[str, int]:
        with self._lock:
            return dict(self._calls)

    def _as_changed(self, channel: Channel) -> Channel:
        moves = self._changes.moves.get(channel.id, {})
        archived = self._changes.archived.get(channel.id, channel.is_archived)
        if not moves and archived == channel.is_archived:
            return channel
        everybody = [person.id for person in people.of(channel.workspace)]
        return replace(
            channel,
            people=tuple(each for each in everybody if moves.get(each, each in channel.people)),
            has_app=moves.get(APP, channel.has_app),
            is_archived=archived,
        )

    def _joined_at_first(self, workspace: Workspace, who: str) -> Iterator[int]:
        if who == APP:
            return (number for number, plan in enumerate(channels.PLANS) if plan.has_app)
        numbers = {person.id: number for number, person in enumerate(people.of(workspace))}
        return channels.numbers_with(workspace, numbers[who])

    def _moved(self, workspace: Workspace, who: str) -> Iterator[int]:
        for channel_id, moves in self._changes.moves.items():
            if moves.get(who) and channel_id[1:-3] == workspace.id[1:] and (found := channels.find(channel_id)):
                yield found.number


def is_in(channel: Channel, who: str) -> bool:
    return channel.has_app if who == APP else who in channel.people


def _known(channel_id: str) -> str:
    if not channels.find(channel_id):
        raise ValueError(f"No channel {channel_id}")
    return channel_id
