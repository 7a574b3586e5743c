"""The calls that list connections and look after them, for the OpenAPI document."""

from __future__ import annotations

from onboarding.model.destinations import ConnectionState
from onboarding.web.api import problems, refusals, upkeep_asking
from onboarding.web.api.describing import answer, answers, given, in_query, key, page_of, switch
from onboarding.web.api.examples import SHARER, SUBSCRIBER_ID
from onboarding.web.api.shapes import Schema, ref

CURSOR = r"^([0-9]{1,17}\.chconn_[0-9a-f]{32})?$"
NO_BODY = "Takes no body."


def listing() -> Schema:
    return {
        "operationId": "listConnections",
        "summary": "List connections",
        "description": "What was connected here, also what has ended, with what was connected last first. One for each "
        "owner. Empty parameters count as not given.",
        "parameters": [
            in_query(
                "subscriberId",
                {"type": "string"},
                "Whose they are. Shared connections are nobody's.",
                SUBSCRIBER_ID,
            ),
            in_query(
                upkeep_asking.CONTEXT,
                {"type": "array", "items": {"type": "string", "pattern": f"^({upkeep_asking.KEY_PATTERN})?$"}},
                "A context of theirs, as type:id. May be repeated: then all of them have to be there.",
            ),
            in_query("integrationIdentifier", {"type": "string"}, "Novu's integration."),
            in_query("workspaceId", {"type": "string"}, "Slack's id of the workspace or organisation."),
            in_query("state", {"enum": [*ConnectionState, ""]}, "How they are."),
            *page_of(CURSOR),
        ],
        "responses": answers(200, answer("ConnectionPage", "A page of connections"), (422,)),
    }


def check() -> Schema:
    return {
        "operationId": "checkConnection",
        "summary": "Check a connection now",
        "description": "Asks Slack whether the token works. A token that rotates and has expired is refreshed by Novu "
        "first. If Novu has deleted the connection, it has ended. 503 if Slack or Novu do not say: then nothing was "
        f"changed. {NO_BODY}",
        "parameters": [key("The same call under the same key is answered without asking again.", "check-4711")],
        "responses": answers(200, answer("ConnectionStatus", "The connection as it is now"), (404, 413, 422)),
    }


def reconnect() -> Schema:
    return {
        "operationId": "reconnect",
        "summary": "Create a link that heals a connection",
        "description": f"For the same owner, account and return URL; also if the connection has ended. {NO_BODY}",
        "parameters": [key("The same call under the same key is answered with the same link.", "reconnect-4711")],
        "responses": answers(201, answer("Link", "The link"), (404, 413, 422)),
    }


def end() -> Schema:
    gone = {"description": "It has ended, now or before", "headers": given()}
    later = {"description": "A worker ends it as soon as Slack and Novu answer", "headers": given()}
    return {
        "operationId": "endConnection",
        "summary": "Disconnect",
        "description": "Deletes the connection and its endpoints at Novu. Approvals given before do not bring it back. "
        "503 if Slack or Novu refuse.",
        "parameters": [
            in_query("revoke", switch(), "Whether to revoke the token at Slack before."),
            in_query("force", switch(), "Whether to revoke it although others are connected by the same token."),
        ],
        "responses": {"202": later, **answers(204, gone, (404, 422)), "409": _shared_token()},
    }


def _shared_token() -> Schema:
    reason = refusals.SHARED_TOKEN
    body = {
        **problems.example(409),
        "detail": refusals.CONFLICTS[reason],
        "reason": reason,
        "owners": [SHARER],
    }
    content = {"schema": ref("SharedTokenProblem"), "example": body}
    return {
        "description": "Others use the token that is to be revoked",
        "headers": given(),
        "content": {problems.MEDIA_TYPE: content},
    }
