"""Examples of what goes in and comes out, for the description."""

from __future__ import annotations

from typing import Final

LINK_ID: Final = "x3vGk0Wb9nQ2sLr7TzYpAg"
ATTEMPT_ID: Final = "Jq4mB1xV8hDs0uRk6NcWEw"

NEW_LINK: Final = {
    "subscriberId": "subscriber-123",
    "context": {"tenant": "org-1"},
    "account": "Acme Inc.",
    "returnUrl": "https://app.example.com/settings",
    "expiresIn": 86_400,
}
LINK: Final = {
    "id": LINK_ID,
    "url": f"https://connect.example.com/install/{LINK_ID}.…",
    "expiresAt": "2026-03-02T09:30:00.000Z",
}
ATTEMPT: Final = {
    "id": ATTEMPT_ID,
    "linkId": LINK_ID,
    "subscriberId": "subscriber-123",
    "startedAt": "2026-03-01T09:30:00.000Z",
    "status": "connected",
    "workspace": {"id": "T9TK3CUKW", "name": "Acme HQ"},
    "reason": None,
    "connection": {
        "identifier": "chconn_5d0a7c1be2f94863a1b0c9d8e7f60514",
        "integrationIdentifier": "slack-prod",
        "subscriberId": "subscriber-123",
        "contextKeys": ["tenant:org-1"],
    },
    "timeline": [
        {"at": "2026-03-01T09:30:00.000Z", "event": "started", "detail": None},
        {"at": "2026-03-01T09:30:42.120Z", "event": "connected", "detail": "Acme HQ"},
    ],
}
