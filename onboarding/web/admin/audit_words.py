"""What each entry of the audit log says was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from onboarding.ledger.audit import Action

ACTIONS: Final[Mapping[Action, str]] = {
    Action.SIGNED_IN: "Signed in",
    Action.SIGN_IN_FAILED: "Sign-in failed",
    Action.SIGNED_OUT: "Signed out",
    Action.MINTED: "Created a link",
    Action.REVOKED: "Revoked a link",
    Action.RETRIED: "Retried an attempt",
    Action.CLAIMED: "Connected an unclaimed install",
    Action.RENAMED: "Renamed a connection",
    Action.VERIFIED: "Verified a connection",
    Action.CHECKED: "Checked a connection",
    Action.RECONNECT_MINTED: "Created a reconnect link",
    Action.DISCONNECTED: "Disconnected",
    Action.DESTINATION_SET: "Chose where notifications go",
    Action.DESTINATION_REMOVED: "Removed where notifications go",
    Action.TEST_SENT: "Sent a test message",
    Action.REDELIVERED: "Sent an event again",
    Action.RESUMED: "Resumed the sending of events",
    Action.PINGED: "Sent a ping",
    Action.EXPORTED: "Exported",
}
