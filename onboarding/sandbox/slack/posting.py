"""`chat.postMessage`: where a message may go, and what prevents it."""

from __future__ import annotations

from typing import Any, Final

from onboarding.sandbox.fake import parse_json
from onboarding.sandbox.slack import people, shapes
from onboarding.sandbox.slack.calling import Caller, Given, as_caller
from onboarding.sandbox.slack.channels import ELSEWHERE, Channel
from onboarding.sandbox.slack.messages import Message
from onboarding.sandbox.slack.model import SlackError
from onboarding.sandbox.slack.people import Person
from onboarding.sandbox.slack.places import is_in

LONGEST_TEXT: Final = 40_000
LONGEST_MARKDOWN: Final = 12_000
MOST_BLOCKS: Final = 50


@as_caller
def post_message(caller: Caller, given: Given) -> dict[str, Any]:
    caller.require("chat:write")
    conversation = _conversation(caller, given.get("channel", ""))
    words = _words(given)
    if before := caller.slack.sent_before(conversation, words["client_msg_id"]):
        return _told(caller, before) | {"is_duplicate": True}
    message = caller.slack.post(conversation, user=caller.user_id, by_app=caller.is_bot, **words)
    return _told(caller, message)


def _told(caller: Caller, message: Message) -> dict[str, Any]:
    shape = shapes.posted(message, caller.slack.app, caller.installation)
    return {"channel": message.conversation, "ts": message.ts, "message": shape}


def _conversation(caller: Caller, place: str) -> str:
    """The id of where the message goes: a person's id opens the app's direct messages with them."""
    if place[:1] in {"U", "W", "D"}:
        return _person(caller, place).dm_id
    if caller.slack.channel(place) is None:
        place = _named(caller, place)
    channel = caller.channel(place)
    _refuse_closed(caller, channel)
    return channel.id


def _person(caller: Caller, id_: str) -> Person:
    person = people.find(caller.installation.workspace, id_)
    if person is None or (id_[0] == "D" and not caller.slack.is_open(id_)):
        raise SlackError("channel_not_found" if id_[0] == "D" else "user_not_found")
    if not caller.slack.app.messages_tab:
        raise SlackError("messages_tab_disabled")
    return person


def _named(caller: Caller, name: str) -> str:
    """Names still work, except with an organisation's token, which would not know whose."""
    if caller.installation.org_wide:
        raise SlackError("team_not_found" if name and not name.startswith("C") else "channel_not_found")
    found = caller.slack.channel_named(caller.installation.id, name.removeprefix("#"))
    if found is None:
        raise SlackError("channel_not_found")
    return found.id


def _refuse_closed(caller: Caller, channel: Channel) -> None:
    if channel.is_archived:
        raise SlackError("is_archived")
    open_to_all = "chat:write.public" in caller.scopes and channel.shared != ELSEWHERE
    if not is_in(channel, caller.who) and not open_to_all:
        raise SlackError("not_in_channel")
    if channel.is_restricted:
        raise SlackError("restricted_action")


def _words(given: Given) -> dict[str, Any]:
    text, markdown, blocks = given.get("text", ""), given.get("markdown_text", ""), _blocks(given.get("blocks", ""))
    if markdown and (text or blocks):
        raise SlackError("markdown_text_conflict")
    if not (text or markdown or blocks or given.get("attachments")):
        raise SlackError("no_text")
    if len(text) > LONGEST_TEXT or len(markdown) > LONGEST_MARKDOWN:
        raise SlackError("msg_too_long")
    return {"text": text or markdown, "blocks": blocks, "client_msg_id": given.get("client_msg_id", "")}


def _blocks(text: str) -> tuple[Any, ...]:
    if not text:
        return ()
    try:
        blocks = parse_json(text.encode())
    except ValueError:
        raise SlackError("invalid_blocks_format") from None
    if not isinstance(blocks, list) or len(blocks) > MOST_BLOCKS:
        raise SlackError("invalid_blocks")
    if not all(isinstance(block, dict) and isinstance(block.get("type"), str) for block in blocks):
        raise SlackError("invalid_blocks")
    return tuple(blocks)
