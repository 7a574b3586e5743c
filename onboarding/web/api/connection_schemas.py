"""The shapes of what the calls about connections take and give."""

from __future__ import annotations

from typing import Final

from onboarding.flows.channels import PERSON, SHOWN
from onboarding.flows.pasted import CHANNEL
from onboarding.model.destinations import ConnectionState, EndpointType
from onboarding.web.api import asking, examples
from onboarding.web.api.destinations import CHANNEL_FIELD, PERSON_FIELD
from onboarding.web.api.shapes import (
    CONNECTION,
    CONTEXT_KEYS,
    ID,
    MOMENT,
    OPTIONAL_TEXT,
    TEXT,
    Schema,
    page,
    record,
    ref,
)

STATES: Final = {
    ConnectionState.WORKING: "Slack accepted the token when last asked",
    ConnectionState.BROKEN: "it did not: `reason` is Slack's word",
    ConnectionState.UNKNOWN: "nobody can ask",
    ConnectionState.ENDED: "it is no more",
}
TYPE: Final[Schema] = {"enum": [each.value for each in EndpointType]}
NULL: Final[Schema] = {"type": "null"}
CHANNEL_ID: Final[Schema] = {"type": "string", "pattern": f"^{CHANNEL.pattern}$"}
PERSON_ID: Final[Schema] = {"type": "string", "pattern": f"^{PERSON.pattern}$"}


def schemas() -> dict[str, Schema]:
    return {
        "ConnectionStatus": _connection(),
        "ConnectionPage": page("ConnectionStatus", asking.MOST, examples.CONNECTION),
        "TokenOwner": _token_owner(),
        "Endpoint": record(
            {"identifier": {**TEXT, "description": "Finds the channel endpoint at Novu."}, "type": TYPE},
        ),
        "ChannelPage": page("Channel", SHOWN, examples.CHANNEL),
        "Channel": record(
            {"id": {**TEXT, "description": "Slack's id."}, "name": {**TEXT, "description": "Without the # before it."}}
        ),
        "NewDestination": _new_destination(),
        "Destination": _destination(),
        "ChannelTarget": record({CHANNEL_FIELD: CHANNEL_ID}),
        "PersonTarget": record({PERSON_FIELD: PERSON_ID}),
        "Tested": record({"ok": {"const": True}}, examples=[{"ok": True}]),
    }


def _connection() -> Schema:
    return record(
        {
            **CONNECTION,
            "workspace": ref("Workspace"),
            **_state(),
            "connectedAt": MOMENT,
            "attemptId": {**ID, "description": "The attempt that connected it last."},
            "endpoints": {
                "type": "array",
                "items": ref("Endpoint"),
                "description": "Where its notifications go, as far as it was chosen here. Empty: nowhere yet.",
            },
        },
        examples=[examples.CONNECTION],
    )


def _state() -> dict[str, Schema]:
    meanings = "; ".join(f"`{state}`: {meaning}" for state, meaning in STATES.items())
    return {
        "state": {"enum": [*STATES], "description": f"{meanings}."},
        "reason": {
            **OPTIONAL_TEXT,
            "description": "Why it is not working: Slack's word, `app_uninstalled`, `token_hidden` (Novu hides "
            "tokens), `disconnected` or `deleted_at_novu`.",
        },
        "since": {**MOMENT, "description": "Since when it has been in that state."},
        "checkedAt": {**MOMENT, "type": ["string", "null"], "description": "When Slack was last asked."},
    }


def _token_owner() -> Schema:
    return record(
        {
            "subscriberId": {**OPTIONAL_TEXT, "description": "Null if their connection is shared."},
            "contextKeys": CONTEXT_KEYS,
        },
        examples=[examples.SHARER],
    )


def _destination() -> Schema:
    return record(
        {
            "identifier": {**TEXT, "description": "Of the channel endpoint at Novu; a connection keeps it."},
            "type": TYPE,
            "endpoint": {"anyOf": [ref("ChannelTarget"), ref("PersonTarget")], "description": "As Novu holds it."},
        },
        examples=[examples.DESTINATION],
    )


def _new_destination() -> Schema:
    """Exactly one of the two. Null counts as not given."""
    return {
        "type": "object",
        "description": "Either a channel or a person.",
        "properties": {
            CHANNEL_FIELD: {
                **CHANNEL_ID,
                "type": ["string", "null"],
                "description": "A public channel, or a private one that the app is a member of.",
            },
            PERSON_FIELD: {
                **PERSON_ID,
                "type": ["string", "null"],
                "description": "A person: notifications arrive in the app's direct messages.",
            },
        },
        "additionalProperties": False,
        "anyOf": [
            {"required": [CHANNEL_FIELD], "properties": {CHANNEL_FIELD: TEXT, PERSON_FIELD: NULL}},
            {"required": [PERSON_FIELD], "properties": {PERSON_FIELD: TEXT, CHANNEL_FIELD: NULL}},
        ],
        "examples": [examples.NEW_DESTINATION],
    }
