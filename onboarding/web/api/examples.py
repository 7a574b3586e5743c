"""Examples of what goes in and comes out, for the description."""

from __future__ import annotations

from typing import Final

PUBLIC_URL: Final = "https://connect.example.com"
LINK_ID: Final = "x3vGk0Wb9nQ2sLr7TzYpAg"
ATTEMPT_ID: Final = "Jq4mB1xV8hDs0uRk6NcWEw"
CONNECTION_ID: Final = "chconn_5d0a7c1be2f94863a1b0c9d8e7f60514"
ENDPOINT_ID: Final = CONNECTION_ID.replace("chconn", "chendp")
EVENT_ID: Final = "evt_7c1be2f94863a1b0c9d8e7f605145d0a"
SUBSCRIBER_ID: Final = "subscriber-123"
WORKSPACE: Final = {"id": "T9TK3CUKW", "name": "Acme HQ"}
CHANNEL: Final = {"id": "C024BE91L", "name": "deploys"}

NEW_LINK: Final = {
    "subscriberId": SUBSCRIBER_ID,
    "context": {"tenant": "org-1"},
    "account": "Acme Inc.",
    "returnUrl": "https://app.example.com/settings",
    "expiresIn": 86_400,
}
LINK: Final = {
    "id": LINK_ID,
    "url": f"{PUBLIC_URL}/install/{LINK_ID}.…",
    "expiresAt": "2026-03-02T09:30:00.000Z",
}
NEW_STATUS_TOKEN: Final = {"subscriberId": SUBSCRIBER_ID, "context": {"tenant": "org-1"}, "expiresIn": 3_600}
STATUS_TOKEN: Final = {"token": "gAAAAABp…", "expiresAt": "2026-03-01T10:30:00.000Z"}
ATTEMPT: Final = {
    "id": ATTEMPT_ID,
    "linkId": LINK_ID,
    "subscriberId": SUBSCRIBER_ID,
    "startedAt": "2026-03-01T09:30:00.000Z",
    "status": "connected",
    "workspace": WORKSPACE,
    "reason": None,
    "destination": "set",
    "connection": {
        "identifier": CONNECTION_ID,
        "integrationIdentifier": "slack-prod",
        "subscriberId": SUBSCRIBER_ID,
        "contextKeys": ["tenant:org-1"],
    },
    "timeline": [
        {"at": "2026-03-01T09:30:00.000Z", "event": "started", "detail": None},
        {"at": "2026-03-01T09:30:42.120Z", "event": "connected", "detail": "Acme HQ"},
        {"at": "2026-03-01T09:31:05.480Z", "event": "destination_set", "detail": f"slack_channel {CHANNEL['id']}"},
    ],
}
CONNECTION: Final = {
    "identifier": CONNECTION_ID,
    "integrationIdentifier": "slack-prod",
    "subscriberId": SUBSCRIBER_ID,
    "contextKeys": ["tenant:org-1"],
    "workspace": WORKSPACE,
    "state": "working",
    "reason": None,
    "since": "2026-03-01T09:30:42.120Z",
    "checkedAt": "2026-03-01T21:30:12.004Z",
    "connectedAt": "2026-03-01T09:30:42.120Z",
    "attemptId": ATTEMPT_ID,
    "endpoints": [{"identifier": ENDPOINT_ID, "type": "slack_channel"}],
}
NEW_DESTINATION: Final = {"channelId": CHANNEL["id"]}
DESTINATION: Final = {"identifier": ENDPOINT_ID, "type": "slack_channel", "endpoint": NEW_DESTINATION}
SHARER: Final = {"subscriberId": "subscriber-456", "contextKeys": ["tenant:org-2"]}
HOST_EVENT: Final = {
    "id": EVENT_ID,
    "type": "connection.broken",
    "timestamp": "2026-03-05T07:12:40.771Z",
    "data": {
        "attemptId": ATTEMPT_ID,
        "linkId": LINK_ID,
        "subscriberId": SUBSCRIBER_ID,
        "contextKeys": ["tenant:org-1"],
        "integrationIdentifier": "slack-prod",
        "connectionIdentifier": CONNECTION_ID,
        "workspace": WORKSPACE,
        "previousWorkspace": None,
        "endpoint": None,
        "reason": "token_revoked",
        "reconnectUrl": f"{PUBLIC_URL}/install/h0Zt4cQp9aXw2LdKe7RyUg.…",
        "sequence": 3,
    },
    "delivery": {"status": "delivered", "tries": 1, "lastStatus": 204, "nextTryAt": None},
}
