"""What Slack tells of a conversation and of a message, as dictionaries. Decides and remembers nothing."""

from __future__ import annotations

from typing import Any, Final

from onboarding.sandbox.slack import people
from onboarding.sandbox.slack.channels import CREATED, ELSEWHERE, Channel
from onboarding.sandbox.slack.messages import Message
from onboarding.sandbox.slack.model import Installation, SlackApp
from onboarding.sandbox.slack.people import Person
from onboarding.sandbox.slack.places import is_in

OTHER_COMPANY: Final = "T0THERC0MP"


def channel(found: Channel, who: str) -> dict[str, Any]:
    """A private channel is `is_channel` too, as all are whose id begins with C."""
    return {
        "id": found.id,
        "name": found.name,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": found.is_private,
        "created": CREATED + found.number,
        "is_archived": found.is_archived,
        "is_general": found.number == 0,
        "unlinked": 0,
        "name_normalized": found.name,
        **_shared(found),
        "context_team_id": found.workspace.id,
        "updated": (CREATED + found.number) * 1000,
        "creator": people.id_of(found.workspace, 0),
        "is_member": is_in(found, who),
        "topic": _said(found, found.topic),
        "purpose": _said(found, ""),
        "previous_names": [],
        "num_members": found.num_members,
    }


def without_membership(shape: dict[str, Any]) -> dict[str, Any]:
    """`users.conversations` tells neither who is asking's part in it nor how many others have one."""
    return {key: value for key, value in shape.items() if key not in {"is_member", "num_members"}}


def direct(person: Person) -> dict[str, Any]:
    return {
        "id": person.dm_id,
        "created": CREATED,
        "is_archived": False,
        "is_im": True,
        "is_org_shared": False,
        "user": person.id,
        "is_user_deleted": False,
        "priority": 0,
    }


def posted(message: Message, app: SlackApp, installation: Installation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "user": message.user,
        "type": "message",
        "ts": message.ts,
        "app_id": app.id,
        "text": message.text,
        "team": installation.id,
    }
    if message.by_app:
        told |= {"bot_id": installation.bot_id, "bot_profile": _bot(app, installation)}
    if message.blocks:
        told["blocks"] = list(message.blocks)
    return told


def _bot(app: SlackApp, installation: Installation) -> dict[str, Any]:
    profile = {"id": installation.bot_id, "app_id": app.id, "name": app.name, "deleted": False}
    return {**profile, "updated": CREATED, "team_id": installation.id}


def _shared(found: Channel) -> dict[str, Any]:
    """`conversation_host_id` names the owner of what two companies share."""
    here, is_shared = found.workspace.id, bool(found.shared)
    told: dict[str, Any] = {
        "is_shared": is_shared,
        "is_ext_shared": is_shared,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
    }
    if is_shared:
        told["conversation_host_id"] = OTHER_COMPANY if found.shared == ELSEWHERE else here
        told["connected_team_ids"] = told["shared_team_ids"] = [here, OTHER_COMPANY]
    return told


def _said(found: Channel, words: str) -> dict[str, Any]:
    return {"value": words, "creator": people.id_of(found.workspace, 0) if words else "", "last_set": CREATED}
