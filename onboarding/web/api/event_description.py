"""The calls about events and their shapes, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from onboarding.flows.notify import FIELDS
from onboarding.web.api import asking, event_asking, examples
from onboarding.web.api.describing import answer, answers, event_id, given, in_query, key, link, page_of
from onboarding.web.api.shapes import (
    CONTEXT_KEYS,
    ID,
    MOMENT,
    OPTIONAL_TEXT,
    SUBSCRIBER_ID,
    TEXT,
    Schema,
    optional,
    page,
    record,
    ref,
)

CURSOR: Final = r"^([0-9]{1,17}\.evt_[0-9a-f]{32})?$"
OPTIONAL_ID: Final[Schema] = {**ID, "type": ["string", "null"]}
DATA: Final[dict[str, Schema]] = {
    "attemptId": {**OPTIONAL_ID, "description": "The attempt that it is about, or that made the connection."},
    "linkId": {**OPTIONAL_ID, "description": "The link which that was started from."},
    "subscriberId": SUBSCRIBER_ID,
    "contextKeys": {**CONTEXT_KEYS, "type": ["array", "null"]},
    "integrationIdentifier": OPTIONAL_TEXT,
    "connectionIdentifier": {**OPTIONAL_TEXT, "description": "Null for attempts that came to nothing."},
    "workspace": optional("Workspace", "Where."),
    "previousWorkspace": optional("Workspace", "Where it was before, if it is another one now."),
    "endpoint": optional("Endpoint", "Where notifications go now."),
    "reason": {**OPTIONAL_TEXT, "description": "Why it does not work, has ended, or came to nothing."},
    "reconnectUrl": {**OPTIONAL_TEXT, "description": "Give this to somebody who can connect Slack again."},
    "sequence": {
        "type": ["integer", "null"],
        "description": "Grows with each event of an owner: of two, the larger one is newer.",
    },
}


def paths() -> dict[str, Schema]:
    return {
        "/v1/events": {"get": _list()},
        "/v1/events/{id}/redeliver": {"parameters": [event_id(examples.EVENT_ID)], "post": _redeliver()},
    }


def schemas() -> dict[str, Schema]:
    return {
        "HostEventPage": page("HostEvent", asking.MOST, examples.HOST_EVENT),
        "HostEvent": record(
            {
                "id": {**TEXT, "description": "The `webhook-id` of each of its deliveries."},
                "type": {"enum": [*event_asking.TYPES]},
                "timestamp": {**MOMENT, "description": "When it happened."},
                "data": ref("HostEventData"),
                "delivery": ref("EventDelivery"),
            },
            examples=[examples.HOST_EVENT],
        ),
        "HostEventData": record(
            {name: DATA[name] for name in FIELDS}, description="What does not apply is null; in a ping, everything."
        ),
        "EventDelivery": _delivery(),
    }


def _list() -> Schema:
    listed = answer("HostEventPage", "A page of events", link("redeliverEvent", "$response.body#/data/0/id"))
    return {
        "operationId": "listEvents",
        "summary": "List events",
        "description": "What your webhook endpoint is told, of the last 30 days, newest first. Empty parameters "
        "count as not given.",
        "parameters": [
            in_query("type", {"enum": [*event_asking.TYPES, ""]}, "What happened."),
            in_query(
                "connectionIdentifier",
                {"type": "string"},
                "The connection that they are about.",
                examples.CONNECTION_ID,
            ),
            *page_of(CURSOR),
        ],
        "responses": answers(200, listed, (422,)),
    }


def _redeliver() -> Schema:
    return {
        "operationId": "redeliverEvent",
        "summary": "Send an event again",
        "description": "Under the same `webhook-id`, however it ended before. If your endpoint answered 410, "
        "everything that was kept since goes out again, too. Takes no body.",
        "parameters": [key("The same call under the same key sends it once.", "redeliver-4711")],
        "responses": answers(202, {"description": "It will be sent", "headers": given()}, (404, 413, 422)),
    }


def _delivery() -> Schema:
    return record(
        {
            "status": {
                "enum": [*event_asking.STATUSES],
                "description": "`pending`: on its way, or to be tried again; `delivered`: answered with 2xx; "
                "`failed`: given up after three days; `paused`: kept, because the endpoint is gone or there is none.",
            },
            "tries": {"type": "integer", "minimum": 0, "description": "Since it was last to be sent."},
            "lastStatus": {
                "type": ["integer", "null"],
                "description": "Of your endpoint's last answer; null if there was none.",
            },
            "nextTryAt": {
                **MOMENT,
                "type": ["string", "null"],
                "description": "Null if it is not pending, or if an earlier one of its owner goes first.",
            },
        }
    )
