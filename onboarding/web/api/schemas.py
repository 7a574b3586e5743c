"""The shapes of what goes in and comes out, as JSON Schema, with the limits that are checked."""

from __future__ import annotations

from typing import Final

from onboarding.ledger.connection_lists import MOST_SHARING
from onboarding.model import Reason, Status
from onboarding.web.api import (
    asking,
    connection_schemas,
    event_description,
    examples,
    link_schemas,
    problems,
    refusals,
    status_token_description,
)
from onboarding.web.api.shapes import CONNECTION, ID, MOMENT, OPTIONAL_TEXT, TEXT, Schema, optional, page, record, ref

EVENTS: Final = (
    "started",
    "returned",
    "granted",
    "delivery_postponed",
    "connected",
    "awaiting_approval",
    "cancelled",
    "failed",
    "expired",
    "unclaimed",
    "claimed",
    "claimed_by_operator",
    "grant_revoked",
    "grant_erased",
    "retried_by_person",
    "replaced",
    "disconnected",
    "destination_set",
    "destination_removed",
    "destination_refused",
    "not_disconnected",
    "broken",
    "recovered",
)
OUTCOMES: Final = ("pending", *(status.value for status in Status if not status.is_pending))


def schemas(most_seconds: int) -> dict[str, Schema]:
    """Every shape by its name. `most_seconds` is how long a link may live."""
    return {
        "NewLink": link_schemas.new_link(most_seconds),
        "Context": link_schemas.context(),
        "Link": link_schemas.link(),
        "Attempt": _attempt(),
        "AttemptPage": page("Attempt", asking.MOST, examples.ATTEMPT),
        "Connection": record(CONNECTION),
        **connection_schemas.schemas(),
        **event_description.schemas(),
        **status_token_description.schemas(),
        "Workspace": record(
            {"id": {**TEXT, "description": "Slack's id; that of an organisation begins with E."}, "name": TEXT}
        ),
        "Event": record(
            {
                "at": MOMENT,
                "event": {**TEXT, "description": f"One of {', '.join(EVENTS)}; others may come."},
                "detail": OPTIONAL_TEXT,
            }
        ),
        **_problems(),
    }


def _attempt() -> Schema:
    reasons = [*(reason.value for reason in Reason), None]
    return record(
        {
            "id": {**ID, "description": "Also the support code on the person's page."},
            "linkId": {
                "type": ["string", "null"],
                "pattern": ID["pattern"],
                "description": "The link it was started from; null while it belongs to nobody.",
            },
            "subscriberId": {
                **OPTIONAL_TEXT,
                "description": "As the link names it; null if it has only a context, or while `unclaimed`.",
            },
            "startedAt": MOMENT,
            "status": {
                "enum": [*OUTCOMES],
                "description": "`awaiting_approval` becomes `connected` when anybody connects the same owner, and "
                "`expired` with its link; a person may retry what `failed`; `unclaimed` was begun in Slack without a "
                "link, and goes on as `pending` once somebody connects it with one. The others are final. A start that "
                "nobody finished is `expired` after ten minutes. Ask every few seconds while `pending`, and less often "
                "later.",
            },
            "workspace": optional("Workspace", "Known as soon as Slack said yes."),
            "reason": {
                "enum": reasons,
                "description": "Why nothing is connected. For `connected`: null, or why that has ended; `replaced` "
                "means that the customer has connected another workspace since.",
            },
            "destination": {
                "enum": ["unset", "set", None],
                "description": "Whether it is known where notifications go. Null while there is nothing to choose.",
            },
            "connection": optional("Connection", "Null until connected."),
            "timeline": {"type": "array", "items": ref("Event"), "description": "What happened, oldest first."},
        },
        examples=[examples.ATTEMPT],
    )


def _problems() -> dict[str, Schema]:
    return {
        "Problem": _problem({}),
        "ConflictProblem": _problem({"reason": {**TEXT, "description": "Why it cannot be done, in a word."}}),
        "SharedTokenProblem": _problem({"reason": {"const": refusals.SHARED_TOKEN}, "owners": _owners()}),
        "InvalidProblem": _problem({"errors": {"type": "array", "minItems": 1, "items": ref("FieldProblem")}}),
        "FieldProblem": record(
            {
                "field": {**TEXT, "description": "A field of the body, a parameter or a header; `body` is all of it."},
                "message": {**TEXT, "description": "What is wrong with it. Never holds the value."},
            }
        ),
    }


def _owners() -> Schema:
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_SHARING,
        "items": ref("TokenOwner"),
        "description": "Who else is connected by the token.",
    }


def _problem(more: dict[str, Schema]) -> Schema:
    return record(
        {
            "type": {"const": "about:blank"},
            "title": {**TEXT, "description": "The words of the status."},
            "status": {"enum": [*problems.DETAILS]},
            "detail": {**TEXT, "description": "What to do about it."},
            **more,
        }
    )
