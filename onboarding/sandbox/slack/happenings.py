"""What can happen to the app after it was installed, by button: it is removed, loses its tokens, or moves."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, redirect, request
from werkzeug.wrappers import Response as Redirect

from onboarding.sandbox.fake import refuse_cross_site
from onboarding.sandbox.slack import workspaces
from onboarding.sandbox.slack.calling import local_slack

blueprint: Final = Blueprint("happenings", __name__)


@blueprint.post("/installations/<installation_id>")
def happen(installation_id: str) -> Redirect:
    """Fields: `action`, and `back`, the workspace on whose page the button is."""
    refuse_cross_site()
    slack, action = local_slack(), request.form.get("action", "")
    if slack.installed(installation_id) is None:
        abort(404, "The app is not installed there.")
    try:
        match action:
            case "remove":
                slack.remove_app(installation_id)
            case "revoke" | "revoke_user":
                slack.revoke_token(installation_id, "user" if action == "revoke_user" else "bot")
            case "deactivate":
                slack.deactivate(installation_id)
            case "rate_limited":
                slack.send_rate_limited(installation_id)
            case _:
                abort(400, "Nothing of that name can happen.")
    except ValueError:
        abort(400, "There is no such token.")
    return _back()


@blueprint.post("/organisations/<organisation_id>")
def change_organisation(organisation_id: str) -> Redirect:
    """Add the app to a workspace of an organisation that installed it, or take it away from one."""
    refuse_cross_site()
    slack, team = local_slack(), request.form.get("team", "")
    if team not in {each.id for each in workspaces.of_organisation(organisation_id)}:
        abort(400, "The organisation has no such workspace.")
    if request.form.get("action", "add") == "add":
        slack.add_workspace(organisation_id, team)
    else:
        slack.remove_workspace(organisation_id, team)
    return _back()


def _back() -> Redirect:
    workspace = workspaces.find(request.form.get("back", ""))
    return redirect(f"/workspaces/{workspace.id}" if workspace else "/workspaces", 303)
