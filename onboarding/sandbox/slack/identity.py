"""The methods about a token and its workspaces: whose it is, its end, the team, the teams of an organisation."""

from __future__ import annotations

import time
from typing import Any, Final

from onboarding.sandbox.slack import arguments, cursors, people, workspaces
from onboarding.sandbox.slack.calling import Caller, Given, as_caller
from onboarding.sandbox.slack.model import Workspace

MOST_TEAMS: Final = 1000


@as_caller
def auth_test(caller: Caller, _given: Given) -> dict[str, Any]:
    installation, workspace = caller.installation, caller.installation.workspace
    organisation = workspace.organisation
    place = (organisation.name, f"{organisation.domain}.enterprise.slack.com")
    name, host = place if installation.org_wide else (workspace.name, workspace.host)
    answer: dict[str, Any] = {
        "url": f"https://{host}/",
        "team": name,
        "user": _name(caller),
        "team_id": installation.id,
        "user_id": caller.user_id,
        "is_enterprise_install": installation.org_wide,
        "app_id": caller.slack.app.id,
        "app_name": caller.slack.app.name,
    }
    if caller.is_bot:
        answer["bot_id"] = installation.bot_id
    if installation.org_wide or workspace.enterprise:
        answer["enterprise_id"] = organisation.id
    if caller.token.expires_at is not None:
        answer["expires_in"] = round(caller.token.expires_at - time.time())
    return answer


@as_caller
def auth_revoke(caller: Caller, given: Given) -> dict[str, Any]:
    is_test = arguments.is_true(given, "test")
    if not is_test:
        caller.slack.revoke(caller.token)
    return {"revoked": not is_test}


@as_caller
def team_info(caller: Caller, _given: Given) -> dict[str, Any]:
    caller.require("team:read")
    workspace = caller.installation.workspace
    team: dict[str, Any] = {"id": workspace.id, "name": workspace.name, "domain": workspace.host.partition(".")[0]}
    team |= {"email_domain": "", "icon": {"image_default": True}}
    if workspace.enterprise:
        team |= {"enterprise_id": workspace.enterprise.id, "enterprise_name": workspace.enterprise.name}
    return {"team": team}


@as_caller
def auth_teams_list(caller: Caller, given: Given) -> dict[str, Any]:
    """An organisation's token begins with none: the app is in no workspace until somebody adds it."""
    limit = cursors.limit_of(given, MOST_TEAMS)
    teams = [_team(found) for id_ in caller.reach if (found := workspaces.find(id_))]
    positions, next_cursor = cursors.cut(len(teams), limit, given.get("cursor", ""))
    return {"teams": [teams[each] for each in positions], "response_metadata": {"next_cursor": next_cursor}}


def _team(workspace: Workspace) -> dict[str, str]:
    return {"id": workspace.id, "name": workspace.name}


def _name(caller: Caller) -> str:
    if caller.is_bot:
        return "sandbox-bot"
    person = people.find(caller.installation.workspace, caller.installation.person_id)
    return person.name if person else "sandbox"
