"""What is switched by form on the first page, and what tests in another process may read. None of it is Slack's."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, abort, jsonify, redirect, request
from werkzeug.wrappers import Response as Redirect

from onboarding.sandbox.fake import read_number, refuse_cross_site
from onboarding.sandbox.slack import people, workspaces
from onboarding.sandbox.slack.api import METHODS
from onboarding.sandbox.slack.calling import local_slack
from onboarding.sandbox.slack.channels import Channel
from onboarding.sandbox.slack.faults import ANY
from onboarding.sandbox.slack.messages import Message

LONGEST_WAIT: Final = 86400

blueprint: Final = Blueprint("switches", __name__)


@blueprint.post("/faults")
def set_fault() -> Redirect:
    """Fields: `method` (or *), `kind` (or none), and optionally `count`, `error`, `retry_after`."""
    refuse_cross_site()
    form, method = request.form, request.form.get("method", ANY)
    if method not in {ANY, *METHODS}:
        abort(400, "No such method.")
    count, retry_after = read_number("count", 9999), read_number("retry_after", LONGEST_WAIT)
    error = form.get("error") or "internal_error"
    try:
        local_slack().faults.set(method, form.get("kind", ""), count, error=error, retry_after=retry_after or 30)
    except ValueError:
        abort(400, "No such fault.")
    return redirect("/", 303)


@blueprint.post("/faults/clear")
def clear_faults() -> Redirect:
    refuse_cross_site()
    local_slack().faults.clear()
    return redirect("/", 303)


@blueprint.post("/messages-tab")
def switch_messages_tab() -> Redirect:
    """`on` is 1 or 0."""
    refuse_cross_site()
    if request.form.get("on") not in {"0", "1"}:
        abort(400, "on must be 0 or 1.")
    local_slack().switch_messages_tab(request.form["on"] == "1")
    return redirect("/", 303)


@blueprint.get("/sandbox/messages")
def messages() -> Response:
    found = local_slack().messages(request.args.get("channel", ""))
    return jsonify({"messages": [_message(message) for message in found]})


@blueprint.get("/sandbox/channels")
def every_channel() -> Response:
    workspace = workspaces.find(request.args.get("team", "")) or abort(404)
    wanted = request.args.get("find", "")
    found = (each for each in local_slack().channels(workspace.id) if wanted in each.name)
    return jsonify({"channels": [_channel(channel) for channel in found]})


@blueprint.get("/sandbox/people")
def everybody() -> Response:
    workspace = workspaces.find(request.args.get("team", "")) or abort(404)
    told = [{"id": each.id, "name": each.name, "real_name": each.real_name} for each in people.of(workspace)]
    return jsonify({"people": told})


@blueprint.get("/sandbox/calls")
def calls() -> Response:
    return jsonify({"calls": local_slack().all_calls()})


def _message(message: Message) -> dict[str, Any]:
    return {
        "channel": message.conversation,
        "ts": message.ts,
        "user": message.user,
        "by_app": message.by_app,
        "text": message.text,
        "blocks": list(message.blocks),
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_restricted": channel.is_restricted,
        "shared": channel.shared,
        "has_app": channel.has_app,
        "members": list(channel.people),
        "links": list(channel.links),
    }
