"""What operators hand to whoever helps them: everything known of an attempt, nothing to be careful with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from onboarding.model import Attempt, InstallLink
from onboarding.web.context import wiring


def write(attempt: Attempt) -> str:
    """JSON without tokens, without what a return URL carries, and without the data of contexts."""
    content = {
        "attempt": attempt.id,
        "status": attempt.status,
        "reason": attempt.reason,
        "detail": attempt.detail,
        "startedAt": _moment(attempt.started_at),
        "deliveryTries": attempt.tries,
        "retriesByPerson": attempt.round,
        "workspace": {"id": attempt.workspace.id, "name": attempt.workspace.name} if attempt.workspace else None,
        "appId": attempt.app_id,
        "connection": attempt.connection,
        "link": None if attempt.link.is_direct else _link(attempt.link),
        "timeline": [
            {"at": _moment(event.at), "event": event.name, "detail": event.detail} for event in attempt.timeline
        ],
        "service": {"publicUrl": wiring().settings.public_url, "novuUrl": wiring().settings.apps.first.novu.url},
        "writtenAt": _moment(wiring().clock()),
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _link(link: InstallLink) -> dict[str, Any]:
    return {
        "id": link.id,
        "subscriberId": link.subscriber_id,
        "contextKeys": [context.key for context in link.contexts],
        "connectionMode": link.mode,
        "integrationIdentifier": link.integration,
        "identifier": link.identifier,
        "account": link.account,
        "returnHost": urlsplit(link.return_url).netloc if link.return_url else None,
        "expiresAt": _moment(link.expires_at),
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
