"""Triggers a workflow. Any name is one with a single chat step; the result is in the activity feed."""

from __future__ import annotations

from typing import Any, Final

from onboarding.sandbox.novu.answer import Answer, NovuError
from onboarding.sandbox.novu.checks import keep_contexts
from onboarding.sandbox.novu.delivery import Notification
from onboarding.sandbox.novu.environment import Environment
from onboarding.sandbox.novu.model import new_id
from onboarding.sandbox.novu.state import Novu

NOBODY: Final = (
    "subscriberId under property to is not configured, please make sure all subscribers contains subscriberId property."
)


def trigger(novu: Novu, environment: Environment, body: dict[str, Any]) -> Answer:
    workflow = body["workflowId"] if body.get("name") is None else body["name"]
    if not workflow:
        raise NovuError(422, "workflow_not_found")
    recipients = dict.fromkeys(map(_subscriber_id, _listed(body["to"])))
    keys = keep_contexts(environment, body.get("context"))
    for subscriber_id in recipients:
        environment.add_subscriber(subscriber_id)
    transaction = body.get("transactionId") or f"txn_{new_id()}"
    text = str((body.get("payload") or {}).get("text") or f"Notification from {workflow}")
    for subscriber_id in recipients:
        novu.notify(Notification(environment, transaction, workflow, subscriber_id, keys, text))
    return Answer(201, {"data": {"acknowledged": True, "status": "processed", "transactionId": transaction}})


def _listed(to: Any) -> list[Any]:
    return to if isinstance(to, list) else [to]


def _subscriber_id(recipient: Any) -> str:
    subscriber_id = recipient.get("subscriberId") if isinstance(recipient, dict) else recipient
    if not isinstance(subscriber_id, str) or not subscriber_id:
        raise NovuError(400, NOBODY)
    return subscriber_id
