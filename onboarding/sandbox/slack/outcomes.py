"""What can happen after a person presses Allow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """Where an outcome shows; the page groups by it."""

    CONSENT = "On the way back from Slack"
    REDEEM = "When the code is redeemed"
    SHAPE = "In the shape of the grant"
    WIRE = "On the wire"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`callback_error` replaces the code on the way back; `refusal` is the error met when redeeming it."""

    slug: str
    label: str
    explanation: str
    stage: Stage
    callback_error: str | None = None
    refusal: str | None = None
    grants: bool = True


def _on_return(slug: str, label: str, explanation: str, error: str) -> Outcome:
    return Outcome(slug, label, explanation, Stage.CONSENT, callback_error=error, grants=False)


def _refused(slug: str, label: str, explanation: str, error: str) -> Outcome:
    return Outcome(slug, label, explanation, Stage.REDEEM, refusal=error, grants=False)


_ALL: Final = (
    Outcome("approved", "Approved", "Everything works.", Stage.CONSENT),
    _on_return(
        "not_permitted",
        "Not permitted",
        "access_denied without a description, as when a workspace forbids it.",
        "access_denied",
    ),
    _on_return(
        "unexpected_error",
        "Unexpected error",
        "An error that no documentation mentions, with markup in it.",
        "something_<b>odd</b>",
    ),
    _refused("code_expired", "Code expired", "As if ten minutes had passed.", "code_expired"),
    _refused("code_already_used", "Code already used", "As if somebody had been faster.", "code_already_used"),
    _refused("bad_client_secret", "Bad client secret", "As if the secret had changed.", "bad_client_secret"),
    _refused(
        "workspace_policy",
        "Workspace policy",
        "The organisation restricts apps: enterprise_is_restricted.",
        "enterprise_is_restricted",
    ),
    _refused("unknown_error", "Unknown error", "ok: false with an unheard-of error.", "flux_capacitor_missing"),
    Outcome(
        "ok_without_token",
        "Fine, but empty",
        "ok: true, and neither a token nor a team.",
        Stage.REDEEM,
        grants=False,
    ),
    Outcome("org_wide", "Org-wide", "Installed for the whole organisation: team is null.", Stage.SHAPE),
    Outcome("rotation", "Rotating token", "A token for 12 hours and a refresh token.", Stage.SHAPE),
    Outcome("fewer_scopes", "One scope fewer", "The last requested permission is not granted.", Stage.SHAPE),
    Outcome("user_only", "User token only", "A person's token and no bot token.", Stage.SHAPE),
    Outcome("no_workspace_name", "Nameless workspace", "team has an id and no name.", Stage.SHAPE),
    Outcome("slow", "Slow", "The grant comes after a few seconds.", Stage.WIRE),
    Outcome("hang", "Hangs", "The grant is issued; its answer comes far too late.", Stage.WIRE),
    Outcome("truncated", "Cut short", "The grant is issued; half of its JSON arrives.", Stage.WIRE),
    Outcome("reset_after", "Reset, too late", "The grant is issued; the connection closes.", Stage.WIRE),
    Outcome(
        "reset_before",
        "Reset, in time",
        "The connection closes before that.",
        Stage.WIRE,
        grants=False,
    ),
    Outcome("server_error", "Server error", "HTTP 500 with an HTML page.", Stage.WIRE, grants=False),
    Outcome("rate_limited", "Rate limited", "HTTP 429 with Retry-After.", Stage.WIRE, grants=False),
    Outcome("html", "A web page", "HTTP 200 with HTML, as from a proxy.", Stage.WIRE, grants=False),
)

OUTCOMES: Final = {outcome.slug: outcome for outcome in _ALL}
APPROVED: Final = OUTCOMES["approved"]
