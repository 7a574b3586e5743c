"""The service's words, as Sprocket says them to its customers."""

from __future__ import annotations

from typing import Any, Final

BROKEN: Final = {
    "token_revoked": "the access was revoked in Slack.",
    "app_uninstalled": "the app was removed from the workspace.",
    "account_inactive": "the app was removed, or its workspace is gone.",
    "invalid_auth": "Slack no longer accepts our access.",
    "token_expired": "the access has expired.",
}
ENDED: Final = {
    "disconnected": "It was disconnected.",
    "deleted_at_novu": "The connection was deleted.",
    "denied_by_person": "You chose Cancel at Slack, and nothing was changed.",
    "timed_out": "Nobody came back from Slack in time.",
    "approval_not_given": "Nobody approved the app in time.",
    "wrong_workspace": "It was another workspace than the one that was asked for.",
    "workspace_policy": "A rule of the workspace does not allow it.",
    "replaced": "Another workspace has been connected since.",
    "superseded": "A newer approval came first.",
}
OUTCOMES: Final = {
    "connected": "Slack is connected",
    "pending": "Not finished yet",
    "awaiting_approval": "Waiting for approval",
    "cancelled": "Slack is not connected",
    "failed": "Slack is not connected",
    "expired": "Slack is not connected",
    "unclaimed": "Not finished yet",
}
REPORTED: Final = {"connected", "cancelled", "failed", "pending"}
"""What a return address may say."""
DESTINATIONS: Final = {"slack_channel": "a channel", "slack_user": "direct messages"}


def why_broken(reason: str | None) -> str:
    return BROKEN.get(reason or "", f"Slack says {reason}." if reason else "we no longer have access.")


def why_ended(reason: str | None) -> str:
    return ENDED.get(reason or "", f"The reason is {reason}." if reason else "")


def heading(attempt: dict[str, Any]) -> str:
    """What is true of an attempt, in a few words. One that was connected may not be any more."""
    if attempt.get("status") == "connected" and attempt.get("reason"):
        return "Slack is not connected any more"
    return OUTCOMES.get(str(attempt.get("status")), "Something happened")


def reported(attempt: dict[str, Any]) -> str:
    """What the return address of this attempt has to say."""
    status = str(attempt.get("status"))
    if status == "expired":
        return "failed"
    return status if status in REPORTED else "pending"
