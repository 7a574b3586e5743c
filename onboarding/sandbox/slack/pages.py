"""Workspaces as people see them: channels, direct messages, what the app posted, and buttons to change who is in.

Whoever looks here sees everything, private channels included; nobody is signed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as Redirect

from onboarding.sandbox.fake import refuse_cross_site
from onboarding.sandbox.slack import channels, mrkdwn, people, workspaces
from onboarding.sandbox.slack.calling import local_slack
from onboarding.sandbox.slack.channels import Channel
from onboarding.sandbox.slack.messages import Message
from onboarding.sandbox.slack.model import Installation, Workspace
from onboarding.sandbox.slack.people import Person
from onboarding.sandbox.slack.places import APP

LISTED: Final = 50
ACTIONS: Final = ("invite", "remove", "archive", "unarchive", "join", "leave")

blueprint: Final = Blueprint("pages", __name__)


@dataclass(frozen=True, slots=True)
class Sidebar:
    """`found` is how many channels match `find`; only the first are listed."""

    listed: tuple[Channel, ...]
    found: int
    total: int
    find: str
    people: tuple[Person, ...]


@blueprint.get("/workspaces")
def every() -> str:
    slack = local_slack()
    installed = tuple(each for each in slack.installations if not each.org_wide)
    beyond = tuple(each.workspace for each in installed if each.workspace not in workspaces.OFFERED)
    organisations = [(each, _added(each.id)) for each in slack.installations if each.org_wide]
    return render_template(
        "slack/workspaces.html",
        slack=slack,
        shown=[(workspace, _installation_in(workspace)) for workspace in (*workspaces.OFFERED, *beyond)],
        organisations=organisations,
    )


@blueprint.get("/workspaces/<workspace_id>")
def one(workspace_id: str) -> str:
    workspace, slack = _workspace(workspace_id), local_slack()
    own = workspace.id[1:]
    spoken = [
        (place, len(slack.messages(place.id if isinstance(place, Channel) else place.dm_id)))
        for id_ in slack.spoken()
        if (place := _channel_in(own, id_) or people.find(workspace, id_))
    ]
    return render_template(
        "slack/workspace.html",
        **_frame(workspace),
        spoken=spoken,
        happening=[each for id_ in (workspace.id, workspace.organisation.id) if (each := slack.installed(id_))],
        own=_added(workspace.organisation.id),
    )


@blueprint.get("/workspaces/<workspace_id>/<place_id>")
def conversation(workspace_id: str, place_id: str) -> str:
    workspace, slack = _workspace(workspace_id), local_slack()
    channel, person = _place(workspace, place_id)
    names = {each.id: each.real_name for each in people.of(workspace)}
    return render_template(
        "slack/conversation.html",
        **_frame(workspace),
        channel=channel,
        person=person,
        messages=slack.messages(person.dm_id if person else place_id),
        author=lambda message: _author(message, names),
        render=lambda text: mrkdwn.render(text, names),
    )


@blueprint.post("/workspaces/<workspace_id>/<place_id>")
def change(workspace_id: str, place_id: str) -> Redirect:
    refuse_cross_site()
    workspace, slack = _workspace(workspace_id), local_slack()
    channel, _ = _place(workspace, place_id)
    action, person = request.form.get("action", ""), people.find(workspace, request.form.get("person", ""))
    if channel is None or action not in ACTIONS or (action in {"join", "leave"} and person is None):
        abort(400, "No such change.")
    if action in {"archive", "unarchive"}:
        slack.archive(channel.id, action == "archive")
    else:
        slack.move(channel.id, person.id if person else APP, action in {"invite", "join"})
    return redirect(f"/workspaces/{workspace.id}/{channel.id}", 303)


@blueprint.get("/app_redirect")
def app_redirect() -> Redirect:
    """Where "Open Slack" leads. https://docs.slack.dev/interactivity/deep-linking"""
    workspace, channel = workspaces.find(request.args.get("team", "")), request.args.get("channel", "")
    if workspace is None:
        return redirect("/workspaces" if request.args.get("team") else "/")
    known = _channel_in(workspace.id[1:], channel) or people.find(workspace, channel)
    return redirect(f"/workspaces/{workspace.id}" + (f"/{channel}" if known else ""))


def _frame(workspace: Workspace) -> dict[str, object]:
    return {
        "slack": local_slack(),
        "workspace": workspace,
        "installation": _installation_in(workspace),
        "side": _sidebar(workspace),
        "query": f"?{urlencode({'find': request.args['find']})}" if request.args.get("find") else "",
    }


def _sidebar(workspace: Workspace) -> Sidebar:
    find = request.args.get("find", "").strip().lower().removeprefix("#")
    slack, total = local_slack(), channels.count(workspace)
    if find:
        matching = [each for each in slack.numbered(workspace, range(total)) if find in each.name]
        return Sidebar(tuple(matching[:LISTED]), len(matching), total, find, people.of(workspace))
    listed = tuple(slack.numbered(workspace, range(min(total, LISTED))))
    return Sidebar(listed, total, total, "", people.of(workspace))


def _workspace(id_: str) -> Workspace:
    return workspaces.find(id_) or abort(404)


def _place(workspace: Workspace, id_: str) -> tuple[Channel | None, Person | None]:
    channel, person = _channel_in(workspace.id[1:], id_), people.find(workspace, id_)
    if channel is None and person is None:
        abort(404)
    return channel, None if channel else person


def _channel_in(own: str, id_: str) -> Channel | None:
    return local_slack().channel(id_) if id_[1:-3] == own else None


def _added(organisation_id: str) -> list[tuple[Workspace, bool]]:
    """The workspaces of an organisation, and whether the app was added to each."""
    added = local_slack().added_workspaces(organisation_id)
    return [(each, each.id in added) for each in workspaces.of_organisation(organisation_id)]


def _installation_in(workspace: Workspace) -> Installation | None:
    """The workspace's own, or its organisation's if the app was added to this workspace."""
    slack, organisation = local_slack(), workspace.organisation.id
    own = slack.installed(workspace.id)
    return own or (slack.installed(organisation) if workspace.id in slack.added_workspaces(organisation) else None)


def _author(message: Message, names: dict[str, str]) -> str:
    name = names.get(f"U{message.user[1:]}", message.user)
    return local_slack().app.name if message.by_app else name
