"""What became of an attempt: a page to look at, and the same as JSON to poll."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, abort, jsonify, session
from flask.typing import ResponseReturnValue

from onboarding.model import GRANT_KEPT, Attempt, Reason, Status, Unrecorded, Workspace
from onboarding.model.destinations import MadeConnection
from onboarding.model.errors import StoreUnavailable
from onboarding.web import standing
from onboarding.web.context import wiring
from onboarding.web.pages import cookies, messages, render
from onboarding.web.pages.about import About, Name, expected

outcome_pages = Blueprint("outcome", __name__)


@outcome_pages.get("/attempts/<attempt_id>")
def attempt(attempt_id: str) -> ResponseReturnValue:
    if told := _recall(attempt_id):
        return _unrecorded(attempt_id, told)
    found = _find(attempt_id)
    if connection := wiring().choosing.made_by(found):
        return _connected(found, connection)
    if found.status is Status.UNCLAIMED:
        return _unclaimed(found)
    return render.show(
        messages.outcome(found), about=_about(found), attempt=found, scopes=_missing(found), notice=_notice(found)
    )


@outcome_pages.get("/attempts/<attempt_id>/status")
def attempt_status(attempt_id: str) -> ResponseReturnValue:
    found = _find(attempt_id)
    return jsonify(
        id=found.id,
        status=standing.status(found),
        workspace=standing.workspace(found.workspace),
        reason=found.reason,
        destination=standing.destination(wiring().choosing.open_to(found)),
    )


def remember(attempt_id: str, unrecorded: Unrecorded | None) -> None:
    """Let this browser know what the store could not be told."""
    if unrecorded:
        workspace = unrecorded.workspace
        session["unrecorded"] = [attempt_id, unrecorded.status.value, workspace.id, workspace.name]


def note_unused(attempt_id: str) -> None:
    """Let this browser know that its newer approval came too late for this attempt."""
    session["unused"] = attempt_id


def _notice(found: Attempt) -> str:
    """What has to be said before anything else, once."""
    if session.get("unused") == found.id:
        del session["unused"]
        return messages.UNUSED if cookies.is_same_browser(found) else ""
    return ""


def _recall(attempt_id: str) -> Unrecorded | None:
    """What this browser was told, unless the store knows better by now."""
    told_id, *told = session.get("unrecorded") or [None]
    if told_id != attempt_id:
        return None
    status, *workspace = told
    try:
        found = wiring().ledger.attempts.get(attempt_id)
    except StoreUnavailable:
        found = None
    is_known = found is not None and found.status not in {Status.STARTED, Status.EXPIRED}
    return None if is_known else Unrecorded(Status(status), Workspace(*workspace))


def _unrecorded(attempt_id: str, told: Unrecorded) -> ResponseReturnValue:
    is_connected = told.status is Status.CONNECTED
    message = messages.CONNECTED_UNRECORDED if is_connected else messages.OUTCOMES[Reason.GRANT_LOST]
    if not is_connected and cookies.is_direct(attempt_id):
        message = messages.GRANT_LOST_DIRECT
    return render.show(message, about=About(workspace=told.workspace, support_code=attempt_id))


def _unclaimed(found: Attempt) -> ResponseReturnValue:
    message = messages.UNCLAIMED if cookies.is_same_browser(found) else messages.UNCLAIMED_ELSEWHERE
    left = render.in_words(found.granted_at + GRANT_KEPT - wiring().clock())
    about = _about(found)
    return render.show(
        message, about=replace(about, names={**about.names, "left": left}), attempt=found, notice=_notice(found)
    )


def _connected(found: Attempt, connection: MadeConnection) -> ResponseReturnValue:
    """The page of an attempt that made a connection: it may be broken or ending by now."""
    if connection.is_ending:
        return render.show(messages.ENDING, about=_about(found), attempt=found, notice=_notice(found))
    if connection.is_broken:
        about = _about(found)
        about = replace(about, names={**about.names, **render.breakage(connection)})
        return render.show(messages.BROKEN, about=about, attempt=found, notice=_notice(found))
    if found.link.has_destination:
        return _with_destination(found, connection)
    return render.show(messages.outcome(found), about=_about(found), attempt=found, notice=_notice(found))


def _with_destination(found: Attempt, connection: MadeConnection) -> ResponseReturnValue:
    """The page of a connection whose destination is chosen here: connecting was not the last step."""
    destination, is_theirs = connection.destination, cookies.is_same_browser(found)
    message = messages.with_destination(found, destination, is_theirs=is_theirs)
    if connection.is_being_placed:
        message = messages.DESTINATION_COMING
    is_sent = is_theirs and destination is not None and session.pop("tested", "") == found.id
    about = _about(found)
    if destination:
        about = replace(about, names={**about.names, "place": render.place(destination, is_theirs=is_theirs)})
    return render.show(
        message, about=about, attempt=found, notice=_notice(found) or (messages.TEST_SENT if is_sent else "")
    )


def _find(attempt_id: str) -> Attempt:
    return wiring().install.find(attempt_id) or abort(404)


def _about(found: Attempt) -> About:
    names: dict[str, str | Name] = {}
    if found.reason is Reason.WRONG_WORKSPACE:
        names["expected"] = expected(found.link) or Name(found.link.workspace_id or "")
    policy = messages.POLICIES.get(found.detail or "", messages.ANY_POLICY)
    return About(
        link=found.link,
        attempt=found,
        may_restart=cookies.is_same_browser(found),
        support_code=found.id,
        names={"policy": policy, "date": render.date(found.link.expires_at), **names},
    )


def _missing(found: Attempt) -> list[messages.Permission]:
    if found.reason is not Reason.SCOPES_MISSING or not found.detail:
        return []
    return messages.grouped(found.detail.split(","))
