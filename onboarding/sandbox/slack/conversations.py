"""The conversations methods: what the app may see of channels and direct messages, and how it gets in.

https://docs.slack.dev/apis/web-api/using-the-conversations-api
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from onboarding.sandbox.slack import arguments, channels, cursors, people, shapes
from onboarding.sandbox.slack.calling import READS, Caller, Given, as_caller
from onboarding.sandbox.slack.channels import Channel
from onboarding.sandbox.slack.model import SlackError, Workspace
from onboarding.sandbox.slack.people import Person
from onboarding.sandbox.slack.places import APP, is_in

MOST: Final = 999
MOST_USERS: Final = 8


@as_caller
def conversations_list(caller: Caller, given: Given) -> dict[str, Any]:
    types, workspace = _types(caller, given), caller.workspace(given)
    limit, cursor = cursors.limit_of(given, MOST), given.get("cursor", "")
    if workspace.public_channels:
        positions, next_cursor = cursors.cut(channels.count(workspace), limit, cursor, uneven=True)
        page = _seen(caller, caller.slack.numbered(workspace, positions), types, given)
    else:
        everything = caller.slack.numbered(workspace, range(channels.count(workspace)))
        seen = _seen(caller, everything, types, given)
        shown = [*seen, *_direct(caller, workspace, types)]
        positions, next_cursor = cursors.cut(len(shown), limit, cursor)
        page = [shown[each] for each in positions]
    return _page(page, next_cursor)


@as_caller
def users_conversations(caller: Caller, given: Given) -> dict[str, Any]:
    """What the caller is in; with `user`, what that person is in, as far as the caller may know of it."""
    types, workspace = _types(caller, given), caller.workspace(given)
    limit = cursors.limit_of(given, MOST)
    who = _who(caller, workspace, given)
    seen = _seen(caller, caller.slack.joined(workspace, who), types, given)
    shown = [shapes.without_membership(each) for each in seen]
    shown += [each for each in _direct(caller, workspace, types) if who in {APP, each["user"]}]
    uneven = bool(workspace.public_channels)
    positions, next_cursor = cursors.cut(len(shown), limit, given.get("cursor", ""), uneven=uneven)
    return _page([shown[each] for each in positions], next_cursor)


@as_caller
def conversations_info(caller: Caller, given: Given) -> dict[str, Any]:
    id_ = required(given, "channel")
    if id_.startswith("D"):
        caller.require(READS["im"])
        return {"channel": shapes.direct(_opened(caller, id_))}
    channel = caller.channel(id_)
    caller.require(READS[channel.type])
    shape = shapes.channel(channel, caller.who)
    if not arguments.is_true(given, "include_num_members"):
        del shape["num_members"]
    return {"channel": shape}


@as_caller
def conversations_join(caller: Caller, given: Given) -> dict[str, Any]:
    caller.require("channels:join" if caller.is_bot else "channels:write")
    channel = caller.channel(required(given, "channel"))
    if channel.is_private:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    if is_in(channel, caller.who):
        warning = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
        return {"channel": shapes.channel(channel, caller.who), **warning}
    caller.slack.move(channel.id, caller.who, True)
    return {"channel": shapes.channel(caller.channel(channel.id), caller.who)}


@as_caller
def conversations_open(caller: Caller, given: Given) -> dict[str, Any]:
    caller.require("im:write")
    person = _only_user(caller, given) if given.get("users") else _opened(caller, required(given, "channel"))
    if arguments.is_true(given, "prevent_creation") and not caller.slack.is_open(person.dm_id):
        raise SlackError("channel_not_found")
    was_open = caller.slack.open_dm(person.dm_id)
    whole = arguments.is_true(given, "return_im")
    before = {"no_op": True, "already_open": True} if was_open else {}
    return {**before, "channel": shapes.direct(person) if whole else {"id": person.dm_id}}


def required(given: Given, name: str) -> str:
    if not given.get(name):
        messages = [f"[ERROR] missing required field: {name}"]
        raise SlackError("invalid_arguments", response_metadata={"messages": messages})
    return given[name]


def _types(caller: Caller, given: Given) -> tuple[str, ...]:
    types = tuple(each.strip() for each in (given.get("types") or "public_channel").split(","))
    if not set(types) <= set(READS):
        raise SlackError("invalid_types")
    caller.require(*(READS[each] for each in dict.fromkeys(types)))
    return types


def _seen(caller: Caller, found: Iterable[Channel], types: tuple[str, ...], given: Given) -> list[dict[str, Any]]:
    leave_out_archived = arguments.is_true(given, "exclude_archived")
    return [
        shapes.channel(channel, caller.who)
        for channel in found
        if _is_seen(caller, channel, types) and not (leave_out_archived and channel.is_archived)
    ]


def _is_seen(caller: Caller, channel: Channel, types: tuple[str, ...]) -> bool:
    return channel.type in types and (not channel.is_private or is_in(channel, caller.who))


def _direct(caller: Caller, workspace: Workspace, types: tuple[str, ...]) -> list[dict[str, Any]]:
    if "im" not in types:
        return []
    return [shapes.direct(each) for each in people.of(workspace) if caller.slack.is_open(each.dm_id)]


def _who(caller: Caller, workspace: Workspace, given: Given) -> str:
    if not given.get("user"):
        return caller.who
    if given["user"] == caller.installation.bot_user_id:
        return APP
    person = people.find(workspace, given["user"])
    if person is None or given["user"][:1] not in {"U", "W"}:
        raise SlackError("user_not_found")
    return person.id


def _only_user(caller: Caller, given: Given) -> Person:
    """Group direct messages are not here."""
    users = [each.strip() for each in given["users"].split(",")]
    if len(users) > MOST_USERS:
        raise SlackError("too_many_users")
    found = [people.find(caller.installation.workspace, each) if each[:1] in {"U", "W"} else None for each in users]
    if len(found) > 1:
        caller.require("mpim:write")
        raise SlackError("method_not_supported_for_channel_type")
    if found[0] is None:
        raise SlackError("user_not_found")
    return found[0]


def _opened(caller: Caller, dm_id: str) -> Person:
    person = people.find(caller.installation.workspace, dm_id) if dm_id.startswith("D") else None
    if person is None or not caller.slack.is_open(person.dm_id):
        raise SlackError("channel_not_found")
    return person


def _page(shown: Sequence[dict[str, Any]], next_cursor: str) -> dict[str, Any]:
    return {"channels": list(shown), "response_metadata": {"next_cursor": next_cursor}}
