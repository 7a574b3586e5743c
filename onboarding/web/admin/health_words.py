"""Every sentence that operators read about the health of the service, and about what needs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORKING: Final = "working"
PROBLEM: Final = "problem"
FAILING: Final = "failing"
ALL_WELL: Final = "All systems working"

NO_WORKERS: Final = "Nothing is delivered after the first try. Start “python -m onboarding.worker”."
OLDEST_DUE: Final = "The oldest was due {ago}."
OLDEST_UNDELIVERED: Final = "The oldest attempt on its way to Novu was started {ago}."
WORK: Final[Mapping[str, str]] = {
    "deliver": "Delivery to Novu",
    "destination": "Telling Novu where notifications go",
    "disconnect": "Disconnecting a customer",
    "webhook": "Telling your product of an event",
    "check": "Checking a connection",
    "revoke": "Revoking what nobody claimed",
    "expire": "Marking attempts as expired",
    "forget": "Deleting old records",
}
WORK_FOR: Final[Mapping[str, str]] = {
    "deliver": "Delivery for {who}",
    "destination": "Where notifications for {who} go",
    "disconnect": "Disconnecting {who}",
    "check": "Checking the connection of {who}",
}
BROKE: Final = "started {tries} times and never finished: {error}."
NO_ERROR_NOTED: Final = "the worker ended before it could say why"
STUCK_TODO: Final = (
    "Look for “job failed” in the worker's log and fix what it, or the error below, names. Then press Retry on the "
    "attempt; other work is tried again automatically."
)

DELIVERIES_FAIL: Final = "{deliveries} failed in the last 15 minutes."
CHECKS_FAIL: Final = "{checks} got no answer from {who} in the last 15 minutes."
EVENTS_FAIL: Final = (
    "Your product did not accept {events} in the last 15 minutes. Delivery is tried again, less and less often."
)
PROXY: Final = (
    "Requests arrive with X-Forwarded-For, but TRUSTED_PROXY_COUNT is 0: everybody behind the proxy counts as one "
    "address, so a few wrong passwords lock all of you out. Set it to the number of proxies in front of this service."
)

NEEDS_ONE: Final = "1 install needs you"
NEEDS_MANY: Final = "{number} installs need you"
KEPT_UNTIL: Final = "The approvals are kept until {day}."
BROKEN_TODO: Final = (
    "Notifications do not reach Slack until the customer connects again. Open one to create a reconnect link."
)
UNCLAIMED_TODO: Final = (
    "Added in Slack without a link. Whoever did it can finish with a link in the same browser; if you know the "
    "customer, connect it for them."
)
ON_THEIR_WAY: Final = "on their way"
ON_THEIR_WAY_OR_SUPERSEDED: Final = "on their way or superseded"
